"""Image → faces with emotions, in one call."""

from collections.abc import Sequence
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from ferlite import detectors
from ferlite.classifier import EmotionClassifier
from ferlite.errors import SettingError
from ferlite.images import as_image
from ferlite.types import Detection, Detector, Face


class Recognizer:
    """A face detector and an emotion classifier.

    `model` is the path of a weights file with its card, the name of a bundled model, or an `EmotionClassifier`; the
    bundled default without. `detector` is a name out of `ferlite.detectors.NAMES` or anything that works like one.
    `threads` and `backend` are the classifier's. Threads that share one take turns.

    >>> from ferlite import demo
    >>> recognizer = Recognizer()
    >>> [face.label for face in recognizer(demo.portrait())]
    ['neutral']
    """

    def __init__(
        self,
        model: str | PathLike[str] | EmotionClassifier | None = None,
        detector: str | Detector = detectors.DEFAULT,
        threads: int = 1,
        backend: str = "auto",
    ) -> None:
        self.classifier = model if isinstance(model, EmotionClassifier) else EmotionClassifier(model, threads, backend)
        self.detector = detectors.create(detector) if isinstance(detector, str) else detector
        if isinstance(detector, type) or not callable(self.detector):
            raise SettingError(
                f"detector is {detector!r}; give a name ({', '.join(detectors.NAMES)}) or a made detector"
            )

    def __call__(self, image: NDArray[np.uint8]) -> list[Face]:
        """The faces in an image BGR (h, w, 3), BGRA (h, w, 4) or grey (h, w), uint8; the largest first.

        Raises ImageError for anything else.
        """
        detections = self.detect(image)
        return as_faces(detections, self.classifier.predict_faces(as_image(image), detections), self.classifier.labels)

    def detect(self, image: NDArray[np.uint8], min_face: float | None = None) -> list[Detection]:
        """Where the faces are in such an image, without their emotions; the largest first.

        `min_face` is the smallest wanted, as a part of the image's longer side; the detector's own without.
        """
        image = as_image(image)
        found = self.detector(image) if min_face is None else self.detector(image, min_face)
        return sorted(found, key=lambda face: face.box.w * face.box.h, reverse=True)


def as_faces(
    detections: Sequence[Detection], probabilities: NDArray[np.float32], labels: tuple[str, ...]
) -> list[Face]:
    """Detections and their probabilities (n, labels) as the faces of a single image."""
    return [
        Face(found.box, found.score, labels[int(row.argmax())], row, row, labels, found.landmarks)
        for found, row in zip(detections, probabilities, strict=True)
    ]
