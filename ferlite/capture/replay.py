"""Recorded frames at their real pace, like a camera: whoever is slow skips frames."""

import math
import time
from collections.abc import Generator
from dataclasses import replace
from os import PathLike
from threading import TIMEOUT_MAX, Event

from ferlite.capture import open_file
from ferlite.capture.live import LiveSource
from ferlite.types import Frame, Image


class Replay(LiveSource):
    """A video file or image sequence as a camera: each frame comes when its timestamp says.

    With `loop` it starts again at its end. Raises SourceError as `VideoFile` and `ImageSequence` do.
    """

    def __init__(self, path: str | PathLike[str], loop: bool = False, fps: float | None = None) -> None:
        with open_file(path, fps) as source:  # whatever is wrong with it is said here and now
            rate = source.fps
        # a file may pause for as long as it likes
        super().__init__(PacedReader(_frames(path, loop, fps)), f"replay of {path}", rate, timeout=math.inf)

    def close(self) -> None:
        assert isinstance(self._reader, PacedReader)
        self._reader.interrupt()
        super().close()


class PacedReader:
    """The pictures of frames, each when its `timestamp` says, counted from the first one."""

    def __init__(self, frames: Generator[Frame, None, None]) -> None:
        self._frames = frames
        self._start: float | None = None
        self._interrupted = Event()

    def read(self) -> Image | None:
        frame = next(self._frames, None)
        if frame is None:
            return None
        now = time.monotonic()
        if self._start is None:
            self._start = now - frame.timestamp
        # against the start, not the last picture: sleeping too long once must not slow the camera for good
        self._interrupted.wait(min(max(0.0, self._start + frame.timestamp - now), TIMEOUT_MAX))
        return frame.image

    def interrupt(self) -> None:
        """Let nobody wait any longer; any thread may call it."""
        self._interrupted.set()

    def close(self) -> None:
        self._frames.close()


def _frames(path: str | PathLike[str], loop: bool, fps: float | None) -> Generator[Frame, None, None]:
    began = 0.0
    while True:
        with open_file(path, fps) as source:
            for frame in source:
                yield replace(frame, timestamp=began + frame.timestamp)
        if not loop:
            return
        began += frame.timestamp + 1 / (source.fps or 30.0)
