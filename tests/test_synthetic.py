import numpy as np
import pytest

from ferlite import YuNetDetector, synthetic
from ferlite.detectors import QUICK
from ferlite.detectors.haar import HaarDetector
from ferlite.errors import SettingError

MOMENTS = [0.37 * number for number in range(30)]  # over all expressions and places


@pytest.fixture(scope="module")
def haar():
    return HaarDetector(QUICK)


@pytest.mark.parametrize("size", [(320, 240), (640, 480), (1280, 720)])
def test_the_haar_cascade_finds_every_face_up_to_three(haar, size):
    for faces in (0, 1, 3):
        assert [len(haar(synthetic.scene(moment, faces, size))) for moment in MOMENTS[::3]] == [faces] * 10


def test_most_of_seven_faces_are_found(haar):
    found = [len(haar(synthetic.scene(moment, 7))) for moment in MOMENTS[::3]]
    assert np.mean(found) > 6.5


def test_yunet_finds_every_face(data):
    yunet = YuNetDetector(data("models/face_detection_yunet_2023mar.onnx"), QUICK)
    for faces in (0, 1, 3, 7):
        assert [len(yunet(synthetic.scene(moment, faces))) for moment in MOMENTS] == [faces] * len(MOMENTS)


def test_faces_move_a_little_from_frame_to_frame_and_change_their_expression():
    a, b, c = (synthetic.scene(moment, 1).astype(int) for moment in (0.0, 1 / 30, 1.9))
    assert 0 < np.abs(a - b).mean() < np.abs(a - c).mean()


def test_the_same_moment_gives_the_same_picture():
    assert (synthetic.scene(1.7, 3) == synthetic.scene(1.7, 3)).all()


def test_a_scene_has_the_size_that_was_asked_for():
    assert synthetic.scene(0, 7, (320, 240)).shape == (240, 320, 3)


@pytest.mark.parametrize("faces", [-1, 8])
def test_other_numbers_of_faces_are_refused(faces):
    with pytest.raises(SettingError, match="0 to 7"):
        synthetic.scene(0, faces)
