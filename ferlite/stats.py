"""How fast results come, and how old they are."""

import time
from collections import deque
from threading import Lock

import numpy as np


class Stats:
    """Throughput over all results, latency percentiles over the last `window` of them; memory stays bounded.

    One thread may ask while another adds.
    """

    def __init__(self, window: int = 10_000) -> None:
        self.count = 0
        self._first = self._last = 0.0
        self._latencies: deque[float] = deque(maxlen=window)
        self._lock = Lock()

    def add(self, latency: float, now: float | None = None) -> None:
        """Count one result with its latency in seconds, at `now` (`time.monotonic()`)."""
        with self._lock:
            self._last = time.monotonic() if now is None else now
            if self.count == 0:
                self._first = self._last
            self.count += 1
            self._latencies.append(latency)

    @property
    def throughput(self) -> float:
        """Results per second: the n - 1 intervals between n results over the time they took; NaN below two results."""
        elapsed = self._last - self._first
        return (self.count - 1) / elapsed if elapsed > 0 else float("nan")

    def latency(self, percentile: float) -> float:
        """A percentile (0…100) of the latencies in seconds; NaN without any."""
        with self._lock:
            known = list(self._latencies)
        return float(np.percentile(known, percentile)) if known else float("nan")
