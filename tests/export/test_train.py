import json
import os
import signal
from dataclasses import replace

import numpy as np
import pytest

from export.config import Config
from export.datasets import Dataset
from export.errors import RunError

pytestmark = pytest.mark.tensorflow
pytest.importorskip("keras")

from export import train  # noqa: E402

CONFIG = Config(epochs=2, batch_size=16, seed=5)


def state(folder):
    with np.load(folder / train.CHECKPOINT) as saved:
        return [saved[name] for name in saved.files]


@pytest.fixture(scope="module")
def whole_run(toy_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "whole"
    train.start(toy_data, CONFIG, folder)
    return folder


def test_a_run_folder_holds_what_it_should(whole_run, toy_data):
    assert {path.name for path in whole_run.iterdir()} == {
        train.CHECKPOINT,
        train.CONFIG,
        train.CURVES,
        train.LOG,
        train.MODEL,
    }
    config = json.loads((whole_run / train.CONFIG).read_text())
    assert config["seed"] == 5
    assert config["labels"] == list(toy_data.labels)
    assert {"keras", "backend", "python"} <= set(config["environment"])
    rows = train._read_log(whole_run / train.LOG)
    assert [(row["epoch"], row["step"]) for row in rows] == [("1", "7"), ("2", "14")]


@pytest.mark.parametrize("stop_at", [3, 7, 10])
def test_an_interrupted_run_ends_as_one_left_alone(whole_run, toy_data, tmp_path, monkeypatch, stop_at):
    original = train.Batches.__getitem__

    def interrupt(self, step):
        if step == stop_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(self, step)

    folder = tmp_path / "stopped"
    monkeypatch.setattr(train.Batches, "__getitem__", interrupt)
    with pytest.raises(KeyboardInterrupt, match=r"stopped after step .* --resume"):
        train.start(toy_data, CONFIG, folder)
    monkeypatch.setattr(train.Batches, "__getitem__", original)
    train.resume(toy_data, folder)
    assert all(np.array_equal(a, b) for a, b in zip(state(whole_run), state(folder), strict=True))
    ours, theirs = (train._read_log(path / train.LOG) for path in (folder, whole_run))
    assert [row["val_accuracy"] for row in ours] == [row["val_accuracy"] for row in theirs]


def test_it_learns(toy_data, toy_run):
    model = train.load_model(toy_run)
    accuracy = np.mean(train.predict(model, toy_data.validation.images).argmax(1) == toy_data.validation.labels)
    assert accuracy > 0.8


def test_mixed_precision_saves_a_float32_model(toy_data, tmp_path):
    model = train.start(toy_data, replace(CONFIG, epochs=1, precision="mixed_bfloat16"), tmp_path / "run")
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}


def test_the_seed_decides(toy_data):
    first, second, other = (train.Batches(toy_data.training, 7, replace(CONFIG, seed=seed))[4][0] for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_every_picture_is_seen_once_an_epoch(toy_data):
    batches = train.Batches(toy_data.training, 7, replace(CONFIG, mixup=0.0))
    targets = np.concatenate([batches[step][1] for step in range(batches.per_epoch)])
    assert targets.sum(0).tolist() == [16] * 7


def test_a_taken_folder_and_a_missing_one_are_said(whole_run, toy_data, tmp_path):
    with pytest.raises(RunError, match="holds a run already"):
        train.start(toy_data, CONFIG, whole_run)
    with pytest.raises(RunError, match="not a run folder"):
        train.resume(toy_data, tmp_path)
    with pytest.raises(RunError, match=r"no model\.keras yet"):
        train.load_model(tmp_path)


def test_a_run_of_other_labels_or_a_damaged_checkpoint_is_said(whole_run, toy_data, tmp_path):
    other = Dataset(("a", *toy_data.labels[1:]), toy_data.training, toy_data.validation, toy_data.test)
    with pytest.raises(RunError, match="was trained on the labels"):
        train.resume(other, whole_run)
    folder = tmp_path / "damaged"
    folder.mkdir()
    for content, message in (("{", "is damaged"), ('{"labels": []}', "it lacks arch, batch_size")):
        (folder / train.CONFIG).write_text(content)
        with pytest.raises(RunError, match=message):
            train.read_config(folder)
    (folder / train.CONFIG).write_bytes((whole_run / train.CONFIG).read_bytes())
    (folder / train.CHECKPOINT).write_bytes((whole_run / train.CHECKPOINT).read_bytes()[:5000])
    with pytest.raises(RunError, match="is damaged"):
        train.resume(toy_data, folder)


def test_an_unknown_network_leaves_no_folder(toy_data, tmp_path):
    with pytest.raises(RunError, match="unknown architecture 'vast'; there are deep"):
        train.start(toy_data, replace(CONFIG, arch="vast"), tmp_path / "run")
    assert not (tmp_path / "run").exists()
