"""Random changes to the training pictures, in NumPy and OpenCV so that every Keras backend sees the same ones.

The ranges cover how a face detector's box jitters around a face (shift, scale, rotation, shear), cheap cameras and
rooms (contrast, brightness) and things in front of faces (cutout, DeVries & Taylor 2017).
"""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True, slots=True)
class Preset:
    """Largest changes, each drawn evenly from both directions; the last two are shares of pictures and of batches."""

    mirror: bool = False
    rotation: float = 0.0  # degrees
    scale: float = 0.0
    shift: float = 0.0  # of the picture's side
    shear: float = 0.0
    contrast: float = 0.0
    brightness: float = 0.0  # grey levels
    cutout: float = 0.0  # share of the pictures with a hole
    mixup: float = 0.0  # share of the batches that are blended


PRESETS = {
    "none": Preset(),
    # what most FER-2013 projects give to Keras' ImageDataGenerator
    "classic": Preset(mirror=True, rotation=15.0, scale=0.15, shift=0.15, shear=0.15),
    # for small networks and short trainings, which have learnt too little under the strong one
    "light": Preset(mirror=True, rotation=10.0, scale=0.1, shift=0.06, contrast=0.2, brightness=15.0, cutout=0.3),
    "strong": Preset(
        mirror=True,
        rotation=18.0,
        scale=0.15,
        shift=0.08,
        shear=0.1,
        contrast=0.25,
        brightness=25.0,
        cutout=0.5,
        mixup=0.5,
    ),
}
HOLE = 0.33  # largest side of a hole, of the picture's side
MIXUP_ALPHA = 0.4


def augment(images: np.ndarray, preset: Preset, rng: np.random.Generator) -> np.ndarray:
    """Pictures (n, h, w[, 3]) uint8 → randomly changed copies of the same shape, float32 in 0…255."""
    if preset == Preset():
        return images.astype(np.float32)
    n, height, width = images.shape[:3]
    out = np.empty(images.shape, np.float32)
    matrices = _affine(n, height, width, preset, rng)
    contrast = rng.uniform(1 - preset.contrast, 1 + preset.contrast, n)
    brightness = rng.uniform(-preset.brightness, preset.brightness, n)
    for image, matrix, a, b, target in zip(images, matrices, contrast, brightness, out, strict=True):
        warped = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        np.clip((warped - 128.0) * a + 128.0 + b, 0, 255, out=target)
        if rng.random() < preset.cutout:
            _cut_out(target, rng)
    return out


def mixup(
    images: np.ndarray, targets: np.ndarray, rng: np.random.Generator, alpha: float = MIXUP_ALPHA
) -> tuple[np.ndarray, np.ndarray]:
    """Blend every picture (n, …) float32 and its target (n, classes) with another one (Zhang et al., 2018)."""
    share = np.float32(rng.beta(alpha, alpha))
    other = rng.permutation(len(images))
    return share * images + (1 - share) * images[other], share * targets + (1 - share) * targets[other]


def _affine(n: int, height: int, width: int, preset: Preset, rng: np.random.Generator) -> np.ndarray:
    """(n, 2, 3) matrices about the picture's centre; half of them mirror it where the preset does."""
    angle = np.deg2rad(rng.uniform(-preset.rotation, preset.rotation, n))
    scale = rng.uniform(1 - preset.scale, 1 + preset.scale, n)
    shear = rng.uniform(-preset.shear, preset.shear, n)
    mirror = np.where(rng.random(n) < 0.5, -1.0, 1.0) if preset.mirror else np.ones(n)
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    shift = rng.uniform(-preset.shift, preset.shift, (n, 2)) * (width, height)
    cos, sin = np.cos(angle), np.sin(angle)
    linear = np.empty((n, 2, 2))
    linear[:, 0, 0] = scale * cos * mirror
    linear[:, 0, 1] = scale * (shear * cos - sin)
    linear[:, 1, 0] = scale * sin * mirror
    linear[:, 1, 1] = scale * (shear * sin + cos)
    offset = centre + shift - linear @ centre
    return np.concatenate([linear, offset[:, :, None]], axis=2)


def _cut_out(image: np.ndarray, rng: np.random.Generator) -> None:
    height, width = image.shape[:2]
    h, w = rng.integers(4, np.array([height, width]) * HOLE, endpoint=True)
    top, left = rng.integers(0, height - h, endpoint=True), rng.integers(0, width - w, endpoint=True)
    image[top : top + h, left : left + w] = rng.uniform(0, 255)
