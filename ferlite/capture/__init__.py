"""Sources of frames: live ones, where the newest frame wins, and files, which lose none."""

from collections.abc import Iterator
from os import PathLike, fspath
from pathlib import Path
from typing import Protocol, Self

from ferlite.types import Frame


class Source(Protocol):
    """An iterator over frames that has to be closed; usable in a `with` block."""

    live: bool
    fps: float | None
    """Frames per second where the source states it."""
    total: int | None
    """Number of frames where the source states it: an estimate, files are known to lie."""

    @property
    def dropped(self) -> int:
        """Frames that arrived and were replaced by newer ones before anybody asked."""
        ...

    def __iter__(self) -> Iterator[Frame]: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def close(self) -> None: ...


def open_source(source: int | str | PathLike[str]) -> Source:
    """A camera (its number or `/dev/…`), a stream (a URL) or a video file. Raises SourceError."""
    from ferlite.capture.camera import Camera
    from ferlite.capture.video import VideoFile

    name = source if isinstance(source, int) else fspath(source)
    if isinstance(name, str) and name.isdecimal() and not Path(name).exists():
        name = int(name)
    if isinstance(name, int) or "://" in name or (name.startswith("/dev/") and not Path(name).is_file()):
        return Camera(name)
    return VideoFile(name)
