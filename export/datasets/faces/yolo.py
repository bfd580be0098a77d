"""YOLO's form: `images/` and `labels/` side by side, both with `train/` and `val/` or flat; a `.txt` for each picture.

A line is a class and the box's centre and sides as parts of the picture's, then, in the form of YOLO's pose networks,
landmarks as x y or x y visible: five of them are taken as the person's right eye, left eye, nose, right and left corner
of the mouth. All classes count as faces. A picture without a file, or with an empty one, has none.
"""

from pathlib import Path

import cv2
import numpy as np

from export.datasets.faces.types import FacePicture, Faces, FaceSet
from export.datasets.folders import SUFFIXES
from export.errors import DatasetError

SPLITS = {"train": ("train", "training"), "val": ("val", "valid", "validation")}
HELD_OUT = 10  # every so many-th picture, where no folder says what validation is


def fits(folder: Path) -> bool:
    """Whether the folder is of this form."""
    return (folder / "images").is_dir() and (folder / "labels").is_dir()


def read(folder: Path) -> FaceSet:
    """Read the set. DatasetError lists all that is wrong."""
    problems: list[str] = []
    parts = {split: _read(folder, names, problems) for split, names in SPLITS.items()}
    if not parts["train"] and not parts["val"]:
        parts["train"] = _read(folder, ("",), problems)
    if not parts["train"]:
        problems.append(f"no pictures in images/train/ or images/, of the kinds {', '.join(sorted(SUFFIXES))}")
    if problems:
        raise DatasetError.of(folder, problems)
    return FaceSet(*held_out(parts["train"], parts["val"]), folder.resolve().name)


def held_out(training: list[FacePicture], validation: list[FacePicture]) -> tuple[list[FacePicture], list[FacePicture]]:
    """Both splits; where there is no validation, every tenth training picture is."""
    if validation:
        return training, validation
    kept = [picture for number, picture in enumerate(training) if number % HELD_OUT]
    return kept, training[::HELD_OUT]


def size_of(path: Path) -> tuple[int, int] | None:
    """Width and height of a picture; None where it cannot be read."""
    data = np.frombuffer(path.read_bytes(), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) if data.size else None
    return None if image is None else (image.shape[1], image.shape[0])


def _read(folder: Path, names: tuple[str, ...], problems: list[str]) -> list[FacePicture]:
    found = []
    for name in names:
        place = folder / "images" / name
        for path in sorted(path for path in place.glob("*") if path.suffix.lower() in SUFFIXES):
            labels = folder / "labels" / name / f"{path.stem}.txt"
            found.append(_picture(path, labels, labels.relative_to(folder).as_posix(), problems))
    return found


def _picture(path: Path, labels: Path, shown: str, problems: list[str]) -> FacePicture:
    faces = Faces()
    lines = labels.read_text(encoding="utf-8").splitlines() if labels.exists() else []
    size = size_of(path)
    if size is None:
        problems.append(f"{path.name}: not a picture that can be read")
        return faces.picture(path)
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            values = [float(part) for part in line.split()]
        except ValueError:
            values = []
        if len(values) not in (5, 15, 20) or not np.isfinite(values).all() or min(values[3:5]) <= 0:
            problems.append(
                f"{shown}, line {number}: {line.strip()[:60]!r} is not a class, a box and, perhaps, five landmarks"
            )
            continue
        x, y, w, h = np.array(values[1:5]) * (size * 2)
        points = np.array(values[5:]).reshape(-1, len(values[5:]) // 5 or 1)
        landmarks = None
        if len(points) and (points.shape[1] == 2 or (points[:, 2] > 0).all()):
            landmarks = (points[:, :2] * size).ravel().tolist()
        faces.add((x - w / 2, y - h / 2, w, h), landmarks)
    return faces.picture(path)
