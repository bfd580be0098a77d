"""USB cameras and network streams (HTTP-MJPEG, RTSP), read through OpenCV."""

import os
import sys
from pathlib import Path

import cv2

from ferlite.capture.live import LiveSource
from ferlite.errors import SourceError
from ferlite.types import Image


class Camera(LiveSource):
    """A camera by number or device path, or a stream by URL; the newest frame wins.

    Raises SourceError where it is missing, busy or silent for `timeout` seconds.
    """

    def __init__(self, source: int | str = 0, timeout: float = 10.0) -> None:
        name = f"camera {source}" if isinstance(source, int) else source
        if sys.platform == "linux" and "://" not in str(source):
            _check_device(Path(f"/dev/video{source}" if isinstance(source, int) else source))
        reader = _CaptureReader(source, name, timeout)
        super().__init__(reader, name, reader.fps, timeout)


class _CaptureReader:
    def __init__(self, source: int | str, name: str, timeout: float) -> None:
        self._name = name
        if isinstance(source, str) and "://" in source:
            milliseconds = round(timeout * 1000)  # else a stalled stream blocks for half a minute
            limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, milliseconds, cv2.CAP_PROP_READ_TIMEOUT_MSEC, milliseconds]
            self._capture = cv2.VideoCapture(source, cv2.CAP_FFMPEG, limits)
            advice = "is the address right and the server running?"
        else:
            self._capture = cv2.VideoCapture(source)
            advice = "is another program using it? (`fuser -v` with its device shows)"
        # a busy camera opens and then gives nothing, so only a picture proves that it works
        opened, first = self._capture.read()
        self._first: Image | None = first
        if not opened:
            self._capture.release()
            raise SourceError(f"{name}: opens but gives no picture, or does not open; {advice}")
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if 1 < fps < 1000 else None

    def read(self) -> Image:
        image, self._first = self._first, None
        if image is None:
            delivered, image = self._capture.read()
            if not delivered or image is None:
                raise SourceError(f"{self._name}: stopped giving pictures; unplugged, ended or out of reach")
        return image

    def close(self) -> None:
        self._capture.release()


def _check_device(path: Path) -> None:
    if not path.exists():
        found = sorted(str(device) for device in Path("/dev").glob("video*"))
        raise SourceError(
            f"no camera at {path}; "
            + (f"there are: {', '.join(found)}" if found else "none is connected (there is no /dev/video*)")
        )
    if not os.access(path, os.R_OK | os.W_OK):
        raise SourceError(f"no permission to use {path}; add yourself to its group: sudo usermod -aG video $USER")
