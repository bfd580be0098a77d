"""Sources of frames: live ones, where the newest frame wins, and files, which lose none."""

import glob
import re
from collections.abc import Iterator
from os import PathLike, fspath
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

from ferlite.errors import FerliteError, SettingError, SourceError
from ferlite.types import Frame


@runtime_checkable
class Source(Protocol):
    """An iterator over frames that has to be closed; usable in a `with` block."""

    live: bool
    fps: float | None
    """Frames per second where the source states it."""
    total: int | None
    """Number of frames where the source states it: an estimate, files are known to lie."""

    seen: int
    """Frames that have arrived or have been read."""

    @property
    def dropped(self) -> int:
        """Frames that arrived and were replaced by newer ones before anybody asked."""
        ...

    def __iter__(self) -> Iterator[Frame]: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def close(self) -> None: ...


def open_source(
    source: int | str | PathLike[str],
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    timeout: float = 10.0,
    replay: bool = False,
    color: bool = True,
) -> Source:
    """A camera (its number or `/dev/…`), "picamera", a stream (a URL), a video file, or pictures (a folder or pattern).

    `size` (width, height) is asked of cameras, `fps` of cameras and for pictures; `timeout` is for live sources;
    `replay` plays a file at its real pace like a camera; `color=False` spares a camera module its large coloured
    pictures. Raises SourceError, and SettingError for what does not go with the source.
    """
    if not isinstance(source, int | str | PathLike) or isinstance(source, bool):
        raise SettingError(f"source is {source!r}; it has to be a camera number, a path or a URL, or an opened source")
    name = source if isinstance(source, int) else fspath(source)
    try:
        return _open(name, size, fps, timeout, replay, color)
    except FerliteError:
        raise
    except (OSError, RuntimeError, ValueError) as error:  # names too long, folders without permission, circles of links
        reason = getattr(error, "strerror", None) or error
        raise SourceError(f"{str(source)[:200]}: cannot be opened: {reason}") from error


def _open(
    name: int | str, size: tuple[int, int] | None, fps: float | None, timeout: float, replay: bool, color: bool
) -> Source:
    from ferlite.capture.camera import Camera, shown
    from ferlite.capture.picamera import PiCamera
    from ferlite.capture.replay import Replay

    if isinstance(name, str) and name.isdecimal() and not Path(name).exists():
        name = int(name)
    camera_module = re.fullmatch(r"picamera:?([0-9]?)", str(name))
    device = isinstance(name, int) or (name.startswith("/dev/") and not Path(name).is_file())
    live = device or camera_module is not None or "://" in str(name)
    if replay and live:
        raise SettingError(f"{shown(str(name))}: only a file can be replayed; a live source has its own pace")
    if camera_module is not None:
        return PiCamera(int(camera_module[1] or 0), size, fps, timeout, color)
    if live:
        return Camera(name, size, fps, timeout)
    name = str(name)
    if size:
        raise SettingError(f"{name}: the size of a file is its own; it can be asked of cameras only")
    return Replay(name, fps=fps) if replay else open_file(name, fps)


def open_file(path: str | PathLike[str], fps: float | None = None) -> Source:
    """A video file, or a folder or pattern of pictures, `fps` a second. Raises SourceError, SettingError."""
    from ferlite.capture.sequence import ImageSequence
    from ferlite.capture.video import VideoFile

    name = fspath(path)
    if Path(name).is_dir() or (glob.has_magic(name) and not Path(name).exists()):
        return ImageSequence(name, fps)
    if fps is not None:
        raise SettingError(f"{name}: the frame rate of a video is its own; it can be given for pictures and cameras")
    return VideoFile(name)
