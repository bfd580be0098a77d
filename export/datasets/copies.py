"""Copies of pictures in a data set: identical ones, and across the splits those that nearly are.

Copies that were scaled, cropped, mirrored or marked by their publisher differ in every pixel. They are found in two
steps: descriptors of oriented gradients (Dalal & Triggs, *Histograms of Oriented Gradients for Human Detection*, CVPR
2005) say which pictures may be copies; of these, one is moved, turned and scaled to fit the other (Evangelidis &
Psarakis, *Parametric Image Alignment Using Enhanced Correlation Coefficient Maximization*, PAMI 2008), and what counts
is the correlation they have then.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import cv2
import numpy as np
from tqdm import tqdm

from export.datasets.types import SPLITS, Dataset, SplitName
from export.errors import DatasetError

CANDIDATE = 0.65  # correlation of two descriptors from which on two pictures are looked at closely
NEARLY = 0.97  # correlation of two aligned pictures from which on one is a copy of the other
SIDE = 48  # pixels of the grey pictures that are compared
_BLOCK = 256  # pictures compared with all others at once
_ALIGNMENT = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)

Place = tuple[SplitName, int]


class NearCopy(NamedTuple):
    """A picture of the validation or test split that nearly repeats the `original` of another split."""

    place: Place
    original: Place
    mirrored: bool
    correlation: float  # once aligned


def identical(dataset: Dataset) -> list[list[Place]]:
    """Groups of two and more pictures that are the same in every pixel, in the order of the data."""
    groups: dict[bytes, list[Place]] = defaultdict(list)
    for split in SPLITS:
        for number, image in enumerate(dataset.split(split).images):
            groups[hashlib.blake2b(image.tobytes(), digest_size=16).digest()].append((split, number))
    return [group for group in groups.values() if len(group) > 1]


def nearly(dataset: Dataset, ignored: Mapping[SplitName, np.ndarray]) -> list[NearCopy]:
    """Near copies across the splits, identical ones apart; `ignored` (n,) bool are pictures not to compare.

    Raises DatasetError where OpenCV is of version 5, which lacks the descriptors. Of FER-2013, 7,178 pictures are
    compared with the 35,887 in half a minute on one core.
    """
    if not len(dataset.validation) + len(dataset.test):
        return []
    described = {}
    for split in SPLITS:
        images = tqdm(dataset.split(split).images, f"describing {split}", unit="picture", disable=None, leave=False)
        described[split] = _described(images)
    # what all faces have in common says nothing
    common = described["training"].mean(0) if len(dataset.training) else np.float32(0)
    for split in SPLITS:
        described[split] = _unit(described[split] - common)
        described[split][ignored[split]] = 0
    found: dict[tuple[Place, Place], NearCopy] = {}
    for split, others in (("validation", ["training"]), ("test", ["training", "validation"])):
        images = dataset.split(split).images
        mirror_images = _unit(_described(np.flip(image, 1) for image in images) - common)
        mirror_images[ignored[split]] = 0
        for other in others:
            for mirrored, descriptors in ((False, described[split]), (True, mirror_images)):
                for number, at in _candidates(descriptors, described[other], f"{split} in {other}"):
                    image, original = images[number], dataset.split(other).images[at]
                    if np.array_equal(image, original):
                        continue
                    correlation = _correlation(_small(original), _small(np.flip(image, 1) if mirrored else image))
                    key = ((split, number), (other, at))
                    if correlation >= NEARLY and (key not in found or found[key].correlation < correlation):
                        found[key] = NearCopy(*key, mirrored, correlation)
    return sorted(found.values())


def grey(image: np.ndarray) -> np.ndarray:
    """A picture (h, w) grey or (h, w, 3) RGB → (h, w) uint8, in one piece of memory."""
    image = np.ascontiguousarray(image)
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.ndim == 3 else image


def _candidates(descriptors: np.ndarray, others: np.ndarray, what: str) -> Iterator[tuple[int, int]]:
    starts = range(0, len(descriptors) if len(others) else 0, _BLOCK)
    for start in tqdm(starts, what, unit="block", disable=None, leave=False):
        similar = np.argwhere(descriptors[start : start + _BLOCK] @ others.T >= CANDIDATE)
        yield from ((start + number, at) for number, at in similar.tolist())


def _described(images) -> np.ndarray:
    """Descriptors (n, 324) float32 of unit length, one a picture."""
    hog = _descriptor()
    rows = [hog.compute(_small(image)).ravel() for image in images]
    return _unit(np.array(rows, np.float32).reshape(len(rows), -1 if rows else hog.getDescriptorSize()))


def _descriptor() -> cv2.HOGDescriptor:
    if not hasattr(cv2, "HOGDescriptor"):
        raise DatasetError(
            f"OpenCV {cv2.__version__} has none of the descriptors that near copies are found by; install one "
            "that has: pip install 'opencv-python<5'"
        )
    return cv2.HOGDescriptor((SIDE, SIDE), (SIDE, SIDE), (SIDE, SIDE), (8, 8), 9)


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)


def _small(image: np.ndarray) -> np.ndarray:
    """Grey (48, 48) uint8."""
    small = grey(image)
    return small if small.shape == (SIDE, SIDE) else cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    """-1…1, after the second picture was aligned with the first; 0 where that fails."""
    start = np.eye(2, 3, dtype=np.float32)
    try:
        return cv2.findTransformECC(first, second, start, cv2.MOTION_AFFINE, _ALIGNMENT, None, 3)[0]
    except cv2.error:  # no alignment was found
        return 0.0
