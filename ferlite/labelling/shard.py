"""The work itself: read the pictures and videos of a shard, find the faces, write the rows."""

import dataclasses
import json
import os
import platform
import stat
from collections.abc import Callable, Iterator, Mapping, MutableSequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2

import ferlite
from ferlite import cards
from ferlite.capture.video import VideoFile
from ferlite.errors import FerliteError, ModelError, SourceError
from ferlite.images import read_image
from ferlite.interpreters.registry import ENGINES
from ferlite.labelling import table
from ferlite.labelling.listing import is_video
from ferlite.labelling.parts import Parts
from ferlite.labelling.table import Picture, Rows
from ferlite.recognizer import Recognizer
from ferlite.types import Image

SAMPLE = 16  # files of which at least one has to be there before work begins

Make = Callable[[], Recognizer]
"""Makes a recognizer in any process: it can be pickled, as `ferlite.Recognizer` itself and its `partial` can."""


class At:
    """Places in the numbers by which a worker says how far it is, while it is at it."""

    PATH, FRAME, FILES, PICTURES = range(4)
    COUNT = 4
    NOWHERE = -1.0  # the path while none is being read


class Deadly(NamedTuple):
    """A file that killed whoever read it, at that frame of it: 0 for pictures."""

    frame: int
    reason: str


class Done(NamedTuple):
    """A finished shard, and how many pictures and frames it has."""

    number: int
    pictures: int


def identity(recognizer: Recognizer) -> dict[str, Any]:
    """All of a recognizer that its results hang on, as plain JSON values."""
    classifier, detector = recognizer.classifier, recognizer.detector
    engine = ENGINES[classifier.backend]
    found: dict[str, Any] = {
        "ferlite": ferlite.__version__,
        "opencv": cv2.__version__,
        "engine": f"{engine.title} {engine.version}",
        "model": classifier.card.weights.name,
    }
    for key, value in dataclasses.asdict(classifier.card).items():
        if key not in ("weights", "notes"):
            found[f"model.{key}"] = value
    found["detector"] = type(detector).__name__
    for key, value in sorted(getattr(detector, "__dict__", {}).items()):
        if isinstance(value, int | float | str | None) and not key.startswith("_"):
            found[f"detector.{key}"] = value
    if (path := getattr(detector, "path", None)) is not None:
        found["detector.sha256"] = cards.sha256(Path(path))
    values: dict[str, Any] = json.loads(json.dumps(found))  # so that it equals what has been in a file
    return values


class Labeller:
    """Labels one shard after the other, each picture and frame by itself.

    Raises SourceError where the files are not to be seen from here, and ModelError where the recognizer is another one
    than that of the manifest.
    """

    def __init__(self, folder: Path, make: Make) -> None:
        try:
            self._parts = Parts(folder)
        except FerliteError as error:
            raise SourceError(f"{platform.node()}: {error}; on a cluster every node has to see this folder") from error
        self._check_sight()
        self._recognizer = make()
        for key, value in identity(self._recognizer).items():
            if value != (wanted := self._parts.manifest.get(key)):
                raise ModelError(f"{platform.node()}: {key} is {value} there, {wanted} where this was begun")

    def __call__(self, number: int, deadly: Mapping[int, Deadly], at: MutableSequence[float]) -> Done:
        """Write the part of a shard, with a row instead of what is `deadly`, by its place in the shard."""
        parts, pictures = self._parts, 0
        at[:] = [At.NOWHERE, 0, 0, 0]
        with table.part_file(parts.part(number), parts.labels, parts.digest) as rows:
            for place, path in enumerate(parts.paths(number)):
                at[At.FRAME] = 0
                at[At.PATH] = place
                for picture, image in self._pictures(path, rows, deadly.get(place), at):
                    if image is not None:
                        self._label(picture, image, rows)
                    pictures += 1
                    at[At.PICTURES] = pictures
                at[At.FILES] = place + 1
            at[At.PATH] = At.NOWHERE
        return Done(number, pictures)

    def _pictures(
        self, path: str, rows: Rows, deadly: Deadly | None, at: MutableSequence[float]
    ) -> Iterator[tuple[Picture, Image | None]]:
        """What is in a file; without an image where it cannot be read, when the row has been written."""
        full = Path(self._parts.base, path)
        end = deadly and Picture(path, deadly.frame if is_video(path) else None)
        try:
            if is_video(path):
                if deadly is None or deadly.frame:
                    for seq, timestamp, image in self._frames(full, deadly, at):
                        yield Picture(path, seq, timestamp), image
            elif deadly is None:
                _check_regular(full)
                yield Picture(path), read_image(full)
        except (SourceError, cv2.error, MemoryError) as error:
            end, reason = Picture(path), str(error).removeprefix(f"{full}: ") or "not enough memory"
        else:
            reason = deadly.reason if deadly else ""
        if end is not None:
            rows.add_unreadable(end, reason)
            yield end, None

    def _frames(
        self, path: Path, deadly: Deadly | None, at: MutableSequence[float]
    ) -> Iterator[tuple[int, float, Image]]:
        every, before = self._parts.manifest["every"], at[At.FILES]
        _check_regular(path)
        with VideoFile(path) as video:
            for frame in video:
                if frame.seq % every == 0:
                    yield frame.seq, frame.timestamp, frame.image
                at[At.FRAME] = frame.seq + 1
                at[At.FILES] = before + min(1.0, video.seen / (video.total or video.seen))
                if deadly is not None and deadly.frame == frame.seq + 1:
                    return

    def _label(self, picture: Picture, image: Image, rows: Rows) -> None:
        size = image.shape[0], image.shape[1]
        try:
            faces = self._recognizer(image)
        except (FerliteError, cv2.error, MemoryError) as error:
            rows.add_unreadable(picture, str(error) or "not enough memory", size)
        else:
            rows.add(picture, size, faces)

    def _check_sight(self) -> None:
        parts = self._parts
        looked = [parts.paths(number)[0] for number in range(0, len(parts), -(-len(parts) // SAMPLE))]
        if not any(os.path.lexists(os.path.join(parts.base, path)) for path in looked):  # noqa: PTH118
            raise SourceError(
                f"{platform.node()}: of {len(looked)} files looked for in {parts.base} none is there, the first is "
                f"{looked[0]}; the files have to lie in the same place on every machine that reads them, in a shared "
                "folder"
            )


def _check_regular(path: Path) -> None:
    """Raises SourceError for what is there and no file: a pipe would be waited for, a device read without end."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            os.scandir(path).close()  # one that cannot be listed says so
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError)
        reason = "no such file" if missing else f"cannot be read: {getattr(error, 'strerror', None) or error}"
        raise SourceError(f"{path}: {reason}") from error
    if not stat.S_ISREG(mode):
        raise SourceError(f"{path}: {'is a folder' if stat.S_ISDIR(mode) else 'not a file'}")
