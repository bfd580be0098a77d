"""YuNet (Wu, Peng, Yu 2023), a small face detector of OpenCV's model zoo: landmarks, tilted and turned heads.

The file, face_detection_yunet_2023mar.onnx, is not part of ferlite: `ferlite models pull yunet` fetches it, or give the
path of the one you have.
"""

import math
import sys
from os import PathLike
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ferlite import downloads
from ferlite.cards import content, sha256
from ferlite.detectors import THOROUGH, check_min_face
from ferlite.errors import EngineError, ModelError, SettingError
from ferlite.images import as_image, recolor, shrink, shrunk
from ferlite.interpreters import trial
from ferlite.interpreters.registry import Engine
from ferlite.locks import ForkSafeLock
from ferlite.types import Box, Detection, Image, Landmarks, Point

# Pixels the smallest wanted face has in the shrunken image: of 43 annotated faces in photos 40 were found at 12, 42 at
# 16, all at 20; `python -m benchmarks.detectors --sweep`.
SMALLEST = 16
# Pixels of the longer side below which pictures are not shrunk. In 64 it finds only part of what it finds in 96, of
# blurred faces above all, in 60 % of the time; on clips of sharp faces both lose none.
LEAST = 96
# A face of more than about 300 pixels is larger than those it was trained on, and missed: large images are looked at a
# second time at this longer side.
OVERVIEW = 320
OVERLAP = 0.3  # two boxes that share more of their union than this are one face: the value of OpenCV's model zoo
MOST = 200  # faces a picture can have
OLDEST = (4, 9)  # OpenCV
LARGEST = 16 << 20  # bytes of a file; YuNet's own has 232,589

OPENCV = Engine(
    name="opencv",
    title="OpenCV",
    suffix=".onnx",
    driver="",
    runtime="cv2",
    distribution="opencv-python",
    install="pip install opencv-python",
    trial="ferlite.detectors.yunet",
)


class YuNetDetector:
    """Faces with five landmarks, from frontal to profile.

    `model` is the path of the ONNX file; without it the one that `ferlite models pull yunet` brought. `min_face` is the
    side of the smallest face to find, as a part of the image's longer side: the image is shrunk until such a face is 16
    pixels, so time grows with 1/min_face². Without, it is 0.02, and 0.08 in a `Pipeline` on a live source. No image is
    shrunk below `least` pixels of its longer side; that matters near known faces, where 64 is faster and 96 sees more.
    `score` is the least a face needs to be reported. A file other than the one `pull` fetches is tried in a process of
    its own first, once, for damaged ones can crash OpenCV. Raises ModelError for a file that is missing or damaged,
    EngineError for an OpenCV that is too old.
    """

    def __init__(
        self,
        model: str | PathLike[str] | None = None,
        min_face: float | None = None,
        score: float = 0.7,
        least: int = LEAST,
    ) -> None:
        if not 0 < score < 1:
            raise SettingError(f"score is {score}; it has to be above 0 and below 1")
        if not 32 <= least <= 1000:
            raise SettingError(f"least is {least}; it has to be 32 to 1000 pixels")
        self.min_face = None if min_face is None else check_min_face(min_face)
        if tuple(map(int, cv2.__version__.split(".")[:2])) < OLDEST:  # it takes nothing but paths
            raise EngineError(f"OpenCV {cv2.__version__} is too old for YuNet, which needs 4.9 or newer")
        self.score, self.least = score, least
        path = downloads.path("yunet") if model is None else Path(model)
        self.path = path
        if model is not None:
            _try_out(path)
        self._network = _load(path, score)
        self._lock = ForkSafeLock()  # OpenCV's detectors hold what they are working on

    def __call__(self, image: Image, min_face: float | None = None) -> list[Detection]:
        small, scale = shrink(recolor(as_image(image), "bgr"), self._longest(min_face))
        rows = self._rows(small, scale)
        if max(small.shape) > 1.5 * OVERVIEW:
            overview, further = shrink(small, OVERVIEW)
            rows = np.concatenate([rows, self._rows(overview, scale * further)])
            rows = rows[np.asarray(cv2.dnn.NMSBoxes(rows[:, :4].tolist(), rows[:, 14].tolist(), 0.0, OVERLAP), np.intp)]
        return [_detection(row.tolist()) for row in rows]

    def work(self, shape: tuple[int, ...], min_face: float | None = None) -> int:
        """How many pixels it goes through for an image of that shape."""
        small = shrunk(shape, self._longest(min_face))
        return math.prod(small) + (math.prod(shrunk(small, OVERVIEW)) if max(small) > 1.5 * OVERVIEW else 0)

    def _longest(self, min_face: float | None) -> float:
        return max(self.least, SMALLEST / (min_face or self.min_face or THOROUGH))

    def _rows(self, image: Image, scale: float) -> NDArray[np.float32]:
        """Rows of x, y, w, h, ten coordinates of landmarks and the score, (n, 15) float32."""
        try:
            with self._lock:
                self._network.setInputSize((image.shape[1], image.shape[0]))
                rows: NDArray[np.float32] | None = self._network.detect(image)[1]  # type: ignore[assignment]
        except cv2.error as error:
            raise ModelError(
                f"{self.path}: fails on a picture of {image.shape[1]}×{image.shape[0]}: {error}"
            ) from error
        if rows is None:
            return np.empty((0, 15), np.float32)
        # of pictures of a few pixels OpenCV returns memory that nobody has written: anything, NaN included
        rows = rows[(np.abs(rows) < 1e6).all(axis=1)]
        x, y, w, h = rows[:, :4].T
        height, width = image.shape[:2]
        centred = (x + w / 2 >= 0) & (y + h / 2 >= 0) & (x + w / 2 < width) & (y + h / 2 < height)
        rows = rows[centred]
        rows[:, :14] /= scale
        return rows


def _load(path: Path, score: float) -> cv2.FaceDetectorYN:
    try:
        model = np.frombuffer(content(path, LARGEST), np.uint8)
    except OSError as error:
        raise ModelError(f"{path}: the detector's file cannot be read: {error.strerror}") from error
    try:
        network = cv2.FaceDetectorYN.create(
            "onnx", model, np.empty(0, np.uint8), (OVERVIEW, OVERVIEW), score, OVERLAP, MOST
        )
        network.detect(np.zeros((OVERVIEW, OVERVIEW, 3), np.uint8))
    except (cv2.error, SystemError) as error:
        raise ModelError(
            f"{path}: OpenCV {cv2.__version__} cannot load it as YuNet; it needs face_detection_yunet_2023mar.onnx"
        ) from error
    return network


def _try_out(path: Path) -> None:
    """Raise ModelError where OpenCV does not survive the file."""
    try:
        known = sha256(path, LARGEST) == downloads.DOWNLOADS["yunet"].sha256
    except OSError:
        return  # `_load` says it
    if not known and (fault := trial.fault(OPENCV, path)):
        raise ModelError(f"{path}: {fault}; YuNet needs face_detection_yunet_2023mar.onnx")


def _detection(row: list[float]) -> Detection:
    points = (Point(x, y) for x, y in zip(row[4:14:2], row[5:14:2], strict=True))
    return Detection(Box(*(round(v) for v in row[:4])), row[14], Landmarks(*points))


def _trial() -> None:
    """`python -m ferlite.detectors.yunet opencv FILE`, for `trial.fault`."""
    network = _load(Path(sys.argv[2]), 0.5)
    network.detect(np.random.default_rng(0).integers(0, 256, (OVERVIEW, OVERVIEW, 3), np.uint8))


if __name__ == "__main__":
    trial.answer(_trial)
