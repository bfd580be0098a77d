import cv2
import numpy as np
import pytest

import ferlite
from ferlite.types import Box, Detection


@pytest.fixture(scope="module")
def recognizer() -> ferlite.Recognizer:
    return ferlite.Recognizer()


def test_one_face_with_its_emotion(recognizer, portrait):
    before = portrait.copy()
    (face,) = recognizer(portrait)
    assert face.label in recognizer.classifier.labels
    assert face.label == face.labels[int(face.probabilities.argmax())]
    assert face.probabilities.dtype == np.float32
    assert face.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert np.array_equal(portrait, before)


def test_what_the_image_comes_as_does_not_matter(recognizer, portrait):
    (expected,) = recognizer(portrait)
    alpha = np.dstack([portrait, np.zeros(portrait.shape[:2], np.uint8)])
    padded = np.zeros((portrait.shape[0], portrait.shape[1] * 2, 3), np.uint8)
    padded[:, ::2] = portrait
    for image in (alpha, np.asfortranarray(portrait), padded[:, ::2]):
        (face,) = recognizer(image)
        assert face.box == expected.box
        assert np.array_equal(face.probabilities, expected.probabilities)
    (grey,) = recognizer(cv2.cvtColor(portrait, cv2.COLOR_BGR2GRAY))
    assert grey.label == expected.label


def test_the_largest_face_comes_first(recognizer, portrait):
    canvas = np.full((600, 900, 3), 96, np.uint8)
    canvas[:300, :256] = cv2.resize(portrait, (256, 300))
    canvas[:, 300:812] = portrait
    large, small = recognizer(canvas)
    assert large.box.w > small.box.w
    assert large.box.x > 300


def test_images_without_a_face(recognizer):
    for shape in ((1, 1), (1, 1, 3), (480, 640, 3)):
        assert recognizer(np.zeros(shape, np.uint8)) == []


def test_what_is_no_image_is_said(recognizer):
    with pytest.raises(ferlite.ImageError, match="float64"):
        recognizer(np.zeros((48, 48, 3)))
    with pytest.raises(ferlite.ImageError, match="empty"):
        recognizer(np.zeros((0, 0, 3), np.uint8))


def test_any_callable_serves_as_detector(portrait):
    boxes = [Box(200, 80, 140, 140), Box(-30, -30, 100, 100)]
    recognizer = ferlite.Recognizer("flagship-int8", detector=lambda image: [Detection(box, 0.7) for box in boxes])
    assert [face.box for face in recognizer(portrait)] == boxes
    assert [face.score for face in recognizer(portrait)] == [0.7, 0.7]


def test_a_users_own_network(make_network, portrait):
    path = make_network(labels=("red", "green", "blue"), size=(64, 64), color="rgb")
    (face,) = ferlite.Recognizer(path)(portrait)
    assert face.label == "red"  # skin
    assert face.labels == ("red", "green", "blue")
