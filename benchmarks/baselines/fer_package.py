"""The `fer` package as its own page shows it: the default detector, one call a frame."""

import numpy as np
from fer.fer import FER
from numpy.typing import NDArray

from benchmarks.baselines.worker import Boxes, Step


def make() -> Step:
    detector = FER()

    def step(frame: NDArray[np.uint8]) -> Boxes:
        return [face["box"] for face in detector.detect_emotions(frame)]

    return step
