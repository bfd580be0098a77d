"""Random changes to the training pictures, in NumPy and OpenCV so that every Keras backend sees the same ones.

The ranges cover how a face detector's box jitters around a face (shift, scale, rotation, shear), cheap cameras and
rooms (contrast, brightness) and things in front of faces (cutout, DeVries & Taylor 2017).
"""

import cv2
import numpy as np

ROTATION = 18.0  # degrees, either way
SCALE = 0.15
SHIFT = 0.08  # of the picture's side
SHEAR = 0.1
CONTRAST = 0.25
BRIGHTNESS = 25.0  # grey levels
CUTOUT = 0.33  # largest side of the hole, of the picture's side
MIXUP_ALPHA = 0.4


def augment(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pictures (n, h, w) uint8 → randomly changed copies (n, h, w) float32 in 0…255."""
    n, height, width = images.shape
    out = np.empty((n, height, width), np.float32)
    matrices = _affine(n, height, width, rng)
    contrast = rng.uniform(1 - CONTRAST, 1 + CONTRAST, n)
    brightness = rng.uniform(-BRIGHTNESS, BRIGHTNESS, n)
    for image, matrix, a, b, target in zip(images, matrices, contrast, brightness, out, strict=True):
        warped = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        np.clip((warped - 128.0) * a + 128.0 + b, 0, 255, out=target)
        if rng.random() < 0.5:
            _cut_out(target, rng)
    return out


def mixup(
    images: np.ndarray, targets: np.ndarray, rng: np.random.Generator, alpha: float = MIXUP_ALPHA
) -> tuple[np.ndarray, np.ndarray]:
    """Blend every picture (n, h, w) float32 and its target (n, classes) with another one (Zhang et al., 2018)."""
    share = np.float32(rng.beta(alpha, alpha))
    other = rng.permutation(len(images))
    return share * images + (1 - share) * images[other], share * targets + (1 - share) * targets[other]


def _affine(n: int, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """(n, 2, 3) matrices about the picture's centre; half of them mirror it."""
    angle = np.deg2rad(rng.uniform(-ROTATION, ROTATION, n))
    scale = rng.uniform(1 - SCALE, 1 + SCALE, n)
    shear = rng.uniform(-SHEAR, SHEAR, n)
    mirror = np.where(rng.random(n) < 0.5, -1.0, 1.0)
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    shift = rng.uniform(-SHIFT, SHIFT, (n, 2)) * (width, height)
    cos, sin = np.cos(angle), np.sin(angle)
    linear = np.empty((n, 2, 2))
    linear[:, 0, 0] = scale * cos * mirror
    linear[:, 0, 1] = scale * (shear * cos - sin)
    linear[:, 1, 0] = scale * sin * mirror
    linear[:, 1, 1] = scale * (shear * sin + cos)
    offset = centre + shift - linear @ centre
    return np.concatenate([linear, offset[:, :, None]], axis=2)


def _cut_out(image: np.ndarray, rng: np.random.Generator) -> None:
    height, width = image.shape
    h, w = rng.integers(4, np.array([height, width]) * CUTOUT, endpoint=True)
    top, left = rng.integers(0, height - h, endpoint=True), rng.integers(0, width - w, endpoint=True)
    image[top : top + h, left : left + w] = rng.uniform(0, 255)
