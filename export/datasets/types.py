"""What every reader returns: pictures and labels, by split."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The seven classes of FER-2013, in the order of its codes 0…6."""

SplitName = Literal["training", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("training", "validation", "test")


@dataclass(frozen=True, slots=True)
class Split:
    """Pictures (n, h, w) uint8 grey and labels (n,) int64, which index `Dataset.labels`."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Three splits over the same labels. Models and settings are chosen on `validation`, never on `test`."""

    labels: tuple[str, ...]
    training: Split
    validation: Split
    test: Split

    def split(self, name: SplitName) -> Split:
        return getattr(self, name)
