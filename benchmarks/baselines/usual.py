"""The loop of most tutorials: OpenCV's Haar cascade on the full grey frame, then Keras' `predict` for every face."""

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.baselines.networks import deep
from benchmarks.baselines.worker import Boxes, Step


def make() -> Step:
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    model = deep()

    def step(frame: NDArray[np.uint8]) -> Boxes:
        grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        boxes = cascade.detectMultiScale(grey, scaleFactor=1.32, minNeighbors=5)
        for x, y, w, h in boxes:
            face = cv2.resize(grey[y : y + h, x : x + w], (48, 48)).astype(np.float32) / 255
            np.argmax(model.predict(face[None, :, :, None], verbose=0)[0])
        return [(x, y, w, h) for x, y, w, h in boxes]

    return step
