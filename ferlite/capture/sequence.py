"""Image sequences: a folder or pattern of pictures as a video, every picture, in order."""

import glob
import re
from collections.abc import Iterator
from os import PathLike, fspath
from pathlib import Path
from typing import Self

from ferlite.errors import SettingError, SourceError
from ferlite.images import read_image
from ferlite.types import Frame

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm"})
FPS = 30.0


class ImageSequence:
    """The pictures of a folder, or those that match a pattern like `shots/*.jpg`, once: frame 2 comes before frame 10.

    They are `1 / fps` seconds apart. Raises SourceError where there are none, and where one cannot be read.
    """

    live = False
    dropped = 0

    def __init__(self, pictures: str | PathLike[str], fps: float | None = None) -> None:
        self.fps: float | None = FPS if fps is None else fps
        if not 0 < (self.fps or 0) < 1000:
            raise SettingError(f"fps is {fps}; it has to be above 0 and below 1000")
        folder = Path(pictures)
        if folder.is_dir():
            found = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES]
        else:
            found = [Path(path) for path in glob.glob(fspath(pictures))]  # noqa: PTH207 - also absolute patterns
        if not found:
            what = f"no pictures ({' '.join(sorted(SUFFIXES))})" if folder.is_dir() else "no file of that pattern"
            raise SourceError(f"{pictures}: {what}")
        self._paths = sorted(found, key=_natural)
        self.total: int | None = len(self._paths)
        self.seen = 0

    def __iter__(self) -> Iterator[Frame]:
        while self.seen < len(self._paths):
            image = read_image(self._paths[self.seen])
            self.seen += 1
            yield Frame(self.seen - 1, (self.seen - 1) / (self.fps or FPS), image)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._paths = self._paths[: self.seen]


def _natural(path: Path) -> list[tuple[int, str]]:
    """A sort key in which numbers count as numbers."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", str(path))]
