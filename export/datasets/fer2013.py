"""FER-2013 as Kaggle gives it: a csv file with the columns emotion, pixels, Usage; plain or inside a zip.

Both `fer2013.csv` and `icml_face_data.csv` are read; they differ in the order of the columns and in spaces.

Source: Goodfellow et al., *Challenges in Representation Learning: A report on three machine learning contests*,
ICONIP 2013. `Usage` is the official split: Training, PublicTest (our validation) and PrivateTest (our test).
"""

import csv
import io
import sys
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from export.datasets.types import EMOTIONS, Dataset, Split, SplitName
from export.errors import DatasetError

SIZE = 48
FILES = ("fer2013.csv", "icml_face_data.csv")
_CODES = {str(code): code for code in range(len(EMOTIONS))} | {name: code for code, name in enumerate(EMOTIONS)}
_USAGES: dict[str, SplitName] = {"Training": "training", "PublicTest": "validation", "PrivateTest": "test"}
_FIRST_ROW = 2  # the header is row 1, as editors and spreadsheets count


def read(path: Path) -> Dataset:
    """Read the whole file (about 5 s and 83 MB for the 35,887 rows); DatasetError lists every damaged row."""
    images: dict[SplitName, list[np.ndarray]] = {name: [] for name in _USAGES.values()}
    labels: dict[SplitName, list[int]] = {name: [] for name in _USAGES.values()}
    names: dict[SplitName, list[str]] = {name: [] for name in _USAGES.values()}
    problems: list[str] = []
    with _opened(path) as text, warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # how NumPy reports text that is not a number
        for number, row in _rows(path, text, problems):
            try:
                split, label, image = _parsed(row)
            except ValueError as error:
                problems.append(f"row {number}: {error}")
                continue
            images[split].append(image)
            labels[split].append(label)
            names[split].append(f"row {number}")
    problems += [
        f"no row with Usage {usage}; is the file complete?"
        for usage, name in _USAGES.items()
        if not labels[name] and not problems
    ]
    if problems:
        raise DatasetError.of(path, problems)
    splits = {name: Split(np.stack(images[name]), np.array(labels[name], np.int64), names[name]) for name in labels}
    return Dataset(EMOTIONS, **splits)


def row_index(name: str) -> int:
    """The row (from 0, without the header) of a picture's name."""
    return int(name.removeprefix("row ")) - _FIRST_ROW


def _rows(path: Path, text: io.TextIOBase, problems: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # one row of pixels is longer than some defaults
    reader = csv.reader(text)
    number = 1
    try:
        header = [name.strip() for name in next(reader, [])]
        missing = [name for name in ("emotion", "pixels", "Usage") if name not in header]
        if missing:
            raise DatasetError(f"{path}, row 1: missing column {', '.join(missing)}; found {', '.join(header)[:80]!r}")
        for number, values in enumerate(reader, start=_FIRST_ROW):
            if len(values) == len(header):
                yield number, dict(zip(header, values, strict=True))
            else:
                problems.append(f"row {number}: {len(values)} fields instead of {len(header)}")
    except DatasetError:
        raise
    except Exception as error:  # each compression that a zip file can have fails in its own ways
        problems.append(f"damaged after row {number}: {error}")


def _parsed(row: dict[str, str]) -> tuple[SplitName, int, np.ndarray]:
    label = _CODES.get(row["emotion"].strip().lower())
    if label is None:
        raise ValueError(
            f"unknown emotion {row['emotion']!r}; expected 0…{len(EMOTIONS) - 1} or one of {', '.join(EMOTIONS)}"
        )
    split = _USAGES.get(row["Usage"].strip())
    if split is None:
        raise ValueError(f"unknown Usage {row['Usage']!r}; expected one of {', '.join(_USAGES)}")
    return split, label, _pixels(row["pixels"])


def _pixels(text: str) -> np.ndarray:
    try:
        values = np.fromstring(text, np.int64, sep=" ")
    except (ValueError, DeprecationWarning):
        raise ValueError("pixels are not all whole numbers") from None
    if values.size != SIZE * SIZE:
        raise ValueError(f"{values.size} pixels instead of {SIZE * SIZE} ({SIZE}×{SIZE})")
    if values.min() < 0 or values.max() > 255:
        raise ValueError(f"pixel values from {values.min()} to {values.max()}; expected 0…255")
    return values.astype(np.uint8).reshape(SIZE, SIZE)


@contextmanager
def _opened(path: Path) -> Iterator[io.TextIOBase]:
    if path.suffix.lower() != ".zip":
        with path.open(encoding="utf-8-sig", newline="") as text:
            yield text
        return
    with ExitStack() as stack:
        try:  # around the opening alone: what happens while the file is read is not for here
            archive = stack.enter_context(zipfile.ZipFile(path))
            members = [name for name in archive.namelist() if Path(name).name in FILES]
            if not members:
                raise DatasetError(f"{path}: no {' or '.join(FILES)} inside; found {', '.join(archive.namelist()[:5])}")
            raw = stack.enter_context(archive.open(members[0]))
        except DatasetError:
            raise
        except Exception as error:  # a damaged directory, a password, a compression Python lacks: all differ
            raise DatasetError(f"{path}: not a readable zip file: {error}") from error
        yield io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")
