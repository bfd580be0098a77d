import json

import numpy as np
import pytest

from export.datasets import Dataset, Split
from export.evaluate import as_json, as_text, evaluate, record

LABELS = ("calm", "tense")


@pytest.fixture
def dataset():
    images = np.arange(6, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)
    test = Split(np.concatenate([images[:1], images[3:]]), np.array([0, 0, 1, 1]))
    return Dataset(LABELS, Split(images[:3], np.array([0, 1, 1])), test, test)


def test_figures(dataset):
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.1, 0.9]])  # the second one is wrong
    result = evaluate(probabilities, dataset, "test")
    assert (result.rows, result.accuracy) == (4, 0.75)
    assert result.confusion == [[1, 1], [0, 2]]
    assert result.recall == {"calm": 0.5, "tense": 1.0}
    assert result.precision == {"calm": 1.0, "tense": pytest.approx(2 / 3)}
    assert result.macro_f1 == pytest.approx((2 / 3 + 0.8) / 2)
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
