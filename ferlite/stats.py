"""How fast results come, and how old they are."""

import time
from collections import deque

import numpy as np


class Stats:
    """Throughput over all results, latency percentiles over the last `window` of them; memory stays bounded."""

    def __init__(self, window: int = 10_000) -> None:
        self.count = 0
        self._first = self._last = 0.0
        self._latencies: deque[float] = deque(maxlen=window)

    def add(self, latency: float, now: float | None = None) -> None:
        """Count one result with its latency in seconds, at `now` (`time.monotonic()`)."""
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
        return float(np.percentile(self._latencies, percentile)) if self._latencies else float("nan")
