"""Readers for the files people have; `load` picks one by what the path is and takes of it what is asked for."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from export.datasets import fer2013, ferplus, folders
from export.datasets.pictures import fit_all
from export.datasets.source import VOTES, Source
from export.datasets.types import COLORS, EMOTIONS, SPLITS, Dataset, Split, SplitName
from export.errors import DatasetError

__all__ = [
    "COLORS",
    "EMOTIONS",
    "SPLITS",
    "VOTES",
    "Dataset",
    "DatasetError",
    "Source",
    "Split",
    "SplitName",
    "load",
]


def load(source: Source | str | Path) -> Dataset:
    """Read `fer2013.csv`, `icml_face_data.csv`, a zip with one of them, or a folder of pictures by label.

    Raises DatasetError, which lists all that is wrong with the data and not only the first of it.
    """
    if not isinstance(source, Source):
        source = Source(Path(source))
    dataset = _read(source)
    if source.exclude is not None:
        dataset = _without(dataset, source.exclude)
    if source.drop_copies:
        dataset = _without_copies(dataset)
    if source.ferplus is not None:
        dataset = _voted(dataset, source)
    if source.labels is not None:
        dataset = _subset(dataset, source.labels)
    size = dataset.size if source.size is None else source.size
    dataset = _each(dataset, lambda split: replace(split, images=fit_all(split.images, size, source.color)))
    _check_labels(source.path, dataset)
    return dataset


def _read(source: Source) -> Dataset:
    path = source.path
    if not path.exists():
        raise DatasetError(
            f"{path}: no such file or folder; get fer2013.csv by `python -m export data fetch`, or give a folder of "
            "your own pictures"
        )
    if path.is_dir():
        inside = [path / name for name in fer2013.FILES if (path / name).exists()]
        return fer2013.read(inside[0]) if inside else folders.read(path, source.size, source.color)
    if path.suffix.lower() not in (".csv", ".zip"):
        raise DatasetError(f"{path}: expected a .csv, a .zip with {' or '.join(fer2013.FILES)}, or a folder")
    return fer2013.read(path)


def _each(dataset: Dataset, change) -> Dataset:
    return replace(dataset, **{name: change(dataset.split(name)) for name in SPLITS})


def _without(dataset: Dataset, path: Path) -> Dataset:
    from export.datasets.check import read_list

    names = read_list(path)
    unknown = names.difference(*(dataset.split(name).names for name in SPLITS))
    if unknown:
        raise DatasetError.of(path, [f"{name}: no such picture in the data" for name in sorted(unknown)])
    return _each(dataset, lambda split: split.take(np.array([name not in names for name in split.names], bool)))


def _without_copies(dataset: Dataset) -> Dataset:
    from export.datasets.copies import identical

    keep = np.ones(len(dataset.training), bool)
    for group in identical(dataset):
        if any(split != "training" for split, _ in group):
            keep[[number for split, number in group if split == "training"]] = False
    return replace(dataset, training=dataset.training.take(keep))


def _voted(dataset: Dataset, source: Source) -> Dataset:
    votes = ferplus.read(source.ferplus)
    if any(not name.startswith("row ") for name in dataset.training.names):
        raise DatasetError(f"{source.path}: FER+ votes belong to rows of fer2013.csv, not to folders of pictures")
    last = max(fer2013.row_index(name) for split in SPLITS for name in dataset.split(split).names)
    if last >= len(votes) or (last < len(votes) - 1 and source.exclude is None):
        raise DatasetError(f"{source.ferplus}: {len(votes)} rows of votes for {last + 1} rows of pictures")
    shares, usable = ferplus.shares(votes, source.contempt)
    if source.votes == "blend":
        rows = np.array([fer2013.row_index(name) for name in dataset.training.names])
        blend = ferplus.blend(shares[rows], usable[rows], dataset.training.labels)
        name = f"{dataset.name} with FER+ votes beside the labels of Training"
        return replace(dataset, training=replace(dataset.training, votes=blend), name=name)
    if source.votes == "majority":
        usable &= ferplus.majority(shares)

    def change(split: Split) -> Split:
        rows = np.array([fer2013.row_index(name) for name in split.names])
        split, rows = split.take(usable[rows]), rows[usable[rows]]
        mine = shares[rows]
        return replace(split, labels=mine.argmax(1), votes=mine if source.votes == "distribution" else None)

    labelled = "label distributions" if source.votes == "distribution" else "majority labels"
    return replace(
        _each(dataset, change), labels=ferplus.labels_of(source.contempt), name=f"{dataset.name} with FER+ {labelled}"
    )


def _subset(dataset: Dataset, labels: tuple[str, ...]) -> Dataset:
    unknown = [name for name in labels if name not in dataset.labels]
    if unknown:
        raise DatasetError(f"unknown label {', '.join(unknown)}; the data has {', '.join(dataset.labels)}")
    columns = [dataset.labels.index(name) for name in labels]
    places = np.full(len(dataset.labels), -1)
    places[columns] = np.arange(len(labels))

    def change(split: Split) -> Split:
        split = split.take(np.isin(split.labels, columns))
        votes = split.votes
        if votes is not None:
            votes = votes[:, columns] / votes[:, columns].sum(1, keepdims=True)
        return replace(split, labels=places[split.labels], votes=votes)

    return replace(_each(dataset, change), labels=labels)


def _check_labels(path: Path, dataset: Dataset) -> None:
    if len(dataset.labels) < 2:
        raise DatasetError(f"{path}: pictures of one label only ({', '.join(dataset.labels)}); at least two are needed")
    counts = np.bincount(dataset.training.labels, minlength=len(dataset.labels)).tolist()
    problems = [
        f"no training picture of the label {label}; if that is meant, choose the others by --labels"
        for label, count in zip(dataset.labels, counts, strict=True)
        if not count
    ]
    problems += [f"no picture in the {name} split" for name in SPLITS if not len(dataset.split(name))]
    if problems:
        raise DatasetError.of(path, problems)
