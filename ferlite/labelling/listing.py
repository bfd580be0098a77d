"""What there is to label in a SOURCE: paths of pictures and videos, always in the same order.

Only names are looked at; nothing is opened, and no more than one folder's names are held at a time. What is no picture
or video by its suffix is passed over in folders, and counted; what a pattern or a list names is taken as it is.
"""

import glob
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ferlite.capture.sequence import SUFFIXES as PICTURES
from ferlite.errors import SourceError

VIDEOS = frozenset(
    {".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".webm", ".wmv"}
)
LISTS = frozenset({".txt", ".lst", ".list"})


def is_video(path: str) -> bool:
    return _suffix(path) in VIDEOS


class Listing:
    """The paths of a source, relative to its `base`, an absolute folder; of a list, as they stand there.

    `source` is a folder (all below it; linked folders are not entered), a pattern, a picture, a video, or a text file
    with one path a line. Folders come in the order of their entries' names, patterns in that of the paths, lists as
    they are. `passed_over` counts what was left out, by suffix, while it is iterated. A folder that cannot be listed
    stands for itself, so that reading it says why. Raises SourceError for a source that is none of these or is empty.
    """

    def __init__(self, source: str, leave_out: Path) -> None:
        """Leave out the folder of that path, in which our own files lie."""
        self.source, self._leave_out = source, os.path.abspath(leave_out)
        self.passed_over: Counter[str] = Counter()
        place = os.path.abspath(source)
        if os.path.isdir(place):
            self.base, self._found = place, self._walk(place, "")
        elif os.path.exists(place) and _suffix(place) in LISTS:
            self.base, self._found = os.path.dirname(place), self._lines(place)
        elif os.path.exists(place) and _suffix(place) in PICTURES | VIDEOS:
            self.base, self._found = os.path.dirname(place), iter([os.path.basename(place)])
        elif os.path.exists(place):
            kinds = " ".join(sorted(PICTURES | VIDEOS))
            raise SourceError(f"{source}: not a picture or video by its suffix ({kinds}), nor a list (.txt) of them")
        elif glob.has_magic(source):
            self.base, pattern = _fixed(place)
            self._found = self._matching(pattern)
        else:
            raise SourceError(f"{source}: no such file or folder")

    def __iter__(self) -> Iterator[str]:
        count = 0
        for path in self._found:
            yield path
            count += 1
        if not count:
            passed = ", ".join(f"{suffix} {n}" for suffix, n in self.passed_over.most_common(5))
            raise SourceError(f"{self.source}: no picture and no video" + (f" (there is: {passed})" if passed else ""))

    def _walk(self, folder: str, path: str) -> Iterator[str]:
        """All below a folder; `path` is its own, relative to the base, with a slash."""
        entries: list[tuple[str, bool]] = []
        try:
            with os.scandir(folder) as found:
                for entry in found:
                    if entry.is_dir(follow_symlinks=False):
                        if entry.path != self._leave_out:
                            entries.append((entry.name, True))
                    elif _suffix(entry.name) not in PICTURES | VIDEOS:
                        self.passed_over[
                            "linked folders" if entry.is_dir() else _suffix(entry.name) or "no suffix"
                        ] += 1
                    elif entry.is_symlink() or entry.is_file():
                        entries.append((entry.name, False))
                    else:
                        self.passed_over["not files"] += 1
        except OSError as error:
            if not path:
                raise SourceError(f"{self.source}: cannot be listed: {error.strerror}") from error
            yield path
            return
        entries.sort()
        for name, is_folder in entries:
            if is_folder:
                yield from self._walk(f"{folder}/{name}", f"{path}{name}/")
            else:
                yield path + name

    def _matching(self, pattern: str) -> Iterator[str]:
        for path in sorted(set(glob.iglob(pattern, root_dir=self.base, recursive=True))):
            place = os.path.join(self.base, path)
            if not os.path.isdir(place):
                yield path
            elif "**" not in pattern:  # which has brought what is in it
                yield from self._walk(place, f"{path}/")

    def _lines(self, place: str) -> Iterator[str]:
        try:
            with open(place, encoding="utf-8-sig", errors="surrogateescape") as lines:
                for number, line in enumerate(lines, 1):
                    path = line.rstrip("\r\n")
                    if "\0" in path:
                        raise SourceError(f"{self.source}: line {number} holds a NUL; a list is text, one path a line")
                    if path:
                        yield path
        except SourceError:
            raise
        except OSError as error:
            raise SourceError(f"{self.source}: cannot be read: {error.strerror}") from error


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _fixed(pattern: str) -> tuple[str, str]:
    """The folder before the first part of a path that is a pattern, and the rest."""
    parts = pattern.split(os.sep)
    first = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    return os.sep.join(parts[:first]) or os.sep, os.sep.join(parts[first:])
