"""ferlite's own face detector: a network that comes with it, and runs on the same engines as the classifier.

`python -m export train-detector` makes it. For every cell of a few grids over the picture the network says whether a
face's centre is there, and where its box and five landmarks are. This module turns these values into faces.
"""

import math
from collections import OrderedDict
from functools import lru_cache
from os import PathLike

import cv2
import numpy as np
from numpy.typing import NDArray

from ferlite import cards, interpreters
from ferlite.detectors import THOROUGH, check_min_face
from ferlite.errors import ModelError, SettingError
from ferlite.images import as_image, recolor, shrink, shrunk
from ferlite.interpreters import Interpreter
from ferlite.locks import ForkSafeLock
from ferlite.types import Box, Detection, Image, Landmarks, Point

STRIDES = (8, 16, 32)
VALUES = 15  # of a cell: score, centre (2), size (2), five landmarks (10)
# What the network's values are multiplied or divided by, so that all of a cell have about the range -4…4: as int8 they
# share one step.
SCORE, SIZE, LANDMARK = 2.0, 2.0, 4.0
# Pixels the smallest wanted face has in the shrunken image: of 43 annotated faces in photos, searched from 8 % of the
# longer side on, 16 were found at 16, 27 at 20, 36 at 24, 39 at 28 and 41 at 32, of faces smaller than that 8 % too.
SMALLEST = 28
# Pixels of the longer side below which pictures are not shrunk.
LEAST = 64
# Faces larger than those it was trained on are found in a second look at half the size, or at this longer side where
# that is less: from there on there are such. Searched from 10 % on, 0.927 of average precision instead of 0.874.
OVERVIEW = 192
# Part of the smaller of two boxes that lies in the other, from which the surer one is kept: on validation, at 18 false
# boxes, 84 % of the faces are found at 0.5 to 0.8 instead of 77 % without: large faces look like several.
WITHIN = 0.7
SIZES = 8  # of pictures for which an engine is kept: one takes about a megabyte and 2 ms to make


class FerliteDetector:
    """Faces with five landmarks, frontal to profile, in a grey, shrunken copy of the image.

    `model` is the path of a weights file with its card, or the name of a bundled one; the bundled default without.
    `min_face` is the side of the smallest face to find, as a part of the image's longer side: the image is shrunk until
    such a face is 28 pixels, so time grows with 1/min_face². Without, it is 0.02, and 0.08 in a `Pipeline` on a live
    source. `score` is the least a face needs to be reported; the card's without. No image is shrunk below `least`
    pixels of its longer side. `threads` and `backend` are as for `EmotionClassifier`. Raises ModelError for a model
    that is missing, damaged or unlike its card, EngineError where no engine works, SettingError for other arguments.
    """

    def __init__(
        self,
        model: str | PathLike[str] | None = None,
        min_face: float | None = None,
        score: float | None = None,
        least: int = LEAST,
        threads: int = 1,
        backend: str = "auto",
    ) -> None:
        if score is not None and not 0 < score < 1:
            raise SettingError(f"score is {score}; it has to be above 0 and below 1")
        if not 32 <= least <= 1000:
            raise SettingError(f"least is {least}; it has to be 32 to 1000 pixels")
        if threads < 1:
            raise SettingError(f"threads is {threads}; it has to be 1 or more")
        self.min_face = None if min_face is None else check_min_face(min_face)
        self.least, self.threads = least, threads
        self.card = cards.find_detector(model)
        self.path, self.overlap = self.card.weights, self.card.overlap
        self.score = self.card.score if score is None else score
        self._step = self.card.strides[-1]
        self.backend = interpreters.choose(self.card.weights, backend, self._shape(OVERVIEW, OVERVIEW))
        self._interpreters: OrderedDict[tuple[int, int], Interpreter] = OrderedDict()
        self._lock = ForkSafeLock()  # engines mix up what several threads give them
        self._table = self._interpreter(OVERVIEW, OVERVIEW).input.table(0, 255)
        self._rows(np.zeros((OVERVIEW, OVERVIEW), np.uint8), 1.0)

    def __call__(self, image: Image, min_face: float | None = None) -> list[Detection]:
        # shrunk before the change to grey: cheaper, there are fewer pixels to convert
        small, scale = shrink(as_image(image), self._longest(min_face))
        small = recolor(small, "grey")
        rows = self._rows(small, scale)
        if (longest := max(small.shape)) > OVERVIEW:
            overview, further = shrink(small, min(OVERVIEW, longest / 2))
            rows = np.concatenate([rows, self._rows(overview, scale * further)])
        return [_detection(row) for row in distinct(rows, self.overlap).tolist()]

    def work(self, shape: tuple[int, ...], min_face: float | None = None) -> int:
        """How many pixels it goes through for an image of that shape."""
        small = shrunk(shape, self._longest(min_face))
        longest = max(small)
        sizes = [small, shrunk(small, min(OVERVIEW, longest / 2))] if longest > OVERVIEW else [small]
        return sum(math.prod(self._shape(*size)) for size in sizes)

    def _longest(self, min_face: float | None) -> float:
        return max(self.least, SMALLEST / (min_face or self.min_face or THOROUGH))

    def _shape(self, height: int, width: int) -> tuple[int, ...]:
        """The input for a picture of that size: sides are filled up to whole cells of the largest stride."""
        return (1, -(-height // self._step) * self._step, -(-width // self._step) * self._step, 1)

    def _rows(self, image: Image, scale: float) -> NDArray[np.float32]:
        """What is found in a grey image, in pixels of one `scale` times smaller: rows as of `decode`."""
        height, width = image.shape
        shape = self._shape(height, width)
        filled = np.zeros(shape[1:3], np.uint8)
        filled[:height, :width] = image
        with self._lock:
            interpreter = self._interpreter(shape[1], shape[2])
            try:
                # `take` copies, so the engine always gets a contiguous array of its own type
                values = interpreter.run(self._table.take(filled).reshape(shape))
            except Exception as error:  # the engines' own errors share no base class
                raise ModelError(
                    f"{self.card.weights}: {self.backend} cannot run it on a picture of {width}×{height}: {error}"
                ) from error
        grid = cells(shape[1], shape[2], self.card.strides)
        if values.shape != (1, len(grid), VALUES):
            raise ModelError(
                f"{self.card.weights}: gives {values.shape} for {shape[2]}×{shape[1]} pixels; of strides "
                f"{self.card.strides}, which its card says, it has to be {(1, len(grid), VALUES)}"
            )
        rows: NDArray[np.float32] = decode(values[0], grid, self.score)
        x, y, w, h = rows[:, :4].T
        rows = rows[(x + w / 2 >= 0) & (y + h / 2 >= 0) & (x + w / 2 < width) & (y + h / 2 < height)]
        rows[:, :14] /= scale
        return rows

    def _interpreter(self, height: int, width: int) -> Interpreter:
        """The engine for pictures of that size, the last used ones kept."""
        size = (height, width)
        found = self._interpreters.pop(size, None)
        if found is None:
            found = interpreters.load(self.card.weights, self.threads, self.backend, (1, *size, 1))
        self._interpreters[size] = found
        if len(self._interpreters) > SIZES:
            self._interpreters.popitem(last=False)
        return found


@lru_cache(maxsize=2 * SIZES)
def cells(height: int, width: int, strides: tuple[int, ...] = STRIDES) -> NDArray[np.float32]:
    """x and y of the centre and the stride of every cell, (cells, 3), in the order of the network's rows."""
    parts = []
    for stride in strides:
        y, x = np.mgrid[: height // stride, : width // stride]
        parts.append(
            np.stack([(x.ravel() + 0.5) * stride, (y.ravel() + 0.5) * stride, np.full(x.size, stride)], axis=1)
        )
    return np.concatenate(parts).astype(np.float32)


def decode(values: NDArray[np.float32], grid: NDArray[np.float32], score: float) -> NDArray[np.float32]:
    """A network's values (cells, 15) and `cells` → faces, rows of x, y, w, h, five landmarks and the score, (n, 15).

    Of a cell at (cx, cy) of stride s the values are: a logit / 2; the way to the box's centre / s; twice the logarithm
    of the box's sides / s, less 1; and the ways from the cell to the landmarks in quarters of the box's sides.
    """
    kept = np.flatnonzero(values[:, 0] >= math.log(score / (1 - score)) / SCORE)
    kept = kept[np.isfinite(values[kept]).all(axis=1)]
    values, grid = np.clip(values[kept], -50, 50), grid[kept]
    centre, stride = grid[:, :2], grid[:, 2:]
    rows = np.empty((len(kept), VALUES), np.float32)
    size = stride * np.exp(np.clip(values[:, 3:5] / SIZE + 1, -2, 5))
    rows[:, :2] = centre + values[:, 1:3] * stride - size / 2
    rows[:, 2:4] = size
    points = centre[:, None] + values[:, 5:].reshape(-1, 5, 2) * size[:, None] / LANDMARK
    rows[:, 4:14] = points.reshape(-1, 10)
    rows[:, 14] = 1 / (1 + np.exp(-SCORE * values[:, 0]))
    return rows


def distinct(rows: NDArray[np.float32], overlap: float) -> NDArray[np.float32]:
    """The rows without those that share more than `overlap` of their union with a surer one; by falling score.

    Nor those that lie in a surer one, or around it: there is no face in a face.
    """
    if not len(rows):
        return rows
    kept = cv2.dnn.NMSBoxes(rows[:, :4].tolist(), rows[:, 14].tolist(), 0.0, overlap)
    rows = rows[np.asarray(kept, np.intp).reshape(-1)]
    low, high = rows[:, :2], rows[:, :2] + rows[:, 2:4]
    shared = np.minimum(high[:, None], high[None]) - np.maximum(low[:, None], low[None])
    area = rows[:, 2] * rows[:, 3]
    within = np.maximum(shared, 0).prod(axis=2) > WITHIN * np.minimum(area[:, None], area[None])
    alone = np.ones(len(rows), bool)
    for number in np.flatnonzero(np.tril(within, -1).any(axis=1)):
        alone[number] = not (within[number, :number] & alone[:number]).any()
    return rows[alone]


def _detection(row: list[float]) -> Detection:
    points = (Point(x, y) for x, y in zip(row[4:14:2], row[5:14:2], strict=True))
    return Detection(Box(*(round(v) for v in row[:4])), row[14], Landmarks(*points))
