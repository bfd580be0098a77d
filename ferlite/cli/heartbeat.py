"""What `ferlite run` tells systemd of itself: ready at the first result, alive while there is progress.

Progress is a result that all outputs have taken, or another attempt to reconnect a lost source. A pipeline that hangs,
an output that does, or a driver that never returns from a camera make neither, and the service is started anew.
"""

import time
from threading import Event, Thread
from typing import Self

from ferlite.capture.live import LiveSource
from ferlite.notify import notify, watchdog
from ferlite.pipeline import Pipeline
from ferlite.types import FrameResult

INTERVAL = 5.0  # seconds between two reports, or a quarter of the watchdog's time if that is shorter


class Heartbeat:
    """Reports of a pipeline until the `with` block is left; `beat` is told of each result that has been written."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._results = self._faces = 0
        self._ended = Event()
        self._thread: Thread | None = None

    def beat(self, result: FrameResult) -> None:
        self._results += 1
        self._faces = len(result.faces)
        if self._results == 1 and notify("READY=1", "STATUS=first result"):
            self._thread = Thread(target=self._report, name="ferlite heartbeat", daemon=True)
            self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        notify("STOPPING=1")
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _report(self) -> None:
        limit = watchdog()
        interval = INTERVAL if limit is None else min(INTERVAL, limit / 4)
        results, attempts, then = 0, 0, time.monotonic()
        while not self._ended.wait(interval):
            now = time.monotonic()
            news = [f"STATUS={self._status((self._results - results) / (now - then))}"]
            if (self._results, self._attempts) != (results, attempts):
                news.append("WATCHDOG=1")
            results, attempts, then = self._results, self._attempts, now
            notify(*news)

    @property
    def _attempts(self) -> int:
        source = self._pipeline.source
        return source.attempts if isinstance(source, LiveSource) else 0

    def _status(self, rate: float) -> str:
        if rate == 0:
            tried = f", connections tried: {self._attempts}" if self._attempts else ""
            return f"no results for the moment{tried}"
        faces = "1 face" if self._faces == 1 else f"{self._faces} faces"
        return f"{rate:.1f} frames per second, {faces}, {self._pipeline.dropped} frames dropped"
