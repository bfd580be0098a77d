"""The frames with their faces drawn in, as a video file; drawn and encoded in a thread of its own."""

import math
import os
import shutil
import time
from os import PathLike
from pathlib import Path
from queue import Queue
from threading import Thread

import cv2
import numpy as np

from ferlite.drawing import draw
from ferlite.errors import FerliteError, OutputError, SettingError
from ferlite.types import FrameResult, Image, Sink

CODECS = {".mp4": "mp4v", ".mov": "mp4v", ".mkv": "mp4v", ".avi": "MJPG"}
WAITING = 8  # frames: a quarter of a second at 30 a second, and 50 MB of full HD pictures
MAX_GAP = 10.0  # seconds: a longer silence of the source is not filled with its last picture
ENDING = 0.5  # seconds for what waits when a live clip is closed: a service has to end within two
RESERVE = 32 << 20  # bytes: more than a second of full HD as MJPG, and than the index of some hours


class AnnotatedVideo(Sink):
    """Every frame once, at `fps` frames a second; of cameras and streams, with `paced`, what was seen when it was seen.

    With `paced`, pictures are repeated until the next one came, or left out where two came within one
    frame, so that the clip runs at the pace of the timestamps; `write` never waits, and a frame that comes while
    `WAITING` others wait to be encoded is left out and counted in `dropped`, as is what still waits `ENDING` seconds
    after `close`. `fps` has to be a rate at which the machine can encode, or the gaps grow. Without, every frame is
    written once, and `write` waits where encoding is slower than the source.

    A suffix or folder that cannot be is an OutputError at once; what fails later is one from the next `write`, which
    then also closes the video, or from `close`. A disk with less than `RESERVE` left is such a failure, so that
    the file can still be ended properly. Should the process be killed, .mkv and .avi play up to their last 256 KiB or
    so, but .mp4 and .mov not at all: their index is written by `close`.
    """

    def __init__(self, path: str | PathLike[str], fps: float = 30.0, paced: bool = False) -> None:
        self.path, self.fps, self.paced, self.dropped = Path(path), fps, paced, 0
        if not 0 < fps < math.inf:
            raise SettingError(f"a video's frames per second have to be above 0, not {fps}")
        if self.path.suffix.lower() not in CODECS:
            raise OutputError(f"{path}: a video's name has to end in one of {', '.join(CODECS)}")
        if not self.path.absolute().parent.is_dir():
            raise OutputError(f"{path}: there is no folder {self.path.parent}")
        if self.path.exists() and not self.path.is_file():
            raise OutputError(f"{path}: cannot be written: exists and is not a regular file")
        self._waiting: Queue[FrameResult | None] = Queue(WAITING)  # None ends the thread
        self._failure: FerliteError | None = None
        self._closed = False
        self._process = os.getpid()
        self._clip = _Clip(self.path, fps, paced)
        self._thread = Thread(target=self._encode, name="ferlite video", daemon=True)
        self._thread.start()

    def write(self, result: FrameResult) -> None:
        if self._closed:
            raise OutputError(f"{self.path}: is closed")
        if os.getpid() != self._process:
            raise OutputError(f"{self.path}: is written by process {self._process}; a fork copies no threads")
        if self._failure is not None:
            self.close()  # and raise it
        if self.paced and self._waiting.full():
            self.dropped += 1
        else:
            self._waiting.put(result)

    def close(self) -> None:
        """Encode what waits and end the video."""
        if self._closed or os.getpid() != self._process:
            return
        self._closed = True
        if self.paced:
            self._clip.end_by = time.monotonic() + ENDING
        self._waiting.put(None)
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _encode(self) -> None:
        results = iter(self._waiting.get, None)
        clip = self._clip
        try:
            try:
                for result in results:
                    if time.monotonic() > clip.end_by:
                        self.dropped += 1
                    else:
                        clip.add(draw(result.frame.image, result.faces), result.frame.timestamp)
            finally:
                clip.release()
            clip.check()
        except FerliteError as error:
            self._failure = error
        except Exception as error:  # whatever it was, it belongs to the caller, not to this thread
            self._failure = OutputError(f"{self.path}: writing failed: {error}")
        for _ in results:  # after a failure, until `close`: `write` shall not wait for ever
            pass


class _Clip:
    """The file itself; used by one thread only, but for `end_by`: from that time on no picture is repeated."""

    def __init__(self, path: Path, fps: float, paced: bool) -> None:
        # two decimals: MPEG-4 cannot express 119.877
        self._path, self._fps, self._paced = path, round(fps, 2), paced
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._previous: Image | None = None
        self._written = 0
        self.end_by = math.inf
        self._start = 0.0

    def add(self, picture: Image, timestamp: float) -> None:
        if self._writer is None:
            self._size = (picture.shape[1], picture.shape[0])
            self._writer = self._open()
            self._start = timestamp
        elif self._size != (picture.shape[1], picture.shape[0]):
            picture = _fitted(picture, self._size)  # the source changed its size: a file has one only
        repeats = 1
        if self._paced:
            repeats = int((timestamp - self._start) * self._fps + 0.5) + 1 - self._written
            if repeats > MAX_GAP * self._fps:
                self._start += (repeats - 1) / self._fps
                repeats = 1
        for _ in range(repeats - 1):
            if time.monotonic() > self.end_by:
                break
            self._append(self._writer, picture if self._previous is None else self._previous)
        if repeats > 0:
            self._append(self._writer, picture)
        self._previous = picture

    def release(self) -> None:
        if self._writer is not None:
            self._writer.release()

    def check(self) -> None:
        """Of a file that has been released: is it a video?"""
        if self._writer is None:
            return
        self._check_disk()
        trial = cv2.VideoCapture(str(self._path.absolute()), cv2.CAP_FFMPEG)
        playable = trial.isOpened()
        trial.release()
        if not playable:
            raise OutputError(f"{self._path}: did not become a playable video")

    def _open(self) -> cv2.VideoWriter:
        codec = cv2.VideoWriter.fourcc(*CODECS[self._path.suffix.lower()])
        writer = cv2.VideoWriter(str(self._path.absolute()), cv2.CAP_FFMPEG, codec, self._fps, self._size)
        if not writer.isOpened():
            width, height = self._size
            raise OutputError(f"{self._path}: cannot be written ({width}×{height} pixels); is the folder writable?")
        return writer

    def _append(self, writer: cv2.VideoWriter, picture: Image) -> None:
        writer.write(picture)
        self._written += 1
        if self._written % math.ceil(self._fps) == 0:
            free = shutil.disk_usage(self._path.absolute().parent).free
            if free < RESERVE:
                raise OutputError(f"{self._path}: writing stopped: only {free >> 20} MB left on the disk; free some")
            self._check_disk()

    def _check_disk(self) -> None:
        """Write a byte behind the file and take it back: OpenCV never says that the disk refuses what it writes."""
        try:
            with self._path.open("r+b", buffering=0) as file:
                end = file.seek(0, 2)
                file.write(b"\0")
                file.truncate(end)
        except OSError as error:
            raise OutputError(f"{self._path}: writing stopped: {error.strerror}") from error


def _fitted(picture: Image, size: tuple[int, int]) -> Image:
    """The picture as large as it fits into `size` (width, height), in the middle of black."""
    height, width = picture.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    canvas[top : top + inner[1], left : left + inner[0]] = cv2.resize(picture, inner, interpolation=cv2.INTER_AREA)
    return canvas
