"""What the suites share: `python -m pytest benchmarks/suites`; with `--benchmark-disable` everything runs just once."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from ferlite import ModelError, YuNetDetector, cards, detectors, downloads, synthetic
from ferlite.interpreters.registry import ENGINES
from ferlite.types import Detector, Frame

SIZES = ((320, 240), (640, 480), (1280, 720), (1920, 1080))
FACES = (0, 1, 3, 7)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    cv2.setNumThreads(1)


@pytest.fixture(params=detectors.NAMES)
def detector(request: pytest.FixtureRequest) -> Detector:
    """Each detector at the setting for live sources; YuNet's file is the pulled one, or FERLITE_YUNET."""
    if request.param != "yunet":
        return detectors.create(request.param, min_face=detectors.QUICK)
    try:
        return YuNetDetector(os.environ.get("FERLITE_YUNET") or downloads.path("yunet"), detectors.QUICK)
    except ModelError as error:
        pytest.skip(str(error))


def frames(count: int, faces: int = 1, size: tuple[int, int] = (640, 480)) -> list[Frame]:
    """Drawn frames, 30 a second."""
    return [Frame(number, number / 30, synthetic.scene(number / 30, faces, size)) for number in range(count)]


def networks() -> list[tuple[Path, str]]:
    """All networks in models/, those that `export convert` made too, with each engine that is installed for them."""
    return [
        (weights, engine.name)
        for weights in cards.bundled_models()
        for engine in ENGINES.values()
        if engine.suffix == weights.suffix and engine.location is not None
    ]


def crops(count: int) -> np.ndarray:
    """Drawn faces, grey (count, 48, 48)."""
    drawn = synthetic.face("happy", (150, 180, 225), (30, 40, 60))
    small = cv2.resize(cv2.cvtColor(drawn, cv2.COLOR_BGR2GRAY), (48, 48), interpolation=cv2.INTER_AREA)
    return np.stack([small] * count)
