"""The Haar cascade that comes with OpenCV (Viola & Jones 2001, Lienhart & Maydt 2002): frontal faces, no download."""

import math
from pathlib import Path

import cv2

from ferlite.detectors import THOROUGH, check_min_face
from ferlite.errors import ModelError, SettingError
from ferlite.images import as_image, recolor, shrink, shrunk
from ferlite.locks import ForkSafeLock
from ferlite.types import Box, Detection, Image

# Of OpenCV's three frontal cascades, alt2 finds nearly as many faces as the default one (74 % against 75 %) with far
# fewer false boxes (3 against 14 on 150 pictures without faces): benchmarks/haar_settings.py, scale 1.2, neighbours 3.
CASCADE = "haarcascade_frontalface_alt2.xml"
DEBIAN = Path("/usr/share/opencv4/haarcascades")  # Debian's OpenCV has no module cv2.data that would say so
WINDOW = 20  # pixels: the cascade's own, the smallest it looks at
# Pixels the smallest wanted face has in the shrunken image. At the window's own size too few of the overlapping windows
# answer: on webcam frames with faces of 0.083 to 0.1 of the width, min_face 0.08 found 27 % at 24 and all at 28.
SMALLEST = 28


class HaarDetector:
    """Frontal, upright faces in a grey, shrunken copy of the image.

    `min_face` is the side of the smallest face to find, as a part of the image's longer side: the image is shrunk until
    such a face is 28 pixels, so time grows with 1/min_face². Without, it is 0.02, and 0.08 in a `Pipeline` on a live
    source. `scale_factor` and `min_neighbors` are those of
    `cv2.CascadeClassifier.detectMultiScale`. The score of a face seen by n of the cascade's overlapping windows is
    n / (n + min_neighbors): 0.5 for one just accepted.
    """

    def __init__(self, min_face: float | None = None, scale_factor: float = 1.2, min_neighbors: int = 3) -> None:
        if not 1 < scale_factor < 10:
            raise SettingError(f"scale_factor is {scale_factor}; it has to be above 1 and below 10")
        if min_neighbors < 1:
            raise SettingError(f"min_neighbors is {min_neighbors}; it has to be 1 or more")
        self.min_face = None if min_face is None else check_min_face(min_face)
        self.scale_factor, self.min_neighbors = scale_factor, min_neighbors
        self._lock = ForkSafeLock()  # OpenCV's detectors hold what they are working on
        folder = Path(getattr(getattr(cv2, "data", None), "haarcascades", None) or DEBIAN)
        path = folder / CASCADE
        if not path.exists() or not hasattr(cv2, "CascadeClassifier"):
            raise ModelError(
                f"OpenCV {cv2.__version__} comes without {CASCADE}; take another detector, or install a wheel that has "
                "it, pip install 'opencv-python>=4.12,<5', or, for Debian's own OpenCV, sudo apt install opencv-data"
            )
        try:
            self._cascade = cv2.CascadeClassifier(str(path))
            damaged = self._cascade.empty()
        except (cv2.error, SystemError):  # depending on where the damage is
            damaged = True
        if damaged:
            raise ModelError(f"{path}: OpenCV cannot load it; reinstall opencv-python")

    def __call__(self, image: Image, min_face: float | None = None) -> list[Detection]:
        # shrunk before the change to grey: cheaper, there are fewer pixels to convert
        small, scale = shrink(as_image(image), self._longest(min_face))
        with self._lock:
            boxes, neighbors = self._cascade.detectMultiScale2(
                recolor(small, "grey"), self.scale_factor, self.min_neighbors, minSize=(WINDOW, WINDOW)
            )
        return [
            Detection(Box(*(round(float(v) / scale) for v in box)), float(n) / (float(n) + self.min_neighbors))
            for box, n in zip(boxes, neighbors, strict=True)
        ]

    def work(self, shape: tuple[int, ...], min_face: float | None = None) -> int:
        """How many pixels it goes through for an image of that shape."""
        return math.prod(shrunk(shape, self._longest(min_face)))

    def _longest(self, min_face: float | None) -> float:
        return SMALLEST / (min_face or self.min_face or THOROUGH)
