"""A camera that needs no camera: a portrait that moves, at 30 pictures a second.

The portrait is the sample picture that comes inside matplotlib: Grace Hopper, an official photograph of the United
States Navy in the public domain.
"""

import math
from collections.abc import Generator
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from ferlite.capture.live import LiveSource
from ferlite.capture.replay import PacedReader
from ferlite.errors import SourceError
from ferlite.images import read_image
from ferlite.types import Frame, Image

FPS = 30.0
DEBIAN = Path("/usr/share/matplotlib/mpl-data")  # where Debian's own matplotlib has its data
SIZE = (640, 480)  # width, height: what most USB cameras give by default


def portrait() -> Image:
    """The sample portrait, BGR. Raises SourceError where matplotlib is not installed."""
    spec = find_spec("matplotlib")
    if spec is None or not spec.submodule_search_locations:
        raise SourceError("the demo's portrait comes with matplotlib: pip install matplotlib")
    inside = Path(spec.submodule_search_locations[0], "mpl-data")
    return read_image((inside if inside.exists() else DEBIAN) / "sample_data" / "grace_hopper.jpg")


def moving_picture(picture: Image, seconds: float) -> Image:
    """What the camera sees at a time: the picture on grey, (480, 640, 3), swaying, tilting and coming nearer."""
    width, height = SIZE
    centre = (picture.shape[1] / 2, picture.shape[0] / 2)
    zoom = 0.85 * height / picture.shape[0] * (1.1 + 0.3 * math.sin(seconds * 0.9))
    matrix = cv2.getRotationMatrix2D(centre, 8 * math.sin(seconds * 1.3), zoom)
    matrix[:, 2] += np.array([width, height]) / 2 - centre
    matrix[:, 2] += np.array([120 * math.sin(seconds * 0.7), 30 * math.sin(seconds * 1.7)])
    return cv2.warpAffine(picture, matrix, SIZE, flags=cv2.INTER_AREA, borderValue=(96, 96, 96))


def synthetic_camera(seconds: float) -> LiveSource:
    """The moving portrait as a live source that ends after some seconds."""
    return LiveSource(PacedReader(_frames(portrait(), max(1, round(seconds * FPS)))), "synthetic camera", FPS)


def _frames(picture: Image, count: int) -> Generator[Frame, None, None]:
    for number in range(count):
        yield Frame(number, number / FPS, moving_picture(picture, number / FPS))
