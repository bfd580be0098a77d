"""Folders of pictures, one folder a label: `train/<label>/`, `test/<label>/` and `validation/<label>/`, or `<label>/`.

Kaggle's folder form of FER-2013 has PublicTest and PrivateTest together in `test/`, told apart by the file names
(`PublicTest_….jpg`): then these are validation and test, as in the csv. Where nothing says what the validation or the
test split is, each becomes a tenth of every label, always the same tenth for the same files.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from export.datasets import storage
from export.datasets.pictures import fit
from export.datasets.types import EMOTIONS, Dataset, Split
from export.errors import DatasetError

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}
HELD_OUT = 0.1
_TRAIN, _VALIDATION, _TEST = ("train", "training"), ("validation", "val", "valid"), ("test",)

Files = list[tuple[Path, str]]  # with their labels


def read(folder: Path, size: int | None = None, color: str = "grey") -> Dataset:
    """Read all pictures as squares of `size` pixels, by default their own. DatasetError lists all that is wrong."""
    training, validation, test = _splits(folder)
    found = {label for _, label in training}
    labels = tuple(e for e in EMOTIONS if e in found) if found <= set(EMOTIONS) else tuple(sorted(found))
    problems = [
        f"{path.parent.relative_to(folder)}/: no such label in the training pictures, which have {', '.join(labels)}"
        for path in {label: path for path, label in validation + test if label not in found}.values()
    ]
    unreadable, size = _sizes(folder, [path for path, _ in training + validation + test], size)
    if problems + unreadable:
        raise DatasetError.of(folder, problems + unreadable)
    splits = (_split(folder, files, labels, size, color) for files in (training, validation, test))
    return Dataset(labels, *splits, name=folder.resolve().name)


def _splits(folder: Path) -> tuple[Files, Files, Files]:
    training, validation, test = (_files(folder, names) for names in (_TRAIN, _VALIDATION, _TEST))
    if not training and not validation and not test:
        training = _files(folder, ("",))
    if not training:
        raise DatasetError(
            f"{folder}: no pictures in train/<label>/ or <label>/; expected for example {folder.name}/train/happy/ "
            f"with files of the kinds {', '.join(sorted(SUFFIXES))}"
        )
    official = [_usage(path) for path, _ in test]
    if not validation and None not in official and len(set(official)) == 2:
        validation = [item for item, usage in zip(test, official, strict=True) if usage == "PublicTest"]
        test = [item for item, usage in zip(test, official, strict=True) if usage == "PrivateTest"]
    if not test:
        training, test = _hold_out(folder, training, "test")
    if not validation:
        training, validation = _hold_out(folder, training, "validation")
    return training, validation, test


def _files(folder: Path, names: Sequence[str]) -> Files:
    found: Files = []
    for name in names:
        for label_folder in sorted(path for path in (folder / name).glob("*") if path.is_dir()):
            label = label_folder.name
            label = label.lower() if label.lower() in EMOTIONS else label
            found += [(path, label) for path in sorted(label_folder.iterdir()) if path.suffix.lower() in SUFFIXES]
    return found


def _usage(path: Path) -> str | None:
    usage = path.name.partition("_")[0]
    return usage if usage in ("PublicTest", "PrivateTest") else None


def _hold_out(folder: Path, files: Files, purpose: str) -> tuple[Files, Files]:
    kept: Files = []
    held: Files = []
    for label in sorted({label for _, label in files}):
        mine = [item for item in files if item[1] == label]
        chosen = set(np.random.default_rng(0).permutation(len(mine))[: round(len(mine) * HELD_OUT)].tolist())
        for number, item in enumerate(mine):
            (held if number in chosen else kept).append(item)
    if not held:
        raise DatasetError(f"{folder}: too few pictures to hold a tenth out for {purpose}")
    return kept, held


def _sizes(folder: Path, paths: list[Path], size: int | None) -> tuple[list[str], int]:
    """What cannot be read, and the side of the squares to make."""
    with ThreadPoolExecutor() as pool:
        shapes = list(pool.map(lambda path: _shape(path), paths))
    problems = [
        f"{path.relative_to(folder)}: not a picture that can be read"
        for path, shape in zip(paths, shapes, strict=True)
        if shape is None
    ]
    if size is None:
        found = sorted({shape for shape in shapes if shape})
        if len(found) > 1 or (found and found[0][0] != found[0][1]):
            kinds = ", ".join(f"{width}×{height}" for height, width in (found[0], found[-1]))
            problems.append(f"pictures are not all squares of one size ({kinds}, …); give the size to make of them")
        size = found[0][0] if found else 0
    return problems, size


def _shape(path: Path) -> tuple[int, int] | None:
    image = _decoded(path, cv2.IMREAD_GRAYSCALE)
    return None if image is None else (image.shape[0], image.shape[1])


def _decoded(path: Path, flag: int) -> np.ndarray | None:
    data = np.frombuffer(path.read_bytes(), np.uint8)
    return cv2.imdecode(data, flag) if data.size else None


def _split(folder: Path, files: Files, labels: tuple[str, ...], size: int, color: str) -> Split:
    grey = color == "grey"
    images = storage.empty((len(files), size, size) if grey else (len(files), size, size, 3))

    def load(number: int) -> None:
        image = _decoded(files[number][0], cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR_RGB)
        assert image is not None, files[number][0]  # read once already
        images[number] = fit(image, size, color)

    with ThreadPoolExecutor() as pool:
        list(pool.map(load, range(len(files))))
    return Split(
        images,
        np.array([labels.index(label) for _, label in files], np.int64),
        [path.relative_to(folder).as_posix() for path, _ in files],
    )
