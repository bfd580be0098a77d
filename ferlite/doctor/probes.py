"""What is tried in a process of its own, `python -m ferlite.doctor.probes NAME`: importing it may fail, crash or hang.

The last line of standard output is the answer, a JSON object. Of a probe that fails it has `error` and, where the
loader says so, `file`: the extension module that it could not load.
"""

import json
import re
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from ferlite.errors import FerliteError, first_cause, origin

CALLS = 20  # of the network, for its median time


def numpy() -> dict[str, Any]:
    import numpy as np

    np.ones((4, 4), np.float32) @ np.ones((4, 4), np.float32)  # the part that is built for a processor
    return {"version": np.__version__, "location": np.__file__}


def opencv() -> dict[str, Any]:
    """Version, place, the library of its windows (NONE without), and what keeps the Haar detector from working."""
    import cv2

    gui = re.search(r"^ *GUI: *(\w+)", cv2.getBuildInformation(), re.M)
    try:
        from ferlite.detectors.haar import HaarDetector

        HaarDetector()
        haar = None
    except FerliteError as error:
        haar = str(error)
    return {
        "version": cv2.__version__,
        "location": cv2.__file__,
        "gui": "NONE" if gui is None else gui[1],
        "haar": haar,
    }


def window() -> dict[str, Any]:
    import cv2

    cv2.namedWindow("ferlite doctor")
    return {}


def yunet() -> dict[str, Any]:
    import numpy as np

    from ferlite.detectors.yunet import YuNetDetector

    YuNetDetector()(np.zeros((120, 160, 3), np.uint8))
    return {}


def finding(backend: str) -> dict[str, Any]:
    """The bundled detector on noise of a small camera's size, as in live pictures: the median time, in milliseconds."""
    import numpy as np

    from ferlite.detectors import QUICK
    from ferlite.detectors.ferlite import FerliteDetector

    detector = FerliteDetector(min_face=QUICK, backend=backend)
    picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    return {"size": "640×480", "backend": backend, "ms": _median_ms(lambda: detector(picture))}


def reading(backend: str) -> dict[str, Any]:
    """The bundled model on noise of its own size: the median time a face takes, in milliseconds."""
    import numpy as np

    from ferlite.classifier import EmotionClassifier

    classifier = EmotionClassifier(backend=backend)
    card = classifier.card
    face = np.random.default_rng(0).integers(0, 256, (1, card.height, card.width), np.uint8)
    return {"model": card.weights.name, "backend": backend, "ms": _median_ms(lambda: classifier.predict(face))}


def _median_ms(call: Callable[[], object]) -> float:
    times = []
    for _ in range(CALLS):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return round(statistics.median(times) * 1000, 2)


def picamera() -> dict[str, Any]:
    from picamera2 import Picamera2

    return {"cameras": [str(camera.get("Model", "?")) for camera in Picamera2.global_camera_info()]}


PROBES = {probe.__name__: probe for probe in (numpy, opencv, window, yunet, finding, reading, picamera)}


def main() -> int:
    name, *arguments = sys.argv[1:]
    try:
        answer, code = PROBES[name](*arguments), 0
    except Exception as error:
        answer, code = {"error": first_cause(error), "file": getattr(origin(error), "path", None)}, 1
    print(f"\n{json.dumps(answer)}", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
