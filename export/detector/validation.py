"""The figures by which training chooses its best epoch, from the network itself on the validation pictures."""

from collections.abc import Sequence

import cv2
import keras
import numpy as np

from export.datasets.faces.types import FacePicture
from export.detector.metrics import Found, Known, curve
from export.detector.scenes import pyramid
from ferlite.detectors.ferlite import cells, decode, distinct

SIDE = 256  # pixels of the square all pictures are shrunk to fit in
LEAST = 16.0  # pixels of the smallest face that counts there: 20 where the picture is 320 wide
SCORE, SHARED = 0.02, 0.4
BATCH = 32


def measure(model: keras.Model, pictures: Sequence[FacePicture]) -> dict[str, float]:
    """Average precision, and the recall at one false box in ten pictures."""
    return figures(pictures, values_of(model, pictures))


def values_of(model: keras.Model, pictures: Sequence[FacePicture]) -> np.ndarray:
    """A network's values (n, cells, 15) for the pictures `letterboxed`."""
    chunks = (letterboxed(pictures[start : start + BATCH]) for start in range(0, len(pictures), BATCH))
    return np.concatenate([np.asarray(model.predict_on_batch(chunk)) for chunk in chunks])


def figures(pictures: Sequence[FacePicture], values: np.ndarray) -> dict[str, float]:
    """The same from a network's values (n, cells, 15) for the pictures `letterboxed`."""
    grid = cells(SIDE, SIDE)
    known = [scaled(picture, scale_of(picture)) for picture in pictures]
    result = curve(known, [as_found(distinct(decode(one, grid, SCORE), SHARED)) for one in values])
    return {
        "average_precision": result.average_precision,
        "recall": result.recall_at(len(pictures) // 10),
    }


def letterboxed(pictures: Sequence[FacePicture]) -> np.ndarray:
    """Pictures at the top left of black squares, shrunk (or enlarged) to fit, (n, 256, 256, 1) float32."""
    images = np.zeros((len(pictures), SIDE, SIDE, 1), np.float32)
    for image, picture in zip(images, pictures, strict=True):
        whole = pyramid(picture.path)[0]
        scale = SIDE / max(whole.shape)
        size = tuple(max(1, min(SIDE, round(side * scale))) for side in whole.shape)
        small = cv2.resize(whole, size[::-1], interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        image[: size[0], : size[1], 0] = small
    return images


def scale_of(picture: FacePicture) -> float:
    """By what a picture is scaled to be `letterboxed`."""
    return SIDE / max(pyramid(picture.path)[0].shape)


def scaled(picture: FacePicture, scale: float, least: float = LEAST) -> Known:
    """A picture's faces in the picture scaled; those below `least` pixels of width count neither way."""
    boxes = picture.boxes * np.float32(scale)
    return Known(boxes, picture.landmarks * np.float32(scale), picture.ignored | (boxes[:, 2] < least))


def as_found(rows: np.ndarray) -> Found:
    """Rows of `ferlite.detectors.ferlite.decode`."""
    return Found(rows[:, :4], rows[:, 14], rows[:, 4:14].reshape(-1, 5, 2))
