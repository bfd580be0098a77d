"""Image → faces with emotions, in one call."""

from os import PathLike

import numpy as np
from numpy.typing import NDArray

from ferlite import detectors
from ferlite.classifier import EmotionClassifier
from ferlite.images import as_image
from ferlite.types import Detector, Face


class Recognizer:
    """A face detector and an emotion classifier.

    `model` is the path of a weights file with its card, the name of a bundled model, or an `EmotionClassifier`; the
    bundled default without. `detector` is a name out of `ferlite.detectors.NAMES` or anything that works like one.
    Not thread-safe.
    """

    def __init__(
        self,
        model: str | PathLike[str] | EmotionClassifier | None = None,
        detector: str | Detector = "haar",
        threads: int = 1,
    ) -> None:
        self.classifier = model if isinstance(model, EmotionClassifier) else EmotionClassifier(model, threads)
        self.detector = detectors.create(detector) if isinstance(detector, str) else detector

    def __call__(self, image: NDArray[np.uint8]) -> list[Face]:
        """The faces in an image BGR (h, w, 3), BGRA (h, w, 4) or grey (h, w), uint8; the largest first.

        Raises ImageError for anything else.
        """
        image = as_image(image)
        detections = sorted(self.detector(image), key=lambda found: found.box.w * found.box.h, reverse=True)
        probabilities = self.classifier.predict_boxes(image, [found.box for found in detections])
        labels = self.classifier.labels
        return [
            Face(found.box, found.score, labels[int(row.argmax())], row, labels)
            for found, row in zip(detections, probabilities, strict=True)
        ]
