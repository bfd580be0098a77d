"""Pictures of any size and colour → square ones of one size and one colour."""

import cv2
import numpy as np

from export.datasets import storage


def fit(image: np.ndarray, size: int, color: str) -> np.ndarray:
    """A picture (h, w) grey or (h, w, 3) RGB uint8 → (size, size[, 3]): its central square, resized."""
    if color == "grey" and image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    elif color == "rgb" and image.ndim == 2:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    image = image[top : top + side, left : left + side]
    if side == size:
        return image
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA if side > size else cv2.INTER_LINEAR)


def fit_all(images: np.ndarray, size: int, color: str) -> np.ndarray:
    """Pictures (n, h, w) or (n, h, w, 3) → (n, size, size[, 3]); the same array where nothing is to be done."""
    shape = (len(images), size, size) if color == "grey" else (len(images), size, size, 3)
    if images.shape == shape:
        return images
    out = storage.empty(shape)
    for target, image in zip(out, images, strict=True):
        target[...] = fit(image, size, color)
    return out
