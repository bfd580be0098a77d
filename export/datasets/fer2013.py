"""FER-2013 as Kaggle gives it: `fer2013.csv` with the columns emotion, pixels, Usage; plain or inside a zip.

Source: Goodfellow et al., *Challenges in Representation Learning: A report on three machine learning contests*,
ICONIP 2013. `Usage` is the official split: Training, PublicTest (our validation) and PrivateTest (our test).
"""

import csv
import io
import sys
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from export.datasets.types import EMOTIONS, Dataset, Split, SplitName
from export.errors import DatasetError

SIZE = 48
_CODES = {str(code): code for code in range(len(EMOTIONS))} | {name: code for code, name in enumerate(EMOTIONS)}
_USAGES: dict[str, SplitName] = {"Training": "training", "PublicTest": "validation", "PrivateTest": "test"}


def read(path: Path) -> Dataset:
    """Read the whole file (about 5 s and 83 MB for the 35,887 rows); any damaged row is one DatasetError."""
    images: dict[SplitName, list[np.ndarray]] = {name: [] for name in _USAGES.values()}
    labels: dict[SplitName, list[int]] = {name: [] for name in _USAGES.values()}
    with _opened(path) as text, warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # how NumPy reports text that is not a number
        for where, row in _rows(path, text):
            label = _CODES.get(row["emotion"].strip().lower())
            if label is None:
                raise DatasetError(
                    f"{where}: unknown emotion {row['emotion']!r}; expected 0…{len(EMOTIONS) - 1} or one of "
                    f"{', '.join(EMOTIONS)}"
                )
            split = _USAGES.get(row["Usage"].strip())
            if split is None:
                raise DatasetError(f"{where}: unknown Usage {row['Usage']!r}; expected one of {', '.join(_USAGES)}")
            images[split].append(_pixels(where, row["pixels"]))
            labels[split].append(label)
    for usage, name in _USAGES.items():
        if not labels[name]:
            raise DatasetError(f"{path}: no row with Usage {usage}; is the file complete?")
    return Dataset(
        EMOTIONS, **{name: Split(np.stack(images[name]), np.array(labels[name], np.int64)) for name in labels}
    )


def _rows(path: Path, text: io.TextIOBase) -> Iterator[tuple[str, dict[str, str]]]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # one row of pixels is longer than some defaults
    reader = csv.reader(text)
    number = 1
    try:
        header = [name.strip() for name in next(reader, [])]
        missing = [name for name in ("emotion", "pixels", "Usage") if name not in header]
        if missing:
            raise DatasetError(f"{path}, row 1: missing column {', '.join(missing)}; found {', '.join(header)[:80]!r}")
        for number, values in enumerate(reader, start=2):
            if len(values) != len(header):
                raise DatasetError(f"{path}, row {number}: {len(values)} fields instead of {len(header)}")
            yield f"{path}, row {number}", dict(zip(header, values, strict=True))
    except (csv.Error, UnicodeDecodeError, zlib.error, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path}: damaged after row {number}: {error}") from error


def _pixels(where: str, text: str) -> np.ndarray:
    try:
        values = np.fromstring(text, np.int64, sep=" ")
    except (ValueError, DeprecationWarning):
        raise DatasetError(f"{where}: pixels are not all whole numbers") from None
    if values.size != SIZE * SIZE:
        raise DatasetError(f"{where}: {values.size} pixels instead of {SIZE * SIZE} ({SIZE}×{SIZE})")
    if values.min() < 0 or values.max() > 255:
        raise DatasetError(f"{where}: pixel values from {values.min()} to {values.max()}; expected 0…255")
    return values.astype(np.uint8).reshape(SIZE, SIZE)


@contextmanager
def _opened(path: Path) -> Iterator[io.TextIOBase]:
    if path.suffix.lower() != ".zip":
        with path.open(encoding="utf-8", newline="") as text:
            yield text
        return
    with ExitStack() as stack:
        try:  # around the opening alone: what happens while the file is read is not for here
            archive = stack.enter_context(zipfile.ZipFile(path))
            members = [name for name in archive.namelist() if Path(name).name == "fer2013.csv"]
            if not members:
                raise DatasetError(f"{path}: no fer2013.csv inside; found {', '.join(archive.namelist()[:5])}")
            raw = stack.enter_context(archive.open(members[0]))
        except (zipfile.BadZipFile, RuntimeError) as error:  # RuntimeError: a password, or a compression Python lacks
            raise DatasetError(f"{path}: not a readable zip file: {error}") from error
        yield io.TextIOWrapper(raw, encoding="utf-8", newline="")
