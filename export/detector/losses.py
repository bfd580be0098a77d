"""The loss of a cell's score, box and landmarks, in keras.ops."""

import keras
import numpy as np
from keras import ops

from export.detector.targets import FACE, NEITHER
from ferlite.detectors.ferlite import LANDMARK, SCORE, SIZE

BOX_WEIGHT, LANDMARK_WEIGHT = 1.5, 3.0
ROUNDED = 0.05  # of a face's side: landmarks nearer than this are pulled less, for the labels are no better


class DetectionLoss(keras.losses.Loss):
    """Targets (b, cells, 16) of `export.detector.targets` and outputs (b, cells, 15) → one number.

    The score learns how good the box is (Li et al., *Generalized Focal Loss*, NeurIPS 2020): half way from 0.5 to 1 for
    an overlap of a half. The box learns its overlap with the face's (Rezatofighi et al., *GIoU*, CVPR 2019).
    """

    def __init__(self, grid: np.ndarray, **kwargs) -> None:
        super().__init__(name="detection", reduction="sum", dtype="float32", **kwargs)
        self.x, self.y, self.stride = (np.asarray(column, np.float32)[None] for column in grid.T)

    def call(self, targets, outputs):
        state = targets[..., 0]
        face = ops.cast(state == FACE, "float32")
        faces = ops.maximum(ops.sum(face), 1.0)
        box, given = self.boxes(outputs), [targets[..., n] for n in range(1, 5)]
        # the size of what is no face would divide by zero
        given = [given[0], given[1], ops.maximum(given[2], 1.0), ops.maximum(given[3], 1.0)]
        overlap, generalised = _overlaps(box, given)
        quality = ops.stop_gradient(face * 0.5 * (1 + overlap))
        logits = SCORE * outputs[..., 0]
        counts = ops.cast(state != NEITHER, "float32")
        focus = ops.square(quality - ops.sigmoid(logits))
        score = counts * focus * (ops.softplus(logits) - quality * logits)
        landmarks = face * targets[..., 15] * self._landmark_loss(outputs, targets, box, given)
        return (
            ops.sum(score) / faces
            + BOX_WEIGHT * ops.sum(face * (1 - generalised)) / faces
            + LANDMARK_WEIGHT * ops.sum(landmarks) / faces
        )

    def boxes(self, outputs):
        """Centre x, centre y, width and height, each (b, cells), in pixels."""
        width, height = (self.stride * ops.exp(ops.clip(outputs[..., n] / SIZE + 1, -2, 5)) for n in (3, 4))
        return self.x + outputs[..., 1] * self.stride, self.y + outputs[..., 2] * self.stride, width, height

    def _landmark_loss(self, outputs, targets, box, given):
        """Mean distance of the ten coordinates in sides of the face, (b, cells)."""
        width, height = ops.stop_gradient(box[2]), ops.stop_gradient(box[3])
        total = 0.0
        for point in range(5):
            x = self.x + outputs[..., 5 + 2 * point] * width / LANDMARK
            y = self.y + outputs[..., 6 + 2 * point] * height / LANDMARK
            total = total + _rounded((x - targets[..., 5 + 2 * point]) / given[2])
            total = total + _rounded((y - targets[..., 6 + 2 * point]) / given[3])
        return total / 10


def _rounded(difference):
    distance = ops.abs(difference)
    return ops.where(distance < ROUNDED, ops.square(distance) / (2 * ROUNDED), distance - ROUNDED / 2)


def _overlaps(a, b):
    """Intersection over union of boxes by centre and size, and the generalised one (-1…1)."""

    def along(centre, other, size, other_size):
        low = ops.minimum(centre - size / 2, other - other_size / 2)
        high = ops.maximum(centre + size / 2, other + other_size / 2)
        shared_low = ops.maximum(centre - size / 2, other - other_size / 2)
        shared_high = ops.minimum(centre + size / 2, other + other_size / 2)
        return ops.maximum(shared_high - shared_low, 0.0), high - low

    shared_x, whole_x = along(a[0], b[0], a[2], b[2])
    shared_y, whole_y = along(a[1], b[1], a[3], b[3])
    shared, hull = shared_x * shared_y, whole_x * whole_y
    union = a[2] * a[3] + b[2] * b[3] - shared
    overlap = shared / union
    return overlap, overlap - (hull - union) / hull
