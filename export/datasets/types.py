"""What every reader returns: pictures and labels, by split."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The seven classes of FER-2013, in the order of its codes 0…6."""

SplitName = Literal["training", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("training", "validation", "test")
COLORS = ("grey", "rgb")


@dataclass(frozen=True, slots=True)
class Split:
    """Pictures (n, h, w) uint8 grey or (n, h, w, 3) RGB, possibly on disk, and what is said of them.

    `labels` (n,) int64 index `Dataset.labels`. `votes` (n, labels) float32 are the shares of people who chose each
    label and sum to 1, where more than one was asked. `names` say where each picture comes from.
    """

    images: np.ndarray
    labels: np.ndarray
    names: Sequence[str]
    votes: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: np.ndarray) -> "Split":
        """The rows of an index or mask array, in its order."""
        names = np.asarray(self.names, object)[rows].tolist()
        return Split(self.images[rows], self.labels[rows], names, None if self.votes is None else self.votes[rows])


@dataclass(frozen=True, slots=True)
class Dataset:
    """Three splits over the same labels. Models and settings are chosen on `validation`, never on `test`."""

    labels: tuple[str, ...]
    training: Split
    validation: Split
    test: Split
    name: str = "FER-2013"

    def split(self, name: SplitName) -> Split:
        return getattr(self, name)

    @property
    def color(self) -> str:
        return "grey" if self.training.images.ndim == 3 else "rgb"

    @property
    def size(self) -> int:
        """Side of the square pictures, in pixels."""
        return self.training.images.shape[1]
