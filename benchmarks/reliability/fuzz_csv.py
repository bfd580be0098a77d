"""Hostile data sets: fer2013.csv, icml_face_data.csv, zips of them and FER+ votes, through `export.datasets.load`."""

import io
import zipfile
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from benchmarks.reliability.fuzz_bytes import damaged
from benchmarks.reliability.fuzz_process import Case
from benchmarks.reliability.fuzz_promises import check_probabilities
from export.datasets import SPLITS, Dataset, Source, load
from export.datasets.fer2013 import FILES
from export.datasets.ferplus import COLUMNS

# fmt: off
FIELDS = (
    "", " ", "0", "6", "7", "-1", "1.5", "1e3", "nan", "inf", "happy", "Joy", "Training", "PublicTest", "privatetest",
    "9" * 30, "9" * 5000, "\0", '"', '""', "'", ",", ";", "\t", "\n", "\r", "\ufeff", "é", "٣", "1_0", "x" * 200_000,
    "9223372036854775807", "4611686018427387904", "-9223372036854775808", "1000",
)
# fmt: on
ROWS = [(usage, code) for usage in ("Training", "PublicTest", "PrivateTest") for code in (0, 3, 6)]
THREE = ("angry", "happy", "neutral")
LABELS = (THREE, THREE, THREE, ("neutral", "angry"), ("happy", "none"), None)
PIXELS = " ".join(str(number % 256) for number in range(48 * 48))


def prepare(folder: Path) -> Case:
    votes, exclude = folder / "fer2013new.csv", folder / "exclude.txt"

    def run(random: Random) -> None:
        content = hostile_text(random, picture_rows(random), FIELDS)
        name = random.choice((*FILES, "fer2013.csv.zip"))
        path = folder / name
        path.write_bytes(hostile_zip(random, content) if name.endswith(".zip") else content)
        settings: dict[str, Any] = {}
        if random.random() < 0.4:
            votes.write_bytes(hostile_text(random, vote_rows(random), FIELDS))
            settings |= {"ferplus": votes, "votes": random.choice(("majority", "distribution", "blend"))}
            settings["contempt"] = random.choice(("neutral", "class"))
        if random.random() < 0.1:
            exclude.write_bytes(hostile_text(random, [["row 2"], ["row 5"]], FIELDS))
            settings["exclude"] = exclude
        settings |= {"drop_copies": random.random() < 0.1, "labels": random.choice(LABELS)}
        settings |= {"size": random.choice((None, None, 16, 64)), "color": random.choice(("grey", "rgb"))}
        check_dataset(load(Source(path, **settings)))

    return run


def picture_rows(random: Random) -> list[list[str]]:
    """The fields of a small whole file, with the columns in either order."""
    rows = [
        [str(code), f"{code + number} {PIXELS.partition(' ')[2]}", usage] for number, (usage, code) in enumerate(ROWS)
    ]
    order = random.choice(((0, 1, 2), (0, 2, 1)))
    return [[row[place] for place in order] for row in [["emotion", "pixels", "Usage"], *rows]]


def vote_rows(random: Random) -> list[list[str]]:
    rows = [["Usage", "Image name", *COLUMNS]]
    for usage, code in ROWS:
        counts = [random.choice((0, 0, 1, 2, 5, 10)) for _ in COLUMNS]
        rows.append([usage, f"fer{code:07}.png", *map(str, counts)])
    return rows


def hostile_text(random: Random, rows: list[list[str]], fields: tuple[str, ...]) -> bytes:
    """Rows as csv, with faults in the fields, in the rows or in the bytes, or with none."""
    choice = random.random()
    if choice < 0.35:
        for _ in range(random.randint(1, 3)):
            row = random.choice(rows)
            fault = random.randrange(6)
            if fault == 0:
                rows.remove(row) if len(rows) > 1 else None
            elif fault == 1:
                rows.insert(random.randrange(len(rows) + 1), list(row))
            elif fault == 2:
                row.insert(random.randrange(len(row) + 1), random.choice(fields))
            elif fault == 3 and row:
                row.pop(random.randrange(len(row)))
            elif row:
                row[random.randrange(len(row))] = random.choice(fields)
    separator = random.choice((";", "\t", " ", ", ")) if random.random() < 0.03 else ","
    end = random.choice(("\r\n", "\r", "\n\n", "\0")) if random.random() < 0.03 else "\n"
    text = end.join(separator.join(row) for row in rows) + end
    encoding = random.choice(("utf-8-sig", "utf-16", "latin-1")) if random.random() < 0.03 else "utf-8"
    data = text.encode(encoding, "replace")
    return damaged(random, data, [data]) if choice > 0.8 else data


def hostile_zip(random: Random, content: bytes) -> bytes:
    file = io.BytesIO()
    method = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr(random.choice((*FILES, "challenge/fer2013.csv", "other.csv", "/fer2013.csv")), content)
    data = file.getvalue()
    if random.random() < 0.6:
        return data
    head = damaged(random, data[:64], [data])
    tail = damaged(random, data[-160:], [data]) if random.random() < 0.7 else data[-160:]
    return head + data[64:-160] + tail


def check_dataset(dataset: Dataset) -> None:
    """What the types say of every data set that is read."""
    count, color = len(dataset.labels), () if dataset.color == "grey" else (3,)
    assert count > 1, f"labels {dataset.labels}"
    assert len(set(dataset.labels)) == count, f"labels {dataset.labels}"
    for name in SPLITS:
        split = dataset.split(name)
        assert len(split) > 0, f"no pictures in {name}"
        shape = (len(split), dataset.size, dataset.size, *color)
        assert split.images.dtype == np.uint8, f"images {split.images.shape}"
        assert split.images.shape == shape, f"images {split.images.shape}"
        assert split.labels.dtype == np.int64, f"labels {split.labels.dtype}"
        assert split.labels.shape == (len(split),), f"labels {split.labels.dtype}"
        assert split.labels.min() >= 0, f"labels {split.labels}"
        assert split.labels.max() < count, f"labels {split.labels}"
        assert len(split.names) == len(split), f"{len(split.names)} names for {len(split)} pictures"
        if split.votes is not None:
            check_probabilities(split.votes, (len(split), count))
