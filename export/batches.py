"""Training batches that depend on nothing but the seed and the step's number, so that any step can be made again."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple, TypeVar

import numpy as np

from export.augment import PRESETS, augment, mixup
from export.config import Config
from export.datasets import Split

Made = TypeVar("Made")


class Batch(NamedTuple):
    """Pictures (b, h, w, c) float32 0…255, targets (b, classes) float32 that sum to 1, weights (b,) float32."""

    images: np.ndarray
    targets: np.ndarray
    weights: np.ndarray


# pictures (b, h, w, c) float32 0…255 → probabilities (b, classes) float32
Teacher = Callable[[np.ndarray], np.ndarray]


class Batches:
    """Step number → augmented batch. Where people voted, their shares are the targets.

    A `teacher` is asked about the pictures as augmented, so that what it says belongs to what is seen (Beyer et al.,
    *Knowledge Distillation: A Good Teacher Is Patient and Consistent*, CVPR 2022). What it said is kept while the same
    pictures come again, `config.views` epochs later.
    """

    def __init__(self, split: Split, classes: int, config: Config, teacher: Teacher | None = None) -> None:
        self.split = split
        self.config = config
        self.teacher = teacher
        self.size = min(config.batch_size, len(split))
        self.per_epoch = len(split) // self.size  # the few left over change from epoch to epoch
        self.preset = PRESETS[config.augment]
        if config.mixup is not None:
            self.preset = replace(self.preset, mixup=config.mixup)
        if config.cutout is not None:
            self.preset = replace(self.preset, cutout=config.cutout)
        self._targets = np.eye(classes, dtype=np.float32)[split.labels] if split.votes is None else split.votes
        counts = np.bincount(split.labels, minlength=classes)
        balanced = len(split) / np.maximum(counts, 1) / np.count_nonzero(counts)  # 1 on average over the pictures
        self._class_weights = balanced.astype(np.float32) if config.balance == "weights" else np.ones(classes, "f4")
        self._said: dict[int, np.ndarray] = {}  # step → the teacher's probabilities
        self._chances = balanced[split.labels] / len(split) if config.balance == "sampling" else None

    def __getitem__(self, step: int) -> Batch:
        if self.config.views:
            step %= self.config.views * self.per_epoch
        epoch, position = divmod(step, self.per_epoch)
        chosen = self._order(epoch)[position * self.size : (position + 1) * self.size]
        rng = np.random.default_rng([self.config.seed, epoch, position])
        images = augment(self.split.images[chosen], self.preset, rng)
        targets = self._targets[chosen]
        if rng.random() < self.preset.mixup:
            images, targets = mixup(images, targets, rng)
        images = with_channels(images)
        if self.teacher is not None:
            targets = self.config.distill * self._answers(images, step) + (1 - self.config.distill) * targets
        return Batch(images, targets, targets @ self._class_weights)

    def _answers(self, images: np.ndarray, step: int) -> np.ndarray:
        said = self._said[step] if step in self._said else self.teacher(images)
        if self.config.views:
            self._said[step] = said
        return said

    def _order(self, epoch: int) -> np.ndarray:
        rng = np.random.default_rng([self.config.seed, epoch])
        if self._chances is None:
            return rng.permutation(len(self.split))
        return rng.choice(len(self.split), len(self.split), p=self._chances)


def prefetched(make: Callable[[int], Made], steps: range) -> Iterator[Made]:
    """What `make` gives for `steps` in order, each made while the one before it is learnt."""
    with ThreadPoolExecutor(1) as pool:
        upcoming = None
        for step in steps:
            current = upcoming or pool.submit(make, step)
            upcoming = pool.submit(make, step + 1) if step + 1 < steps.stop else None
            yield current.result()


def with_channels(images: np.ndarray) -> np.ndarray:
    """Grey pictures (n, h, w) → (n, h, w, 1); others as they are."""
    return images[..., None] if images.ndim == 3 else images
