"""What a network takes for faces and is none, to be shown to it again: Sung and Poggio's bootstrapping, *PAMI* 1998."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from export.datasets.faces.types import FacePicture
from export.detector.metrics import overlaps
from export.detector.scenes import Mistake
from export.detector.validation import BATCH, SHARED, SIDE, scale_of, values_of
from export.errors import RunError
from ferlite.detectors.ferlite import cells, decode, distinct

SCORE = 0.15  # from which a box is a mistake worth showing: a quarter of what is asked for in the end
TOUCHES = 0.2  # part of a box that lies in a known or ignored face, from which it may be of that face

Mined = np.ndarray  # (n, 5) float32: number of the picture; x, y, width and height there


def mine(model: keras.Model, pictures: Sequence[FacePicture]) -> Mined:
    """The boxes of a network that touch no face, in pixels of the pictures."""
    grid, rows = cells(SIDE, SIDE), []
    for start in range(0, len(pictures), BATCH):
        chunk = pictures[start : start + BATCH]
        for number, (picture, values) in enumerate(zip(chunk, values_of(model, chunk), strict=True), start=start):
            boxes = distinct(decode(values, grid, SCORE), SHARED)[:, :4] / scale_of(picture)
            if len(picture.boxes):
                boxes = boxes[overlaps(boxes, picture.boxes)[1].max(axis=1) < TOUCHES]
            rows.append(np.column_stack([np.full(len(boxes), number), boxes]))
    return np.concatenate(rows).astype(np.float32)


def as_mistakes(mined: Mined, pictures: Sequence[FacePicture]) -> list[Mistake]:
    """What `mine` found, as `Scenes` takes it."""
    found = []
    for number, *box in mined.tolist():
        picture = pictures[int(number)]
        x, y, w, h = box
        found.append(Mistake(picture, (x, y, w, h), float(np.sqrt(w * h)) * scale_of(picture)))
    return found


def save(mined: Mapping[int, Mined], path: Path) -> None:
    """Write what was mined, by the epoch after which it was."""
    with path.open("wb") as file:
        np.savez(file, **{str(epoch): rows for epoch, rows in mined.items()})


def load(path: Path) -> dict[int, Mined]:
    """What was saved; nothing where nothing was. Raises RunError."""
    if not path.exists():
        return {}
    try:
        with path.open("rb") as file, np.load(file) as saved:  # given a path, it leaves a bad file open
            return {int(epoch): saved[epoch] for epoch in saved.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise RunError(f"{path} is damaged: {error}; delete the run's folder to start over") from error
