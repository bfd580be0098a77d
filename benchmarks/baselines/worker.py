"""A contestant's process: holds the frames in memory and times its step on those it is told to, one after the other.

Started by race.py, one JSON value a line over pipes. Imports nothing of ferlite, which most of the environments lack.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TextIO

import cv2
import numpy as np
from numpy.typing import NDArray

Boxes = list[tuple[int, int, int, int]]  # x, y, w, h of the faces, each with its emotion known
Step = Callable[[NDArray[np.uint8]], Boxes]

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}  # the second for machines that others use too
PACKAGES = ("fer", "tensorflow", "keras", "torch", "ai-edge-litert", "numpy")


def main() -> None:
    module, settings, path, clock = sys.argv[1:]
    now = CLOCKS[clock]
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # what libraries print is no answer
        cv2.setNumThreads(1)
        step: Step = import_module(f"benchmarks.baselines.{module}").make(**json.loads(settings))
        frames = np.asarray(np.load(path, mmap_mode="c"))  # all contestants share the memory
        frames.max()  # and have it mapped from here on
        _say(answers, _versions())
        for line in sys.stdin:
            first, last = json.loads(line)
            milliseconds, faces = [], []
            for frame in frames[first:last]:
                began = now()
                boxes = step(frame)
                milliseconds.append((now() - began) * 1000)
                faces.append([[int(value) for value in box] for box in boxes])
            _say(answers, [milliseconds, faces])


def _say(answers: TextIO, value: object) -> None:
    print(json.dumps(value), file=answers, flush=True)


def _versions() -> dict[str, str]:
    found = {"opencv": cv2.__version__}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    main()
