"""The frames with their faces drawn in, as a video file."""

from os import PathLike
from pathlib import Path
from typing import Self

import cv2

from ferlite.drawing import draw
from ferlite.errors import OutputError
from ferlite.types import FrameResult, Image

CODECS = {".mp4": "mp4v", ".mov": "mp4v", ".mkv": "mp4v", ".avi": "MJPG"}
MAX_GAP = 10.0  # seconds: a longer silence of the source is not filled with its last picture


class AnnotatedVideo:
    """A video at `fps` frames a second of what was seen, when it was seen.

    With `paced`, for live sources, pictures are repeated until the next one came, or left out where two came within one
    frame, so that the clip runs at the pace of the timestamps; without, every frame is written once. Raises OutputError
    for a suffix or path that cannot be written, and from `close` for a file that did not become a video.
    """

    def __init__(self, path: str | PathLike[str], fps: float = 30.0, paced: bool = False) -> None:
        # two decimals: MPEG-4 cannot express 119.877
        self.path, self.fps, self.paced = Path(path), round(fps, 2), paced
        if self.path.suffix.lower() not in CODECS:
            raise OutputError(f"{path}: a video's name has to end in one of {', '.join(CODECS)}")
        if not self.path.absolute().parent.is_dir():
            raise OutputError(f"{path}: there is no folder {self.path.parent}")
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._previous: Image | None = None
        self._written = 0
        self._start = 0.0

    def write(self, result: FrameResult) -> None:
        picture = draw(result.frame.image, result.faces)
        if self._writer is None:
            self._size = (picture.shape[1], picture.shape[0])
            self._writer = self._open()
            self._start = result.frame.timestamp
        elif self._size != (picture.shape[1], picture.shape[0]):
            picture = cv2.resize(picture, self._size)  # the source changed its size: a file has one only
        repeats = 1
        if self.paced:
            repeats = int((result.frame.timestamp - self._start) * self.fps + 0.5) + 1 - self._written
            if repeats > MAX_GAP * self.fps:
                self._start += (repeats - 1) / self.fps
                repeats = 1
        for _ in range(repeats - 1):
            self._writer.write(picture if self._previous is None else self._previous)
        if repeats > 0:
            self._writer.write(picture)
            self._written += repeats
        self._previous = picture

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._writer is None:
            return
        self._writer.release()
        self._writer = None
        check = cv2.VideoCapture(str(self.path.absolute()))  # the writer itself never says that a disk was full
        complete = check.isOpened()
        check.release()
        if not complete:
            raise OutputError(f"{self.path}: did not become a playable video; is the disk full?")

    def _open(self) -> cv2.VideoWriter:
        codec = cv2.VideoWriter.fourcc(*CODECS[self.path.suffix.lower()])
        writer = cv2.VideoWriter(str(self.path.absolute()), codec, self.fps, self._size)
        if not writer.isOpened():
            raise OutputError(f"{self.path}: cannot be written; is the folder writable?")
        return writer
