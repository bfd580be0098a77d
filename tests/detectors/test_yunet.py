import contextlib
import os
import sys

import cv2
import numpy as np
import pytest

from ferlite import EngineError, ImageError, ModelError, SettingError, YuNetDetector, cache, demo, read_image
from ferlite.detectors import create
from ferlite.detectors.yunet import OLDEST

FILE = "face_detection_yunet_2023mar.onnx"
new_enough = pytest.mark.skipif(
    tuple(map(int, cv2.__version__.split(".")[:2])) < OLDEST, reason="OpenCV is too old for YuNet"
)


@pytest.fixture
def yunet(data):
    return data(f"models/{FILE}")


def test_finds_a_face_and_its_landmarks(yunet, portrait):
    (found,) = YuNetDetector(yunet)(portrait)
    x, y, w, h = found.box
    assert 0.7 < found.score <= 1
    right_eye, left_eye, nose, right_mouth, left_mouth = found.landmarks
    assert all(x < point.x < x + w and y < point.y < y + h for point in found.landmarks)
    assert right_eye.x < nose.x < left_eye.x
    assert right_eye.y < nose.y < right_mouth.y
    assert right_mouth.x < left_mouth.x


@pytest.mark.parametrize("side", [150, 500, 1200, 3000])
def test_a_face_may_fill_a_picture_of_any_size(yunet, portrait, side):
    face = cv2.resize(portrait[90:350, 150:390], (side, side))
    (found,) = YuNetDetector(yunet)(face)
    assert found.box.w > side / 2


@pytest.mark.parametrize("change", [lambda p: p[..., 1], lambda p: p[:, ::-1], lambda p: np.asfortranarray(p)])
def test_grey_mirrored_and_strided_pictures(yunet, portrait, change):
    assert len(YuNetDetector(yunet)(np.ascontiguousarray(change(portrait)))) == 1


def test_min_face_leaves_out_smaller_faces(yunet, portrait):
    scene = np.full((1200, 1600, 3), 90, np.uint8)
    small = cv2.resize(portrait, (102, 120), interpolation=cv2.INTER_AREA)  # its face is 35 pixels wide
    scene[500:620, 700:802] = small
    assert len(YuNetDetector(yunet)(scene)) == 1
    assert YuNetDetector(yunet, min_face=0.2)(scene) == []
    assert YuNetDetector(yunet)(scene, min_face=0.2) == []


def test_many_faces_in_a_photo(yunet, data):
    detector = YuNetDetector(yunet)
    assert len(detector(read_image(data("media/photos/bald_guys.jpg")))) >= 20


def test_pulled_files_are_used_and_missing_ones_are_said(yunet, monkeypatch, tmp_path, portrait):
    monkeypatch.setenv("FERLITE_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match="ferlite models pull yunet"):
        create("yunet")
    (cache.folder() / FILE).write_bytes(yunet.read_bytes())
    assert len(create("yunet")(portrait)) == 1


@new_enough
@pytest.mark.parametrize("content", [b"", b"no network" * 100])
def test_a_damaged_file_is_said(tmp_path, content):
    path = tmp_path / "damaged.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"damaged\.onnx: OpenCV .* cannot load it as YuNet"):
        YuNetDetector(path)


def test_an_opencv_that_is_too_old_is_said_whatever_the_file(monkeypatch, tmp_path):
    monkeypatch.setattr(cv2, "__version__", "4.6.0")
    (tmp_path / "any.onnx").write_bytes(b"no network")
    for model in (None, tmp_path / "any.onnx"):
        with pytest.raises(EngineError, match=r"OpenCV 4\.6\.0 is too old for YuNet, .* 4\.9"):
            YuNetDetector(model)


def test_another_network_and_a_cut_file_are_said(tmp_path, yunet, make_network):
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(yunet.read_bytes()[:100_000])
    for path in (make_network(), cut):
        with pytest.raises(ModelError, match="cannot load it as YuNet"):
            YuNetDetector(path)
    with pytest.raises(ModelError, match="cannot be read: No such file"):
        YuNetDetector(tmp_path / "none.onnx")


def test_a_file_that_crashes_opencv_does_not_take_the_program_along(tmp_path, yunet):
    """By this one bit OpenCV 4.14 dies of SIGSEGV; another one may refuse the file, or read it."""
    content = bytearray(yunet.read_bytes())
    content[5674] ^= 16
    path = tmp_path / "flipped.onnx"
    path.write_bytes(content)
    if cv2.__version__ == "4.14.0":
        with pytest.raises(ModelError, match=r"flipped\.onnx: OpenCV .* was killed by SIG.* in its trial; YuNet needs"):
            YuNetDetector(path)
    else:
        with contextlib.suppress(ModelError):
            YuNetDetector(path)


@new_enough
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_what_is_no_file_is_said_at_once(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", 1 << 40)
    for name, said in (("fifo", "Not a regular file"), ("large", "It has 1,0.* bytes"), ("", "Is a directory")):
        with pytest.raises(ModelError, match=f"the detector's file cannot be read: {said}"):
            YuNetDetector(tmp_path / name)


def test_the_known_file_needs_no_trial(tmp_path, yunet, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    monkeypatch.setattr("ferlite.interpreters.trial.fault", None)
    YuNetDetector(yunet)


@pytest.mark.parametrize("settings", [{"score": 0}, {"score": 1}, {"min_face": 0}, {"min_face": 1.1}, {"least": 8}])
def test_bad_settings_are_said(settings, tmp_path):
    (name,) = settings
    with pytest.raises(SettingError, match=f"{name} is"):
        YuNetDetector(tmp_path / "none.onnx", **settings)


def test_what_is_no_image_is_said(yunet):
    with pytest.raises(ImageError):
        YuNetDetector(yunet)(np.zeros((40, 40)))


def test_works_on_every_frame_size(yunet):
    detector = YuNetDetector(yunet, min_face=0.08)
    picture = demo.moving_picture(demo.portrait(), 0.5)
    for size in ((640, 480), (641, 479), (320, 240), (1280, 720)):
        assert len(detector(cv2.resize(picture, size))) == 1


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 900, 3), (900, 1), (3, 3), (2, 200, 3), (8, 640)])
def test_boxes_of_senseless_pictures_have_an_end(yunet, shape):
    detector = YuNetDetector(yunet, min_face=0.08)
    for seed in range(20):
        noise = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
        for found in detector(noise):
            assert found.box.x < shape[1]
            assert found.box.y < shape[0]
            assert np.isfinite(found.landmarks).all()
