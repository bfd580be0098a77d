"""Video files: every frame, in order."""

from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Self

import cv2

from ferlite.errors import SourceError
from ferlite.types import Frame


class VideoFile:
    """The frames of a video file, once: iterating again goes on where it stopped.

    Raises SourceError where it is missing or not a video.
    """

    live = False
    dropped = 0

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        if not self.path.exists():
            raise SourceError(f"{path}: no such file (a camera is given by its number, a stream by its URL)")
        if not self.path.is_file():
            raise SourceError(f"{path}: not a file")
        # an absolute path: OpenCV takes names like img_%02d.jpg and 0 for patterns and cameras
        self._capture = cv2.VideoCapture(str(self.path.resolve()), cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            raise SourceError(f"{path}: not a video OpenCV can read")
        fps, total = self._capture.get(cv2.CAP_PROP_FPS), int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.fps = fps if 0 < fps < 1000 else None
        self.total = total if total > 0 else None
        self.seen, self._timestamp = 0, 0.0

    def __iter__(self) -> Iterator[Frame]:
        while True:
            delivered, image = self._capture.read()
            if not delivered or image is None:
                if self.seen == 0:
                    raise SourceError(f"{self.path}: holds no picture that OpenCV can decode")
                return
            position = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if position <= 0 and self.fps is not None:
                position = self.seen / self.fps
            self._timestamp = max(self._timestamp, position)
            self.seen += 1
            yield Frame(self.seen - 1, self._timestamp, image)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._capture.release()
