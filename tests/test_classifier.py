import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from ferlite import EmotionClassifier
from ferlite.cards import card_path
from ferlite.errors import ImageError, ModelError, SettingError
from ferlite.types import Box, Detection

from .conftest import EMOTIONS


@pytest.fixture(scope="module")
def classifier() -> EmotionClassifier:
    return EmotionClassifier()


def test_labels_come_from_the_card(classifier):
    assert classifier.labels == EMOTIONS


@given(crops=npst.arrays(np.uint8, st.tuples(st.integers(0, 4), st.just(48), st.just(48))))
def test_probabilities_are_probabilities(classifier, crops):
    probabilities = classifier.predict(crops)
    assert probabilities.shape == (len(crops), 7)
    assert probabilities.dtype == np.float32
    assert np.all(probabilities >= 0)
    assert np.allclose(probabilities.sum(1), 1, atol=1e-5)


@given(shape=st.tuples(st.integers(1, 3), st.integers(1, 99), st.integers(5, 99)), colored=st.booleans())
def test_faces_of_any_size_and_colour_are_taken(classifier, shape, colored):
    assert classifier.predict(np.zeros((*shape, 3) if colored else shape, np.uint8)).shape == (shape[0], 7)


def test_faces_do_not_influence_each_other(classifier):
    crops = np.random.default_rng(0).integers(0, 256, (5, 48, 48), dtype=np.uint8)
    together = classifier.predict(crops)
    alone = np.concatenate([classifier.predict(crop[None]) for crop in crops[::-1]])[::-1]
    assert np.array_equal(together, alone)


def test_memory_order_and_threads_do_not_matter(classifier):
    crops = np.random.default_rng(0).integers(0, 256, (3, 48, 48), dtype=np.uint8)
    expected = classifier.predict(crops)
    assert np.array_equal(classifier.predict(np.asfortranarray(crops)), expected)
    assert np.array_equal(classifier.predict(np.repeat(crops, 2, axis=2)[:, :, ::2]), expected)
    assert np.array_equal(EmotionClassifier(threads=2).predict(crops), expected)


@pytest.mark.parametrize(
    ("crops", "message"),
    [
        (np.zeros((1, 48, 48), np.float32), "float32"),
        ([[1]], "not list"),
        (np.zeros((48, 48), np.uint8), r"\(48, 48\)"),
        (np.zeros((1, 48, 48, 4), np.uint8), r"\(1, 48, 48, 4\)"),
        (np.zeros((48, 48, 3), np.uint8), r"looks like one face.*crop\[None\]"),
        (np.zeros((48, 48, 1), np.uint8), r"looks like one face"),
        (np.zeros((1, 0, 48), np.uint8), "empty"),
    ],
)
def test_other_arrays_are_refused_in_words(classifier, crops, message):
    with pytest.raises(ImageError, match=message):
        classifier.predict(crops)


def test_a_network_of_other_labels_size_colour_and_range(make_network):
    path = make_network(labels=("red", "green", "blue"), size=(64, 32), color="rgb", limits=(-10, 10))
    classifier = EmotionClassifier(path)
    bgr = np.zeros((3, 50, 50, 3), np.uint8)
    for face, channel in zip(bgr, (2, 1, 0), strict=True):
        face[..., channel] = 255
    probabilities = classifier.predict(bgr)
    assert [classifier.labels[i] for i in probabilities.argmax(1)] == ["red", "green", "blue"]
    # range -10…10: the full channel counts e^10, the empty ones e^-10
    assert probabilities.max() == pytest.approx(1, abs=1e-6)
    flat = EmotionClassifier(make_network(labels=("red", "green", "blue"), color="rgb", limits=(0, 1))).predict(bgr)
    assert flat.max() == pytest.approx(np.e / (np.e + 2), abs=1e-6)


def test_channels_first_networks(make_network):
    bgr = np.zeros((3, 50, 50, 3), np.uint8)
    for face, channel in zip(bgr, (2, 1, 0), strict=True):
        face[..., channel] = 255
    path = make_network(labels=("red", "green", "blue"), size=(64, 32), color="rgb", layout="NCHW")
    classifier = EmotionClassifier(path)
    assert [classifier.labels[i] for i in classifier.predict(bgr).argmax(1)] == ["red", "green", "blue"]
    grey = EmotionClassifier(make_network(layout="NCHW"))
    assert grey.predict(bgr).shape == (3, 2)


def test_boxes_are_cut_with_the_cards_margin(make_network):
    image = np.zeros((100, 100), np.uint8)
    image[40:60, 40:60] = 255
    for margin, mean in ((0.0, 1.0), (0.5, 0.25)):
        classifier = EmotionClassifier(make_network(margin=margin))
        probability = classifier.predict_faces(image, [Detection(Box(40, 40, 20, 20), 1.0)])[0, 0]
        assert probability == pytest.approx(np.exp(mean) / (np.exp(mean) + 1), abs=1e-3)


def test_logits_are_divided_by_the_cards_temperature(make_network):
    bright = np.full((1, 48, 48), 255, np.uint8)
    for temperature, odds in ((1.0, np.e), (0.5, np.e**2), (2.0, np.e**0.5)):
        (probability, _), *_ = EmotionClassifier(make_network(temperature=temperature)).predict(bright)
        assert probability == pytest.approx(odds / (odds + 1), abs=1e-6)


def test_a_card_that_does_not_fit_its_network_is_said(make_network):
    grey = {"height": 48, "width": 48, "color": "grey", "range": [0, 1]}
    with pytest.raises(ModelError, match=r"takes \(1, 48, 48, 1\), its card says \(1, 64, 48, 1\)"):
        EmotionClassifier(make_network(input=grey | {"height": 64}))
    path = make_network()
    card = json.loads(card_path(path).read_text())
    card_path(path).write_text(json.dumps(card | {"labels": ["a", "b", "c"]}))
    with pytest.raises(ModelError, match=r"gives \(1, 2\), its card has 3 labels"):
        EmotionClassifier(path)


def test_the_backend_in_use_has_a_name_and_can_be_chosen(classifier):
    assert classifier.backend in ("litert", "tflite-runtime")
    assert EmotionClassifier(backend=classifier.backend).backend == classifier.backend
    with pytest.raises(SettingError, match="backend is 'coral'; there are auto, litert"):
        EmotionClassifier(backend="coral")


def test_threads_have_to_be_one_or_more():
    with pytest.raises(SettingError, match="threads is 0"):
        EmotionClassifier(threads=0)


def test_the_default_model_is_as_good_as_its_card_says(classifier, data):
    from export.datasets import load

    validation = load(data("data/fer2013/fer2013.csv.zip")).validation
    accuracy = float(np.mean(classifier.predict(validation.images).argmax(1) == validation.labels))
    assert accuracy == pytest.approx(classifier.card.notes["parity_on_validation"]["accuracy"], abs=1e-9)
