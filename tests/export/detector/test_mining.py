import cv2
import keras
import numpy as np
import pytest

from export.datasets.faces.types import Faces, FaceSet
from export.detector import mining
from export.detector.config import DetectorConfig
from export.detector.network import build
from export.detector.train import SceneBatches
from export.errors import RunError

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def pictures(tmp_path):
    """A picture with a face, and one without, twice as wide as the network sees it."""
    made = []
    for name, boxes in (("face", [(100, 60, 200, 200)]), ("empty", [])):
        faces = Faces()
        for box in boxes:
            faces.add(box)
        image = np.random.default_rng(len(boxes)).integers(0, 256, (256, 512), np.uint8)
        cv2.imwrite(str(tmp_path / f"{name}.png"), image)
        made.append(faces.picture(tmp_path / f"{name}.png"))
    return made


def sees_faces_everywhere():
    keras.utils.set_random_seed(0)
    model = build(None, 0.25)
    for layer in model.layers:
        if layer.name == "stride32_head":
            kernel, bias = layer.get_weights()
            bias[0] = 2.0
            layer.set_weights([kernel, bias])
    return model


def test_only_what_touches_no_face_is_a_mistake(pictures):
    found = mining.mine(sees_faces_everywhere(), pictures)
    assert {0, 1} == set(found[:, 0])
    in_face = found[found[:, 0] == 0]
    inside = np.minimum(in_face[:, 1:3] + in_face[:, 3:], [300, 260]) - np.maximum(in_face[:, 1:3], [100, 60])
    shared = np.maximum(inside, 0).prod(axis=1) / in_face[:, 3:].prod(axis=1)
    assert (shared < mining.TOUCHES).all()
    mistakes = mining.as_mistakes(found, pictures)
    assert [m.picture for m in mistakes] == [pictures[int(number)] for number in found[:, 0]]
    assert mistakes[0].side == pytest.approx(np.sqrt(found[0, 3] * found[0, 4]) / 2)


def test_what_was_saved_is_loaded_and_damage_is_said(pictures, tmp_path):
    path = tmp_path / "mistakes.npz"
    assert mining.load(path) == {}
    mined = {2: np.array([[1, 3, 4, 5, 6]], np.float32), 4: np.zeros((0, 5), np.float32)}
    mining.save(mined, path)
    again = mining.load(path)
    assert list(again) == [2, 4]
    np.testing.assert_array_equal(again[2], mined[2])
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(RunError, match=r"mistakes\.npz is damaged"):
        mining.load(path)


def test_mistakes_are_shown_from_an_epoch_later_on(pictures):
    """The next step's scenes are made while one is learnt: they must not depend on when the search ends."""
    config = DetectorConfig(size=64, steps=3, batch_size=4, share_empty=1.0)
    before, batches = (SceneBatches(FaceSet(pictures, pictures, "two"), config) for _ in range(2))
    batches.learn_from({1: np.array([[1, 300, 100, 60, 60]], np.float32)})
    for step in range(9):
        same = np.array_equal(batches[step][0], before[step][0])
        assert same == (step < 6), step
