import itertools
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ferlite import SourceError, demo
from ferlite.detectors import QUICK
from ferlite.detectors.haar import HaarDetector


def test_the_camera_keeps_its_pace():
    with demo.synthetic_camera(1.0) as camera:
        times = [frame.timestamp for frame in camera]
    assert len(times) + camera.dropped == 30
    assert times[-1] - times[0] > 0.9


def test_the_picture_moves_and_holds_one_face():
    picture = demo.portrait()
    detector = HaarDetector(QUICK)
    frames = [demo.moving_picture(picture, seconds) for seconds in np.arange(0, 10, 0.5)]
    assert all(frame.shape == (480, 640, 3) for frame in frames)
    assert all(not np.array_equal(a, b) for a, b in itertools.pairwise(frames))
    assert sum(len(detector(frame)) == 1 for frame in frames) >= 19


def test_debians_own_matplotlib_has_the_portrait_elsewhere(monkeypatch, tmp_path):
    folder = Path(demo.find_spec("matplotlib").submodule_search_locations[0])
    if (folder / "mpl-data").exists():  # else it is the one meant
        monkeypatch.setattr(demo, "DEBIAN", folder / "mpl-data")
    monkeypatch.setattr(demo, "find_spec", lambda _: SimpleNamespace(submodule_search_locations=[tmp_path]))
    assert demo.portrait().shape == (600, 512, 3)


def test_without_matplotlib_the_remedy_is_said(monkeypatch):
    monkeypatch.setattr("ferlite.demo.find_spec", lambda _: None)
    with pytest.raises(SourceError, match="pip install matplotlib"):
        demo.portrait()


def test_closing_ends_the_camera_at_once():
    camera = demo.synthetic_camera(60)
    next(iter(camera))
    began = time.monotonic()
    camera.close()
    assert time.monotonic() - began < 1
