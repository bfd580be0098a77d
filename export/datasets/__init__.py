"""Readers for the files people have; `load` picks one by what the path is."""

from pathlib import Path

from export.datasets import fer2013, folders
from export.datasets.types import EMOTIONS, SPLITS, Dataset, Split, SplitName
from export.errors import DatasetError

__all__ = ["EMOTIONS", "SPLITS", "Dataset", "DatasetError", "Split", "SplitName", "load"]


def load(path: str | Path) -> Dataset:
    """Read `fer2013.csv`, a zip with it, or a folder with `train/<label>/` and `test/<label>/`. Raises DatasetError."""
    path = Path(path)
    if not path.exists():
        raise DatasetError(f"{path}: no such file or folder; get fer2013.csv from Kaggle and give its path")
    if path.is_dir():
        inside = path / "fer2013.csv"
        return fer2013.read(inside) if inside.exists() else folders.read(path)
    if path.suffix.lower() not in (".csv", ".zip"):
        raise DatasetError(f"{path}: expected a .csv, a .zip with fer2013.csv, or a folder")
    return fer2013.read(path)
