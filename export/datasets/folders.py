"""Folders of pictures: `train/<label>/*.png|jpg` and `test/<label>/…`, with `validation/<label>/…` where there is one.

Kaggle's folder form of FER-2013 has PublicTest and PrivateTest together in `test/`, told apart by the file names
(`PublicTest_….jpg`): then these are validation and test, as in the csv. Where neither says what the validation split
is, a tenth of every label of `train/` becomes it, always the same tenth for the same files.
"""

from pathlib import Path

import cv2
import numpy as np

from export.datasets.types import EMOTIONS, Dataset, Split
from export.errors import DatasetError

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp"}
SIZE = 48
HELD_OUT = 0.1
_TRAIN, _VALIDATION, _TEST = ("train", "training"), ("validation", "val", "valid"), ("test",)

Files = list[tuple[Path, int]]


def read(folder: Path) -> Dataset:
    """Read all pictures as grey 48×48. Raises DatasetError that names the folder or file at fault."""
    training = _files(folder, _TRAIN)
    test = _files(folder, _TEST)
    validation = _files(folder, _VALIDATION)
    if not training:
        raise DatasetError(f"{folder}: no train/<label>/ with pictures; expected train/{EMOTIONS[0]}/*.png or *.jpg, …")
    if not test:
        raise DatasetError(f"{folder}: no test/<label>/ with pictures")
    official = [_usage(path) for path, _ in test]
    if not validation and None not in official and len(set(official)) == 2:
        validation = [item for item, usage in zip(test, official, strict=True) if usage == "PublicTest"]
        test = [item for item, usage in zip(test, official, strict=True) if usage == "PrivateTest"]
    if not validation:
        training, validation = _hold_out(training)
    return Dataset(EMOTIONS, _split(training), _split(validation), _split(test))


def _files(folder: Path, names: tuple[str, ...]) -> Files:
    found: Files = []
    for name in names:
        for label_folder in sorted(path for path in folder.glob(f"{name}/*") if path.is_dir()):
            label = label_folder.name.lower()
            if label not in EMOTIONS:
                raise DatasetError(
                    f"{label_folder}: unknown label {label_folder.name!r}; there are {', '.join(EMOTIONS)}"
                )
            for path in sorted(label_folder.iterdir()):
                if path.suffix.lower() in SUFFIXES:
                    found.append((path, EMOTIONS.index(label)))
    return found


def _usage(path: Path) -> str | None:
    usage = path.name.partition("_")[0]
    return usage if usage in ("PublicTest", "PrivateTest") else None


def _hold_out(files: Files) -> tuple[Files, Files]:
    training: Files = []
    validation: Files = []
    for label in sorted({label for _, label in files}):
        mine = [item for item in files if item[1] == label]
        chosen = set(np.random.default_rng(0).permutation(len(mine))[: round(len(mine) * HELD_OUT)].tolist())
        for number, item in enumerate(mine):
            (validation if number in chosen else training).append(item)
    if not validation:
        raise DatasetError(f"{files[0][0].parents[1]}: too few pictures to hold a tenth out for validation")
    return training, validation


def _split(files: Files) -> Split:
    images = np.empty((len(files), SIZE, SIZE), np.uint8)
    for target, (path, _) in zip(images, files, strict=True):
        data = np.frombuffer(path.read_bytes(), np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) if data.size else None
        if image is None:
            raise DatasetError(f"{path}: not a picture that can be read")
        if image.shape != (SIZE, SIZE):
            raise DatasetError(f"{path}: {image.shape[1]}×{image.shape[0]} pixels instead of {SIZE}×{SIZE}")
        target[:] = image
    return Split(images, np.array([label for _, label in files], np.int64))
