"""WIDER FACE as it is published (Yang et al., CVPR 2016): `wider_face_split/wider_face_train_bbx_gt.txt` and `_val_`.

Each picture is a line with its path below `WIDER_train/images/` or `WIDER_val/images/`, a line with the number of its
faces, and a line for each: x, y, width, height and six numbers, of which the fourth (invalid) is used here. Pictures
without faces have a line of zeros nevertheless. Landmarks are not part of it.
"""

from collections.abc import Iterator
from pathlib import Path

from export.datasets.faces.types import FacePicture, Faces, FaceSet
from export.errors import DatasetError

SPLITS = ("train", "val")
COLUMNS = 10
INVALID = 7  # the column that says a box is not to be used


def fits(folder: Path) -> bool:
    """Whether the folder is of this form."""
    return any(_list(folder, split).exists() for split in SPLITS)


def read(folder: Path) -> FaceSet:
    """Read the set. DatasetError lists all that is wrong."""
    problems: list[str] = []
    splits = {split: list(_pictures(folder, split, problems)) for split in SPLITS}
    if problems:
        raise DatasetError.of(folder, problems)
    return FaceSet(splits["train"], splits["val"], folder.resolve().name)


def _list(folder: Path, split: str) -> Path:
    return folder / "wider_face_split" / f"wider_face_{split}_bbx_gt.txt"


def _pictures(folder: Path, split: str, problems: list[str]) -> Iterator[FacePicture]:
    source = _list(folder, split)
    try:
        lines = source.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        problems.append(f"{source.relative_to(folder)}: cannot be read: {error.strerror}")
        return
    number = 0
    while number < len(lines):
        name = lines[number].strip()
        if not name:
            number += 1
            continue
        where = f"{source.name}, line {number + 1}"
        count = lines[number + 1].strip() if number + 1 < len(lines) else ""
        if not count.isdecimal():
            problems.append(f"{where}: after {name} comes {count!r}, not its number of faces; the rest is not read")
            return
        rows = lines[number + 2 : number + 2 + max(1, int(count))]
        if count == "0" and rows and not _is_numbers(rows[0]):
            rows = []  # some copies leave the line of zeros out
        number += 2 + len(rows)
        if len(rows) < int(count):
            problems.append(f"{where}: {name} has {len(rows)} of {count} faces")
            return
        path = folder / f"WIDER_{split}" / "images" / name
        if not path.is_file():
            problems.append(f"{where}: there is no {path.relative_to(folder)}")
            continue
        faces = Faces()
        for row in rows[: int(count)]:
            _add(faces, row, f"{where}, {name}", problems)
        yield faces.picture(path, name.partition("/")[0])


def _add(faces: Faces, row: str, where: str, problems: list[str]) -> None:
    parts = row.split()
    if not _is_numbers(row) or len(parts) < 4:
        problems.append(f"{where}: {row!r} is not a box of {COLUMNS} numbers")
        return
    box = [float(part) for part in parts[:4]]
    if min(box[2:]) <= 0:  # a few of the published ones are; they say that something is there
        return
    faces.add(box, ignored=len(parts) > INVALID and parts[INVALID] == "1")


def _is_numbers(row: str) -> bool:
    return bool(row.split()) and all(part.lstrip("-").replace(".", "", 1).isdecimal() for part in row.split())
