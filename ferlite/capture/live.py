"""A thread that reads a live source all the time and keeps only the newest frame: nobody ever sees an old one."""

import time
from collections.abc import Iterator
from threading import Condition, Thread
from typing import Protocol, Self

from ferlite.errors import FerliteError, SourceError
from ferlite.types import Frame, Image


class Reader(Protocol):
    """What delivers the pictures; used by one thread only."""

    def read(self) -> Image | None:
        """The next picture as soon as it is there; None at a regular end. Raises FerliteError when it fails."""
        ...

    def close(self) -> None: ...


class LiveSource:
    """Frames of a reader, newest first served; whoever is slow skips frames instead of falling behind.

    Raises SourceError when no picture arrives for `timeout` seconds. Use it in a `with` block, or call `close`.
    """

    live = True
    total: int | None = None

    def __init__(self, reader: Reader, name: str, fps: float | None = None, timeout: float = 10.0) -> None:
        self.name, self.fps, self.timeout = name, fps, timeout
        self._reader = reader
        self._changed = Condition()
        self._newest: Frame | None = None
        self._seen = self._taken = 0
        self._failure: FerliteError | None = None
        self._ended = self._closing = False
        self._thread = Thread(target=self._read_all, name=f"ferlite capture {name}", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        with self._changed:
            return self._seen - self._taken - (self._newest is not None)

    def __iter__(self) -> Iterator[Frame]:
        while (frame := self._take()) is not None:
            yield frame

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the thread and free the device; returns within `timeout` seconds even where the device hangs."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(self.timeout)

    def _take(self) -> Frame | None:
        with self._changed:
            ready = self._changed.wait_for(
                lambda: self._newest is not None or self._ended or self._closing, self.timeout
            )
            if self._closing:
                return None
            frame, self._newest = self._newest, None
            if frame is not None:
                self._taken += 1
                return frame
            if self._failure is not None:
                raise self._failure
            if not ready:
                raise SourceError(f"{self.name}: no picture for {self.timeout:g} s; is it still connected?")
            return None

    def _read_all(self) -> None:
        failure: FerliteError | None = None
        try:
            while not self._closing and (image := self._reader.read()) is not None:
                with self._changed:
                    self._newest = Frame(self._seen, time.monotonic(), image)
                    self._seen += 1
                    self._changed.notify_all()
        except FerliteError as error:
            failure = error
        except Exception as error:  # whatever it was, it belongs to the caller, not to this thread
            failure = SourceError(f"{self.name}: reading failed: {error}")
        try:
            # by this thread: freeing a device while another thread reads from it can crash the process
            self._reader.close()
        except Exception as error:
            failure = failure or SourceError(f"{self.name}: closing failed: {error}")
        with self._changed:
            self._failure, self._ended = failure, True
            self._changed.notify_all()
