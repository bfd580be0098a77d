"""A thread that reads a live source all the time and keeps only the newest frame: nobody ever sees an old one."""

import atexit
import logging
import time
from collections.abc import Callable, Iterator
from threading import Event, Thread
from typing import Protocol, Self

from ferlite.errors import FerliteError, SettingError, SourceError
from ferlite.handover import Handover
from ferlite.types import Frame, Image

log = logging.getLogger(__name__)
STALL = 5.0  # seconds after which a silent connection is given up for another one, unless the timeout is shorter still
CLOSE_TIMEOUT = 10.0  # seconds: a device that hangs longer is left to its thread
SHORTEST_PAUSE, LONGEST_PAUSE = 0.25, 8.0  # seconds before an attempt to reconnect; doubled each time in between
STEADY = 2.0  # seconds a connection has to hold for the pauses to start from the shortest again


def check_timeout(timeout: float) -> float:
    """The value itself. Raises SettingError where it is no time to wait for a picture."""
    if not timeout > 0:
        raise SettingError(f"timeout is {timeout}; it has to be above 0 seconds, or inf")
    return timeout


class Reader(Protocol):
    """What delivers the pictures; used by one thread only."""

    def read(self) -> Image | tuple[Image, Image] | None:
        """The next picture as soon as it is there, alone or with its luma; None at a regular end.

        Raises FerliteError when it fails.
        """
        ...

    def close(self) -> None: ...


class LiveSource:
    """Frames of a reader, newest first served; whoever is slow skips frames instead of falling behind.

    Raises SourceError when no picture arrives for `timeout` seconds; inf waits for ever. With `reopen`, a reader that
    fails is replaced by what it returns: again and again, with growing pauses, for as long as `timeout` allows. Use it
    in a `with` block, or call `close`, which any thread may do.
    """

    live = True
    total: int | None = None

    def __init__(
        self,
        reader: Reader,
        name: str,
        fps: float | None = None,
        timeout: float = 10.0,
        reopen: Callable[[], Reader] | None = None,
    ) -> None:
        self.name, self.fps, self.timeout = name, fps, check_timeout(timeout)
        self.seen = 0
        """Frames that have arrived."""
        self.reconnects = 0
        """How often the connection was lost and found again."""
        self.attempts = 0
        """How often it was tried to find it again."""
        self._reader, self._reopen = reader, reopen
        self._newest: Handover[Frame] = Handover(newest_wins=True)
        self._closing = Event()
        self._lost: FerliteError | None = None
        self._pause = SHORTEST_PAUSE
        self._thread = Thread(target=self._read_all, name=f"ferlite capture {name}", daemon=True)
        atexit.register(self.close)  # a thread still inside OpenCV when the interpreter goes takes the process down
        self._thread.start()

    @property
    def dropped(self) -> int:
        return self._newest.dropped

    def __iter__(self) -> Iterator[Frame]:
        while (frame := self._take()) is not None:
            yield frame

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the thread and free the device; returns within seconds even where the device hangs."""
        if self._newest.forked:
            return  # the device is that of the process which opened it
        self._closing.set()
        self._newest.close()
        self._thread.join(CLOSE_TIMEOUT)
        if self._thread.is_alive():
            log.warning("%s: did not end within %g s; it is left to itself", self.name, CLOSE_TIMEOUT)
        atexit.unregister(self.close)

    def _take(self) -> Frame | None:
        try:
            return self._newest.take(self.timeout)
        except TimeoutError:
            lost = str(self._lost or "").removeprefix(f"{self.name}: ")
            reason = f": {lost}" if lost else "; is it still connected?"
            raise SourceError(f"{self.name}: no picture for {self.timeout:g} s{reason}") from None

    def _read_all(self) -> None:
        failure: FerliteError | None = None
        try:
            while self._read_until_lost() and self._reconnect():
                pass
        except Exception as error:  # whatever it was, it belongs to the caller, not to this thread
            failure = error if isinstance(error, FerliteError) else SourceError(f"{self.name}: reading failed: {error}")
        try:
            # by this thread: freeing a device while another thread reads from it can crash the process
            self._reader.close()
        except Exception as error:
            failure = failure or SourceError(f"{self.name}: closing failed: {error}")
        self._newest.finish(failure)

    def _read_until_lost(self) -> bool:
        """Whether the source failed in a way that another connection may mend; false at a regular end."""
        first: float | None = None
        held = 0.0  # seconds from its first picture to its last
        try:
            while not self._closing.is_set():
                picture = self._reader.read()
                if picture is None:
                    return False
                image, luma = picture if isinstance(picture, tuple) else (picture, None)
                self._lost = None
                now = time.monotonic()
                first = now if first is None else first
                held = now - first
                frame = Frame(self.seen, now, image, luma)
                self.seen += 1
                self._newest.put(frame)
        except SourceError as error:
            if self._reopen is None:
                raise
            self._lost = error
            if held > STEADY:
                self._pause = SHORTEST_PAUSE
        return not self._closing.is_set()

    def _reconnect(self) -> bool:
        """A new reader in the place of the lost one; false where the source was closed in the meantime."""
        assert self._reopen is not None
        log.warning("%s; reconnecting", self._lost)
        lost, self._reader = self._reader, _Nothing()
        try:
            lost.close()
        except Exception as error:  # it is gone anyway
            log.warning("%s: closing failed: %s", self.name, error)
        while not self._closing.wait(self._pause):
            self._pause = min(2 * self._pause, LONGEST_PAUSE, self.timeout / 4)
            self.attempts += 1
            try:
                self._reader = self._reopen()
            except SourceError as error:
                self._lost = error
            else:
                self.reconnects += 1
                log.warning("%s: connected again", self.name)
                return True
        return False


class _Nothing:
    """The reader between two connections."""

    def read(self) -> None:
        return None

    def close(self) -> None:
        pass
