import json

import numpy as np
import pytest

from export.datasets import Dataset, Split
from export.errors import RunError
from export.evaluate import (
    BINS,
    as_json,
    as_text,
    calibrate,
    evaluate,
    figures,
    record,
    record_run,
    recorded,
    reliability,
    softmax,
    temperature,
    wilson,
)
from ferlite import cards

LABELS = ("calm", "tense")


@pytest.fixture
def dataset():
    images = np.arange(6, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)
    test = Split(np.concatenate([images[:1], images[3:]]), np.array([0, 0, 1, 1]), list("abcd"))
    return Dataset(LABELS, Split(images[:3], np.array([0, 1, 1]), list("efg")), test, test)


def test_figures(dataset):
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.1, 0.9]])  # the second one is wrong
    result = evaluate(probabilities, dataset, "test")
    assert (result.rows, result.accuracy) == (4, 0.75)
    assert result.confusion == [[1, 1], [0, 2]]
    assert result.recall == {"calm": 0.5, "tense": 1.0}
    assert result.precision == {"calm": 1.0, "tense": pytest.approx(2 / 3)}
    assert result.f1 == {"calm": pytest.approx(2 / 3), "tense": pytest.approx(0.8)}
    assert result.macro_f1 == pytest.approx((2 / 3 + 0.8) / 2)
    assert result.balanced_accuracy == 0.75
    assert result.accuracy_interval == wilson(3, 4)
    # the first test picture also stands in training
    assert (result.rows_unseen, result.accuracy_unseen) == (3, pytest.approx(2 / 3))
    # bins: 0.9 and 0.9 both right, 0.8 wrong, 0.6 right
    assert result.calibration_error == pytest.approx((0.2 + 0.8 + 0.4) / 4)
    text = as_text(result, LABELS, "net")
    assert "net on test: 75.00% of 4 rows" in text
    assert "66.67% of 3 rows" in text


def test_what_cannot_be_known_is_left_out(dataset):
    result = evaluate(np.array([[0.9, 0.1]] * 3), dataset, "training")  # every row stands in training
    assert (result.rows_unseen, result.accuracy_unseen) == (0, None)
    assert result.precision["tense"] is None
    assert "also stands in Training" not in as_text(result, LABELS, "net")
    json.dumps(as_json(result), allow_nan=False)


def test_record_writes_into_the_card(dataset, tmp_path):
    weights = tmp_path / "net.tflite"
    card = tmp_path / "net.tflite.json"
    card.write_text(json.dumps({"file": "net.tflite"}))
    record(evaluate(np.eye(2)[[0, 0, 1, 1]], dataset, "test"), weights)
    written = json.loads(card.read_text())
    assert written["file"] == "net.tflite"
    assert written["accuracy"]["test"]["accuracy"] == 1
    assert list(tmp_path.iterdir()) == [card]


def test_labels_that_do_not_occur_are_in_no_mean():
    result = figures(np.eye(3)[[0, 1]], np.array([0, 1]), ("calm", "tense", "bored"))
    assert (result.recall["bored"], result.precision["bored"], result.f1["bored"]) == (None, None, None)
    assert (result.balanced_accuracy, result.macro_f1) == (1, 1)


def test_the_interval_of_a_share_stays_within_0_and_1():
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert wilson(10, 10)[1] == 1


def test_reliability_has_a_bin_for_every_confidence():
    bins = reliability(np.array([[0.99, 0.01], [0.95, 0.05], [0.55, 0.45]]), np.array([0, 1, 0]))
    assert bins.rows.sum() == 3
    assert (bins.rows[BINS - 1], bins.accuracy[BINS - 1], bins.confidence[BINS - 1]) == (2, 0.5, pytest.approx(0.97))
    assert np.isnan(bins.accuracy[0])


def test_the_temperature_makes_confidence_equal_accuracy():
    logits = np.array([[2.0, 0.0]] * 4, np.float32)  # sure of 88 %, right in 75 %
    found = temperature(logits, np.array([0, 0, 0, 1]))
    assert found == pytest.approx(2 / np.log(3), rel=1e-6)
    assert softmax(logits / found)[0] == pytest.approx([0.75, 0.25])


def test_record_run_keeps_the_other_split(dataset, tmp_path):
    assert recorded(tmp_path) == {}
    for split in ("validation", "test"):
        record_run(evaluate(np.eye(2)[[0, 0, 1, 1]], dataset, split), tmp_path, parameters=5)
    found = recorded(tmp_path)
    assert [found[split]["accuracy"] for split in ("validation", "test")] == [1, 1]
    assert found["test"]["parameters"] == 5
    assert [path.name for path in tmp_path.iterdir()] == ["evaluation.json"]


@pytest.mark.parametrize("text", ["{", "[]", '{"test": 0.5}'])
def test_damaged_records_are_said(tmp_path, text):
    (tmp_path / "evaluation.json").write_text(text)
    with pytest.raises(RunError, match=r"evaluation\.json is damaged"):
        recorded(tmp_path)


def test_a_card_is_calibrated_from_what_it_has(make_network):
    weights = make_network(temperature=0.5)
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 2, (4000, 7))
    truth = np.array([rng.choice(7, p=row) for row in softmax(logits / 1.5)])
    assert calibrate(softmax(logits / 0.5), truth, weights)
    assert cards.find(weights).temperature == pytest.approx(1.5, rel=0.05)
    assert not calibrate(softmax(logits / cards.find(weights).temperature), truth, weights)
