"""The detectors by frame size, searching the whole picture and looking near one face."""

import pytest

from benchmarks.suites.conftest import SIZES, frames
from ferlite.tracking import LOOK


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_search(benchmark, detector, size):
    (frame,) = frames(1, size=size)
    assert len(benchmark(detector, frame.image)) == 1


def test_look(benchmark, detector):
    (frame,) = frames(1)
    ((x, y, w, h), *_), *_ = detector(frame.image)
    region = frame.image[max(0, y - h // 2) : y + 3 * h // 2, max(0, x - w // 2) : x + 3 * w // 2]
    assert len(benchmark(detector, region, LOOK)) == 1
