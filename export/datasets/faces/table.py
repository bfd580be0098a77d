"""A folder with `images/`, `boxes.csv` and `split.csv`: boxes and landmarks of a detector and of people, side by side.

`boxes.csv` has the columns image, x, y, w, h, rx, ry, lx, ly, nx, ny, rmx, rmy, lmx, lmy (person's right eye, left eye,
nose, right and left mouth corner; empty where unknown), source and flag. Rows without a flag are faces; `ignore` and
`missed` are neither face nor background; `dup` repeats a face in another style of box and is left out. `split.csv` has
image, source and split (train or val), and lists every picture, also those without faces.
"""

import csv
import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from export.datasets.faces.types import FacePicture, Faces, FaceSet
from export.errors import DatasetError

BOXES, SPLIT, IMAGES = "boxes.csv", "split.csv", "images"
BOX = ("x", "y", "w", "h")
LANDMARKS = ("rx", "ry", "lx", "ly", "nx", "ny", "rmx", "rmy", "lmx", "lmy")
FLAGS = ("", "ignore", "missed", "dup")
SPLITS = ("train", "val")


def fits(folder: Path) -> bool:
    """Whether the folder is of this form."""
    return (folder / BOXES).exists() and (folder / SPLIT).exists()


def read(folder: Path) -> FaceSet:
    """Read the set. DatasetError lists all that is wrong."""
    problems: list[str] = []
    faces: dict[str, Faces] = defaultdict(Faces)
    for number, row in _rows(folder / BOXES, ("image", *BOX, *LANDMARKS, "flag")):
        where = f"{BOXES}, line {number}"
        if row["flag"] not in FLAGS:
            problems.append(f"{where}: the flag is {row['flag']!r}, not one of {', '.join(FLAGS[1:])} or empty")
            continue
        try:
            box = [float(row[name]) for name in BOX]
            points = [float(row[name]) for name in LANDMARKS] if row["rx"] else None
        except (TypeError, ValueError):
            problems.append(f"{where}: box or landmarks are not numbers: {', '.join(str(row[name]) for name in BOX)}")
            continue
        if not all(map(math.isfinite, box)) or min(box[2:]) <= 0:
            problems.append(f"{where}: a box of {box[2]:g}×{box[3]:g} pixels")
        elif row["flag"] != "dup":
            faces[row["image"]].add(box, points, ignored=row["flag"] != "")
    splits: dict[str, list[FacePicture]] = {name: [] for name in SPLITS}
    listed = set()
    for number, row in _rows(folder / SPLIT, ("image", "split", "source")):
        name, path = row["image"], folder / IMAGES / row["image"]
        listed.add(name)
        if row["split"] not in SPLITS:
            problems.append(f"{SPLIT}, line {number}: the split is {row['split']!r}, not one of {', '.join(SPLITS)}")
        elif not path.is_file():
            problems.append(f"{SPLIT}, line {number}: there is no {IMAGES}/{name}")
        else:
            splits[row["split"]].append(faces[name].picture(path, row["source"]))
    problems += [f"{BOXES}: {name} is not in {SPLIT}" for name in faces if name not in listed]
    if problems:
        raise DatasetError.of(folder, problems)
    return FaceSet(splits["train"], splits["val"], folder.resolve().name)


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise DatasetError(f"{path}: the columns {', '.join(missing)} are missing")
        for row in reader:
            yield reader.line_num, row
