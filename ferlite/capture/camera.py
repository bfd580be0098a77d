"""USB cameras and network streams (HTTP-MJPEG, RTSP), read through OpenCV."""

import logging
import os
import re
import sys
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import cv2

from ferlite.capture.live import STALL, LiveSource, check_timeout
from ferlite.errors import SettingError, SourceError
from ferlite.types import Image

log = logging.getLogger(__name__)
# MJPG: over USB 2 most cameras give larger sizes at full rate only when they compress
FORMAT, SIZE, FPS = "MJPG", (640, 480), 30.0


class CameraSettings(NamedTuple):
    """What a camera gives: format (a FOURCC where it has one), size of the pictures, frame rate where it says so."""

    format: str
    width: int
    height: int
    fps: float | None

    def __str__(self) -> str:
        rate = "" if self.fps is None else f" at {self.fps:g} fps"
        return f"{self.format} {self.width}×{self.height}{rate}".lstrip()


class Camera(LiveSource):
    """A camera by number or device path, or a stream by URL; the newest frame wins.

    A camera is asked for MJPG, `size` (width, height; 640×480 without) and `fps` (30 without); `settings` tells what it
    gives, and a warning is logged where that is less than was asked for. A connection that is lost or silent is made
    anew, with growing pauses; `reconnects` counts. Raises SourceError where it is missing or busy at the start, and
    where it gives no picture for `timeout` seconds; inf never gives up.
    """

    def __init__(
        self,
        source: int | str = 0,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        timeout: float = 10.0,
    ) -> None:
        stream = isinstance(source, str) and "://" in source
        if stream and (size is not None or fps is not None):
            raise SettingError(
                f"{shown(str(source))}: size and fps of a stream are its server's; they can be asked of cameras only"
            )
        check_wishes(size or SIZE, FPS if fps is None else fps)
        check_timeout(timeout)
        name = f"camera {source}" if isinstance(source, int) else shown(source)
        stall = min(STALL, timeout / 2)

        def connect() -> _CaptureReader:
            capture = (
                _open_stream(str(source), stall) if stream else _open_device(source, name, size or SIZE, fps or FPS)
            )
            return _CaptureReader(capture, name)

        reader = connect()
        self.settings = reader.settings
        if (size or fps) and not _gives(reader.settings, size, fps):
            asked = CameraSettings(FORMAT, *(size or SIZE), fps or FPS)
            log.warning("%s: was asked for %s, gives %s", name, asked, reader.settings)
        super().__init__(reader, name, reader.settings.fps, timeout, connect)


def shown(source: str) -> str:
    """The address of a stream as it may be printed and logged: without its user and password, and without its query."""
    if "://" not in source:
        return source
    return re.sub(r"\?.+", "?…", re.sub(r"://.*@", "://…@", source, flags=re.DOTALL), flags=re.DOTALL)


def with_password(url: str, password: str) -> str:
    """The address of a stream with the password of the user who stands in it; unchanged where there is none of both."""
    if not password:
        return url
    return re.sub(r"://([^/@:?#]+)@", lambda user: f"://{user[1]}:{quote(password, safe='')}@", url, count=1)


class _CaptureReader:
    def __init__(self, capture: cv2.VideoCapture, name: str) -> None:
        self._name, self._capture = name, capture
        # a busy camera opens and then gives nothing, so only a picture proves that it works
        opened, first = capture.read()
        self._first: Image | None = first
        if not opened:
            capture.release()
            advice = (
                "is the address right, with user and password where they are asked for, and the server running?"
                if "://" in name
                else "is another program using it? (`fuser -v` with its device shows)"
            )
            raise SourceError(f"{name}: opens but gives no picture, or does not open; {advice}")
        code = int(capture.get(cv2.CAP_PROP_FOURCC))
        fourcc = code.to_bytes(4, "little", signed=code < 0).decode("latin-1")
        fps = capture.get(cv2.CAP_PROP_FPS)
        self.settings = CameraSettings(
            # of the picture itself: the properties of some drivers are wishes
            fourcc if fourcc.isascii() and fourcc.isprintable() else "",
            first.shape[1],
            first.shape[0],
            fps if 1 < fps < 1000 and "://" not in name else None,  # of a stream FFmpeg makes it up
        )
        self._ends = capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0  # a file on a server, no stream

    def read(self) -> Image | None:
        image, self._first = self._first, None
        if image is None:
            delivered, image = self._capture.read()
            if not delivered or image is None:
                if self._ends:
                    return None
                raise SourceError(f"{self._name}: stopped giving pictures; unplugged, ended or out of reach")
        return image

    def close(self) -> None:
        self._capture.release()


def check_wishes(size: tuple[int, int], fps: float) -> None:
    """Raises SettingError for a size or frame rate that no camera has."""
    if not isinstance(size, tuple) or len(size) != 2 or not all(isinstance(n, int) and 0 < n < 100_000 for n in size):
        raise SettingError(f"size is {size}; it has to be (width, height) in whole pixels")
    if not 0 < fps < 1000:
        raise SettingError(f"fps is {fps}; it has to be above 0 and below 1000")


def _open_stream(url: str, stall: float) -> cv2.VideoCapture:
    milliseconds = round(stall * 1000)  # else a stalled stream blocks for half a minute
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, milliseconds, cv2.CAP_PROP_READ_TIMEOUT_MSEC, milliseconds]
    return cv2.VideoCapture(url, cv2.CAP_FFMPEG, limits)


def _open_device(source: int | str, name: str, size: tuple[int, int], fps: float) -> cv2.VideoCapture:
    if sys.platform == "linux":
        _check_device(Path(f"/dev/video{source}" if isinstance(source, int) else source))
        # else a silent camera blocks for 10 s; in whole seconds, and read once, when the first camera is opened
        os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", f"{STALL:.0f}")
    capture = cv2.VideoCapture(source, cv2.CAP_V4L2 if sys.platform == "linux" else cv2.CAP_ANY)
    # in this order: a new format resets the size on some drivers, a new size the rate
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*FORMAT))
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
    capture.set(cv2.CAP_PROP_FPS, fps)
    return capture


def _gives(settings: CameraSettings, size: tuple[int, int] | None, fps: float | None) -> bool:
    right_size = size is None or size == (settings.width, settings.height)
    right_rate = fps is None or settings.fps is None or abs(settings.fps - fps) < 0.05 * fps
    return right_size and right_rate


def _check_device(path: Path) -> None:
    if not path.exists():
        found = sorted(str(device) for device in Path("/dev").glob("video*"))
        raise SourceError(
            f"no camera at {path}; "
            + (f"there are: {', '.join(found)}" if found else "none is connected (there is no /dev/video*)")
        )
    if not os.access(path, os.R_OK | os.W_OK):
        raise SourceError(f"no permission to use {path}; add yourself to its group: sudo usermod -aG video $USER")
