import shutil
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from ferlite import detectors
from ferlite.detectors import haar
from ferlite.detectors.haar import HaarDetector
from ferlite.errors import ImageError, ModelError, SettingError


def centre(box):
    return box.x + box.w / 2, box.y + box.h / 2


def test_finds_the_one_face(portrait):
    (found,) = HaarDetector()(portrait)
    x, y = centre(found.box)
    assert 200 < x < 340  # where it is in the 512×600 portrait
    assert 80 < y < 220
    assert 0.5 <= found.score < 1


@pytest.mark.parametrize("scale", [0.25, 0.5, 2, 5])
def test_boxes_are_in_pixels_of_the_given_image(portrait, scale):
    detector = HaarDetector(min_face=0.1)
    expected = detector(portrait)[0].box
    found = detector(cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))[0].box
    assert np.allclose(np.array(found) / scale, expected, atol=0.15 * expected.w)


def test_grey_and_colour_give_the_same(portrait):
    grey = cv2.cvtColor(portrait, cv2.COLOR_BGR2GRAY)
    assert HaarDetector()(grey)[0].box == HaarDetector()(portrait)[0].box


def test_min_face_leaves_small_faces_out(portrait):
    small = np.full((1000, 1000, 3), 96, np.uint8)
    face = cv2.resize(portrait, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    small[100 : 100 + face.shape[0], 100 : 100 + face.shape[1]] = face
    assert len(HaarDetector(min_face=0.03)(small)) == 1
    assert HaarDetector(min_face=0.5)(small) == []


@pytest.mark.parametrize("array", [np.zeros((40, 40)), np.zeros((0, 5), np.uint8), np.zeros(9, np.uint8), "photo.jpg"])
def test_what_is_no_image_is_said(array):
    with pytest.raises(ImageError):
        HaarDetector()(array)


@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3), (2, 500), (500, 3, 3), (19, 19), (1, 30000)])
def test_tiny_and_thin_images_hold_no_face(shape):
    assert HaarDetector()(np.full(shape, 128, np.uint8)) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"min_face": 0}, "min_face is 0"),
        ({"min_face": 1.5}, "min_face is 1.5"),
        ({"min_face": float("nan")}, "min_face is nan"),
        ({"scale_factor": 1}, "scale_factor is 1"),
        ({"min_neighbors": 0}, "min_neighbors is 0"),
    ],
)
def test_settings_out_of_range_are_said(settings, message):
    with pytest.raises(SettingError, match=message):
        HaarDetector(**settings)


def test_the_cascade_of_debian_is_found_where_opencv_says_nothing(monkeypatch, tmp_path, portrait):
    shutil.copy(Path(cv2.data.haarcascades if hasattr(cv2, "data") else haar.DEBIAN, haar.CASCADE), tmp_path)
    monkeypatch.delattr(cv2, "data", raising=False)
    monkeypatch.setattr(haar, "DEBIAN", tmp_path)
    assert len(HaarDetector()(portrait)) == 1
    monkeypatch.setattr(haar, "DEBIAN", tmp_path / "none")
    with pytest.raises(ModelError, match="sudo apt install opencv-data"):
        HaarDetector()


def test_an_opencv_without_the_cascade_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(cv2, "data", SimpleNamespace(haarcascades=str(tmp_path)), raising=False)
    with pytest.raises(ModelError, match=r"comes without haarcascade_frontalface_alt2\.xml.*<5"):
        HaarDetector()
    (tmp_path / haar.CASCADE).write_text("<opencv_storage/>")
    with pytest.raises(ModelError, match="cannot load it"):
        HaarDetector()


def test_unknown_detector_lists_the_known():
    with pytest.raises(SettingError, match="unknown detector 'eyes'; there are: ferlite, haar"):
        detectors.create("eyes")
