"""The FER+ votes: ten people's labels for every row of FER-2013, as `fer2013new.csv` has them.

Source: Barsoum, Zhang, Canton Ferrer and Zhang, *Training Deep Networks for Facial Expression Recognition with
Crowd-Sourced Label Distribution*, ICMI 2016. Votes belong to pictures by the row's position, never by `Image name`:
that number falls behind the row by up to 85, and some names occur twice.
"""

import csv
from pathlib import Path

import numpy as np

from export.datasets.types import EMOTIONS
from export.errors import DatasetError

COLUMNS = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",  # not a face
)
_ORDER = [COLUMNS.index(name) for name in ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")]
_CONTEMPT, _UNKNOWN, _NOT_A_FACE = (COLUMNS.index(name) for name in ("contempt", "unknown", "NF"))
MOST = 1_000_000  # votes for one label of a picture: sums of far larger ones overflow
CONTEMPT = ("neutral", "class")  # what becomes of it: counted as neutral, or an eighth label


def read(path: Path) -> np.ndarray:
    """Vote counts (rows, 10) int64 in the order of COLUMNS. Raises DatasetError with every damaged row."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            rows = list(csv.reader(text))
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror}; get fer2013new.csv by `python -m export data fetch`") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path}: damaged: {error}") from error
    while rows and not rows[-1]:
        rows.pop()  # blank lines at the end
    header = [name.strip() for name in rows[0]] if rows else []
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise DatasetError(f"{path}, row 1: missing column {', '.join(missing)}; found {', '.join(header)[:80]!r}")
    places = [header.index(name) for name in COLUMNS]
    votes = np.zeros((len(rows) - 1, len(COLUMNS)), np.int64)
    problems = []
    for number, row in enumerate(rows[1:], start=2):
        try:
            votes[number - 2] = [int(row[place]) for place in places]
        except (ValueError, IndexError, OverflowError):
            votes[number - 2] = -1
        if votes[number - 2].min() < 0 or votes[number - 2].max() > MOST:
            problems.append(f"row {number}: expected {len(COLUMNS)} vote counts, found {','.join(row)[:60]!r}")
    if problems:
        raise DatasetError.of(path, problems)
    return votes


def labels_of(contempt: str) -> tuple[str, ...]:
    """The labels of the votes: the seven emotions, and "contempt" where it is a class of its own."""
    return (*EMOTIONS, "contempt") if contempt == "class" else EMOTIONS


def shares(votes: np.ndarray, contempt: str = "neutral") -> tuple[np.ndarray, np.ndarray]:
    """Vote counts (n, 10) → shares (n, labels) float32 that sum to 1, and which rows (n,) bool can be used.

    As in the FER+ paper a single vote counts as noise. Left out are the rows where "unknown" or "not a face" has the
    most votes, alone or with others, or where nothing is left.
    """
    counted = np.where(votes > 1, votes, 0)
    emotions = counted[:, _ORDER]
    if contempt == "class":
        emotions = np.concatenate([emotions, counted[:, [_CONTEMPT]]], axis=1)
    else:
        emotions[:, EMOTIONS.index("neutral")] += counted[:, _CONTEMPT]
    total = emotions.sum(1)
    useless = counted[:, [_UNKNOWN, _NOT_A_FACE]].max(1)
    usable = (total > 0) & (emotions.max(1) > useless)
    return (emotions / np.maximum(total, 1)[:, None]).astype(np.float32), usable


def blend(shares: np.ndarray, usable: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """FER-2013's labels (n,) and the votes for the same pictures, half each, as targets (n, 7) float32 that sum to 1.

    The voters often call a face otherwise than FER-2013 does, `neutral` above all. So each vote counts for what
    FER-2013 says of pictures with such votes, by all these rows. Where votes are not `usable` the label stands alone.
    """
    one_hot = np.eye(len(EMOTIONS), dtype=np.float32)[labels]
    meaning = shares[usable].T @ one_hot[usable]  # (voted, labelled)
    meaning /= np.maximum(meaning.sum(1, keepdims=True), 1e-6)
    translated = shares @ meaning
    return np.where(usable[:, None], (one_hot + translated) / 2, one_hot).astype(np.float32)


def majority(shares: np.ndarray) -> np.ndarray:
    """Which rows (n,) bool have a single label with more votes than any other."""
    top = np.sort(shares, axis=1)
    return top[:, -1] > top[:, -2]
