import json
from dataclasses import replace

import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
pytest.importorskip("keras")

from export import runs, train  # noqa: E402
from export.architectures import architecture  # noqa: E402
from export.config import Config  # noqa: E402
from export.convert import release  # noqa: E402
from export.datasets import Dataset  # noqa: E402
from export.ensemble import ensemble  # noqa: E402
from export.errors import RunError  # noqa: E402
from ferlite import cards  # noqa: E402


@pytest.fixture(scope="module")
def other_run(toy_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "other"
    config = Config(arch="shallow", epochs=5, batch_size=4, optimizer="adamw", augment="none", ema=0.9)
    train.start(toy_data, config, folder)
    return folder


def test_its_logits_are_the_mean_of_the_members(toy_run, other_run, toy_data, tmp_path):
    folder = tmp_path / "both"
    accuracy = ensemble([toy_run, other_run], toy_data, folder)
    images = toy_data.validation.images
    members = [runs.predict(runs.load_model(run), images) for run in (toy_run, other_run)]
    found = runs.predict(runs.load_model(folder), images)
    assert np.allclose(found, np.mean(members, axis=0), atol=1e-3)
    assert accuracy == np.mean(found.argmax(1) == toy_data.validation.labels)
    about = json.loads((folder / runs.CONFIG).read_text())["members"]
    assert [(member["name"], member["arch"], member["seed"]) for member in about] == [
        ("toy", "deep", 1),
        ("other", "shallow", 1),
    ]
    assert [member["validation_accuracy"] for member in about] == [
        np.mean(logits.argmax(1) == toy_data.validation.labels) for logits in members
    ]


def test_it_converts_like_any_other_run(toy_run, other_run, toy_data, tmp_path):
    ensemble([toy_run, other_run], toy_data, tmp_path / "both")
    release.convert(tmp_path / "both", toy_data, ["tflite-float32"], tmp_path / "models")
    notes = cards.find(tmp_path / "models" / "both-float32.tflite").notes
    assert notes["parameters"] == 1_203_223 + 389_255
    assert notes["architecture"] == "ensemble"


def test_what_cannot_be_joined_is_said(toy_run, other_run, toy_data, tmp_path):
    with pytest.raises(RunError, match="at least two runs, not 1"):
        ensemble([toy_run], toy_data, tmp_path / "one")
    with pytest.raises(RunError, match="holds a run already"):
        ensemble([toy_run, other_run], toy_data, other_run)
    with pytest.raises(RunError, match="not a run folder"):
        ensemble([toy_run, tmp_path], toy_data, tmp_path / "none")
    fewer = replace(toy_data, labels=toy_data.labels[:3])
    fewer = Dataset(fewer.labels, *(s.take(s.labels < 3) for s in (fewer.training, fewer.validation, fewer.test)))
    train.start(fewer, Config(arch="shallow", epochs=1, augment="none"), tmp_path / "three")
    with pytest.raises(RunError, match=r"three knows \['angry', 'disgust', 'fear'\]"):
        ensemble([toy_run, tmp_path / "three"], toy_data, tmp_path / "mixed")
    assert not (tmp_path / "mixed").exists()
    with pytest.raises(RunError, match="an ensemble is made of runs"):
        architecture("ensemble").build(size=48)
