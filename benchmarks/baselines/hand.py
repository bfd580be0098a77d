"""The best loop that one writes by hand: YuNet on a 320 pixels wide copy of the frame, a small network in LiteRT."""

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from benchmarks.baselines.worker import Boxes, Step

WIDTH = 320


def make(detector: str, network: str) -> Step:
    yunet = cv2.FaceDetectorYN.create(detector, "", (WIDTH, WIDTH), 0.7)
    interpreter = Interpreter(model_path=network, num_threads=1)
    interpreter.allocate_tensors()
    into, out = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def step(frame: NDArray[np.uint8]) -> Boxes:
        height, width = frame.shape[:2]
        scale = width / WIDTH
        small = cv2.resize(frame, (WIDTH, round(height / scale)))
        yunet.setInputSize((small.shape[1], small.shape[0]))
        _, faces = yunet.detect(small)
        boxes: Boxes = []
        for face in faces if faces is not None else ():
            x, y, w, h = (int(value * scale) for value in face[:4])
            crop = frame[max(0, y) : y + h, max(0, x) : x + w]
            if crop.size:
                grey = cv2.resize(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), (48, 48)).astype(np.float32) / 255
                interpreter.set_tensor(into, grey[None, :, :, None])
                interpreter.invoke()
                np.argmax(interpreter.get_tensor(out)[0])
                boxes.append((x, y, w, h))
        return boxes

    return step
