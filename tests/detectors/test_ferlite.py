import json
import shutil
import threading

import numpy as np
import pytest

from ferlite import FerliteDetector, ModelError, Recognizer, SettingError, cards, demo, detectors, synthetic
from ferlite.detectors.ferlite import STRIDES, cells, decode, distinct
from ferlite.tracking import overlap
from ferlite.types import Box


@pytest.fixture(scope="module")
def detector():
    return FerliteDetector()


def row(x, y, w, h, score):
    return [x, y, w, h, *[0] * 10, score]


def test_the_cells_of_a_picture_by_stride():
    grid = cells(64, 96)
    assert grid.shape == (8 * 12 + 4 * 6 + 2 * 3, 3)
    assert grid[0].tolist() == [4, 4, 8]
    assert grid[1].tolist() == [12, 4, 8]
    assert grid[-1].tolist() == [80, 48, 32]
    assert cells(64, 64, (16,)).shape == (16, 3)


def test_values_become_boxes_landmarks_and_scores():
    grid = cells(32, 32)
    values = np.full((len(grid), 15), -3, np.float32)
    values[5] = [1, 0.5, -0.25, 0, 2, *[0.4, -0.4] * 5]
    (found,) = decode(values, grid, 0.5)
    x, y, stride = grid[5]
    width, height = stride * np.e, stride * np.e**2
    expected = [x + 0.5 * stride - width / 2, y - 0.25 * stride - height / 2, width, height]
    np.testing.assert_allclose(found[:4], expected, rtol=1e-5)
    np.testing.assert_allclose(found[4:14].reshape(5, 2), [[x + 0.1 * width, y - 0.1 * height]] * 5, rtol=1e-5)
    assert found[14] == pytest.approx(1 / (1 + np.exp(-2)))


def test_values_that_are_no_numbers_find_nothing():
    grid = cells(32, 32)
    for wrong in (np.nan, np.inf, -np.inf):
        values = np.full((len(grid), 15), -3, np.float32)
        values[3] = wrong
        values[4, 0], values[4, 7] = 4, wrong
        assert decode(values, grid, 0.5).shape == (0, 15)
    huge = np.full((len(grid), 15), 1e30, np.float32)
    assert np.isfinite(decode(huge, grid, 0.5)).all()


def test_of_overlapping_boxes_the_surer_one_stays():
    rows = np.array([row(0, 0, 10, 10, 0.6), row(1, 0, 10, 10, 0.9), row(40, 0, 10, 10, 0.7)], np.float32)
    np.testing.assert_allclose(distinct(rows, 0.4)[:, 14], [0.9, 0.7])
    assert distinct(rows[:0], 0.4).shape == (0, 15)


def test_there_is_no_face_in_a_face():
    rows = [row(0, 0, 100, 100, 0.9), row(20, 20, 30, 30, 0.8), row(90, 0, 30, 30, 0.7), row(-20, -20, 200, 200, 0.6)]
    np.testing.assert_allclose(distinct(np.array(rows, np.float32), 0.4)[:, 14], [0.9, 0.7])
    # what is dropped drops nothing
    rows = [row(0, 0, 40, 40, 0.9), row(0, 0, 100, 100, 0.8), row(60, 60, 30, 30, 0.7)]
    np.testing.assert_allclose(distinct(np.array(rows, np.float32), 0.4)[:, 14], [0.9, 0.7])


def test_a_portrait_with_its_landmarks(detector):
    best = max(detector(demo.portrait(), 0.1), key=lambda face: face.score)
    assert overlap(best.box, Box(188, 115, 160, 200)) > 0.5
    assert best.landmarks is not None
    right, left, nose, *mouth = best.landmarks
    assert right.x < nose.x < left.x
    assert max(right.y, left.y) < nose.y < min(point.y for point in mouth)


def test_grey_colour_and_any_memory_order_give_the_same(detector):
    image = demo.portrait()
    expected = detector(image, 0.2)
    assert detector(np.asfortranarray(image), 0.2) == expected
    padded = np.zeros((image.shape[0] + 7, image.shape[1] + 5, 3), np.uint8)
    padded[3:-4, 2:-3] = image
    assert detector(padded[3:-4, 2:-3], 0.2) == expected
    assert detector(image[..., [2, 1, 0]][..., ::-1], 0.2) == expected


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (33, 31), (64, 64), (480, 640), (1, 3000), (1081, 1921)])
def test_pictures_of_any_size(detector, size):
    image = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    for face in detector(image):
        assert 0 < face.score < 1
        assert np.isfinite(face.landmarks).all()
        assert 0 <= face.box.x + face.box.w / 2 <= size[1] + 1


def test_larger_faces_cost_less(detector):
    assert detector.work((480, 640), 0.2) < detector.work((480, 640), 0.08) < detector.work((480, 640), 0.02)
    assert detector.work((480, 640), 0.25) == 128 * 96
    assert detector.work((60, 60), 0.25) == 64 * 64


def test_the_smallest_face_is_asked_for_in_the_call_or_before():
    image = synthetic.scene(1.0, 3)
    told = FerliteDetector(min_face=0.1)
    assert told(image) == FerliteDetector()(image, 0.1)


def test_engines_are_kept_for_a_few_sizes(detector):
    for side in range(64, 1000, 64):
        detector(np.zeros((side, 64), np.uint8), 0.02)
    assert len(detector._interpreters) <= 8


def test_many_threads_share_one(detector):
    images = [synthetic.scene(moment, 2, size) for moment, size in enumerate(((320, 240), (640, 480), (200, 100)))]
    expected = [detector(image, 0.08) for image in images]
    found: list[bool] = []

    def work(turn):
        for number in range(12):
            index = (number + turn) % len(images)
            found.append(detector(images[index], 0.08) == expected[index])

    threads = [threading.Thread(target=work, args=(turn,)) for turn in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 48


def test_it_reads_emotions_with_the_recognizer():
    faces = Recognizer(detector="ferlite")(demo.portrait())
    assert faces
    assert faces[0].landmarks is not None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"score": 1.0}, "score is 1.0"),
        ({"least": 8}, "least is 8"),
        ({"min_face": 2}, "min_face is 2"),
        ({"threads": 0}, "threads is 0"),
        ({"backend": "onnxruntime"}, "backend 'onnxruntime' is for .onnx files"),
    ],
)
def test_settings_out_of_range(settings, said):
    with pytest.raises(SettingError, match=said):
        FerliteDetector(**settings)


@pytest.fixture
def copied(tmp_path):
    """Copies the bundled detector, changes its card, and returns the path of the weights."""

    def copy(**changes):
        weights = cards.find_detector().weights
        for path in (weights, cards.card_path(weights)):
            shutil.copy(path, tmp_path / path.name)
        card = tmp_path / cards.card_path(weights).name
        card.write_text(json.dumps(json.loads(card.read_text()) | changes))
        return tmp_path / weights.name

    return copy


def test_a_file_by_its_path(copied):
    assert FerliteDetector(copied(score=0.9)).score == 0.9
    assert FerliteDetector(copied(score=0.9), score=0.3).score == 0.3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "classifier"}, "'kind' is 'classifier', not detector"),
        ({"strides": [8, 16]}, "of strides \\(8, 16\\)"),
        ({"strides": [16, 8]}, "'strides' is"),
        ({"strides": [True]}, "'strides' is"),
        ({"score": 2}, "'score' is 2"),
        ({"overlap": "0.4"}, "'overlap' is"),
        ({"smallest": None}, "'smallest' is None"),
        ({"sha256": "0" * 64}, "wrong checksum"),
        ({"file": "other.tflite"}, "this card describes other.tflite"),
    ],
)
def test_cards_that_do_not_fit(copied, changes, said):
    with pytest.raises(ModelError, match=said):
        FerliteDetector(copied(**changes))


def test_damaged_weights_and_other_networks(copied, tmp_path):
    path = copied()
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ModelError, match="wrong checksum"):
        FerliteDetector(path)
    (tmp_path / "lone.tflite").write_bytes(b"x")
    with pytest.raises(ModelError, match="card is missing"):
        FerliteDetector(tmp_path / "lone.tflite")
    with pytest.raises(ModelError, match=r"not a valid card.*'kind' is None"):
        FerliteDetector(cards.find().weights)
    with pytest.raises(ModelError, match="it is of a 'detector', not of a classifier"):
        Recognizer(cards.find_detector().weights)
    with pytest.raises(ModelError, match="no such file, and no bundled model of that name"):
        FerliteDetector("nothing.tflite")


def test_it_is_one_of_the_detectors():
    assert "ferlite" in detectors.NAMES
    assert isinstance(detectors.create("ferlite", min_face=0.1), FerliteDetector)
    assert FerliteDetector().card.strides == STRIDES
