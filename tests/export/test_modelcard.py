import json
import shutil

import pytest

from export import cli, modelcard
from export.datasets import EMOTIONS
from ferlite import cards


@pytest.fixture
def models(make_network, tmp_path):
    """A folder with one network that always says the same."""
    weights = make_network(
        labels=EMOTIONS,
        architecture="deep",
        parameters=49,
        multiply_adds=2_304_000,
        training_data="FER-2013, training split",
        training={"arch": "deep", "epochs": 3, "teacher": "teachers-1-2", "data": {"drop_copies": True}},
    )
    folder = tmp_path / "models"
    folder.mkdir()
    card = json.loads(cards.card_path(weights).read_text()) | {"file": "net-int8.tflite.onnx"}
    target = folder / card["file"]
    shutil.move(weights, target)
    cards.card_path(target).write_text(json.dumps(card))
    return folder


def measure(models, data, *options):
    return cli.main(["measure", str(models), "--data", str(data), *options])


def test_figures_go_into_the_cards_and_the_page(models, toy_csv, capsys):
    assert measure(models, toy_csv, "--record") == 0
    (weights,) = (path for path in models.iterdir() if path.suffix == ".onnx")
    figures = cards.find(weights).notes["accuracy"]
    assert {name: found["rows"] for name, found in figures.items()} == {"validation": 70, "test": 70}
    page = (models / "MODEL_CARD.md").read_text()
    assert "| `net-int8.tflite.onnx` | 0.00 MB | 2 M | 14.3% | **14.3%** | 7.9–24.3 | 14.3% of 70 |" in page
    assert "| angry | 10 |" in page
    assert "network `deep`; 49 parameters; FER-2013, training split; 3 epochs; learnt from `teachers-1-2`; " in page
    assert "pixel for pixel, which its teacher may have seen\n" in page
    assert "python -m export measure --data fer2013.csv\n" in page
    capsys.readouterr()
    assert measure(models, toy_csv) == 0
    assert "net-int8.tflite.onnx on test: 14.29% of 70 rows\n" in capsys.readouterr().out


def test_a_model_gets_the_temperature_that_validation_asks_for(models, toy_csv):
    (weights,) = (path for path in models.iterdir() if path.suffix == ".onnx")
    assert measure(models, toy_csv, "--record") == 0
    found = cards.find(weights)
    assert found.temperature == 100  # it always says the same and is mostly wrong: the most that a card may have
    assert found.notes["accuracy"]["validation"]["calibration_error"] < 0.03
    before = cards.card_path(weights).read_text()
    assert measure(models, toy_csv, "--record") == 0
    assert cards.card_path(weights).read_text() == before


def test_the_mean_of_several_networks_is_described(make_network, tmp_path):
    weights = make_network(
        labels=EMOTIONS,
        parameters=98,
        training_data="FER-2013",
        training={
            "arch": "ensemble",
            "epochs": 3,
            "members": [{"arch": "nano", "validation_accuracy": share} for share in (0.5, 0.51, 0.55)],
        },
    )
    assert "the mean of 3 networks `nano` of other seeds, alone 52.0% ± 2.6 (standard deviation) on validation" in (
        modelcard._trained(cards.find(weights))
    )


def test_seeds_and_logit_adjustment_are_described(make_network):
    weights = make_network(
        labels=EMOTIONS,
        parameters=49,
        training_data="FER-2013",
        training={"arch": "nano", "epochs": 3, "seed": 2},
        logit_adjustment=0.5,
        seeds=[{"seed": seed, "validation_accuracy": share} for seed, share in ((1, 0.5), (2, 0.51), (3, 0.55))],
    )
    said = modelcard._trained(cards.find(weights))
    assert "logits less 0.5 times the log shares of the labels in training" in said
    assert "52.0% ± 2.6 (standard deviation) on validation, as trained, over seeds 1, 2, 3, of which this is 2" in said


def test_a_card_with_other_figures_is_told(models, toy_csv, capsys):
    assert measure(models, toy_csv) == 1
    assert "other figures than the cards have: net-int8.tflite.onnx on validation" in capsys.readouterr().err
    assert not (models / "MODEL_CARD.md").exists()


def test_a_folder_without_models_is_said(toy_csv, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert measure(tmp_path / "empty", toy_csv) == 1
    assert "has no models; convert some" in capsys.readouterr().err
