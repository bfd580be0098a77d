"""How good a detector is, from what it found in pictures whose faces are known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

OVERLAP = 0.5  # of a found box with a face's, from which it counts as that face
WITHIN = 0.5  # part of a found box that lies in an ignored one, from which it counts neither way


@dataclass(frozen=True, slots=True)
class Known:
    """The faces of one picture: boxes (n, 4) x, y, width, height, landmarks (n, 5, 2), NaN where unknown.

    Finding one of the `ignored` (n,) is neither right nor wrong.
    """

    boxes: np.ndarray
    landmarks: np.ndarray
    ignored: np.ndarray


@dataclass(frozen=True, slots=True)
class Found:
    """What a detector found in one picture: boxes (m, 4), scores (m,), landmarks (m, 5, 2), NaN where it gives none."""

    boxes: np.ndarray
    scores: np.ndarray
    landmarks: np.ndarray


@dataclass(frozen=True, slots=True)
class Matched:
    """For every found box the face it is (or -1), and whether it counts; by falling score."""

    order: np.ndarray
    face: np.ndarray
    counts: np.ndarray


def overlaps(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (m, 4) and (n, 4) → intersection over union, and over the area of the first, both (m, n)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    area, other = np.prod(a[:, 2:], axis=1)[:, None], np.prod(b[:, 2:], axis=1)[None]
    return shared / np.maximum(area + other - shared, 1e-9), shared / np.maximum(area, 1e-9)


def match(known: Known, found: Found, overlap: float = OVERLAP) -> Matched:
    """Every found box, the surest first, takes the face it overlaps most with among those that are left."""
    order = np.argsort(-found.scores, kind="stable")
    face, counts = np.full(len(order), -1), np.ones(len(order), bool)
    if len(known.boxes):
        union, inside = overlaps(found.boxes[order], known.boxes)
        free = ~known.ignored
        for number in range(len(order)):
            shared = np.where(free, union[number], 0)
            best = int(shared.argmax())
            if shared[best] >= overlap:
                face[number], free[best] = best, False
            else:
                near = known.ignored & ((union[number] >= overlap) | (inside[number] >= WITHIN))
                counts[number] = not near.any()
    return Matched(order, face, counts)


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision, recall and false boxes over all pictures at falling score; `faces` is how many there are to find."""

    scores: np.ndarray
    recall: np.ndarray
    precision: np.ndarray
    false: np.ndarray
    faces: int

    @property
    def average_precision(self) -> float:
        """The area under the curve of precision over recall, every precision raised to the best at its recall."""
        if not len(self.scores):
            return 0.0
        best = np.maximum.accumulate(self.precision[::-1])[::-1]
        return float(np.sum(np.diff(self.recall, prepend=0.0) * best))

    def recall_at(self, false: int) -> float:
        """The highest recall with at most so many false boxes."""
        allowed = self.recall[self.false <= false]
        return float(allowed.max()) if len(allowed) else 0.0


def curve(known: Sequence[Known], found: Sequence[Found], overlap: float = OVERLAP) -> Curve:
    """The curve of a detector over pictures."""
    scores, right = [], []
    for faces, boxes in zip(known, found, strict=True):
        matched = match(faces, boxes, overlap)
        scores.append(boxes.scores[matched.order][matched.counts])
        right.append(matched.face[matched.counts] >= 0)
    all_scores, all_right = np.concatenate(scores), np.concatenate(right)
    order = np.argsort(-all_scores, kind="stable")
    all_right = all_right[order]
    count = sum(int(np.count_nonzero(~faces.ignored)) for faces in known)
    hits, false = np.cumsum(all_right), np.cumsum(~all_right)
    return Curve(all_scores[order], hits / max(count, 1), hits / np.maximum(hits + false, 1), false, count)
