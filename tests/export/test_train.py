import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from export.config import Config
from export.datasets import Dataset
from export.errors import RunError

pytestmark = pytest.mark.tensorflow
pytest.importorskip("keras")

from export import runs, train  # noqa: E402
from export.batches import Batches  # noqa: E402

CONFIG = Config(epochs=2, batch_size=16, seed=5)


def state(folder):
    with np.load(folder / runs.CHECKPOINT) as saved:
        return [saved[name] for name in saved.files]


@pytest.fixture(scope="module")
def whole_run(toy_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "whole"
    train.start(toy_data, CONFIG, folder)
    return folder


def test_a_run_folder_holds_what_it_should(whole_run, toy_data):
    assert {path.name for path in whole_run.iterdir()} == {
        runs.CHECKPOINT,
        runs.CONFIG,
        runs.CURVES,
        runs.LOG,
        runs.MODEL,
    }
    config = json.loads((whole_run / runs.CONFIG).read_text())
    assert config["seed"] == 5
    assert config["labels"] == list(toy_data.labels)
    assert {"keras", "backend", "python"} <= set(config["environment"])
    rows = runs.read_log(whole_run)
    assert [(row["epoch"], row["step"]) for row in rows] == [("1", "7"), ("2", "14")]


@pytest.mark.parametrize("stop_at", [3, 7, 10])
def test_an_interrupted_run_ends_as_one_left_alone(whole_run, toy_data, tmp_path, monkeypatch, stop_at):
    original = Batches.__getitem__

    def interrupt(self, step):
        if step == stop_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(self, step)

    folder = tmp_path / "stopped"
    monkeypatch.setattr(Batches, "__getitem__", interrupt)
    with pytest.raises(KeyboardInterrupt, match=r"stopped after step .* --resume"):
        train.start(toy_data, CONFIG, folder)
    monkeypatch.setattr(Batches, "__getitem__", original)
    train.resume(toy_data, folder)
    assert all(np.array_equal(a, b) for a, b in zip(state(whole_run), state(folder), strict=True))
    ours, theirs = (runs.read_log(path) for path in (folder, whole_run))
    assert [row["val_accuracy"] for row in ours] == [row["val_accuracy"] for row in theirs]


def test_it_learns(toy_data, toy_run):
    model = runs.load_model(toy_run)
    accuracy = np.mean(runs.predict(model, toy_data.validation.images).argmax(1) == toy_data.validation.labels)
    assert accuracy > 0.8


def test_mixed_precision_saves_a_float32_model(toy_data, tmp_path):
    model = train.start(toy_data, replace(CONFIG, epochs=1, precision="mixed_bfloat16"), tmp_path / "run")
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}


def test_a_killed_run_ends_as_one_left_alone(toy_csv, tmp_path):
    settings = ["--epochs", "2", "--batch-size", "16", "--arch", "shallow"]
    command = [sys.executable, "-m", "export", "train", "--data", str(toy_csv), "--runs", str(tmp_path), *settings]
    subprocess.run([*command, "--name", "whole"], check=True, capture_output=True)
    slow = [sys.executable, "-c", _SLOW_FROM_STEP_10, *command[3:], "--name", "killed"]
    with subprocess.Popen(slow, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert any("in the second epoch" in line for line in process.stdout)
        process.kill()
    assert not list((tmp_path / "killed").glob("partial-*"))
    subprocess.run([*command, "--name", "killed", "--resume"], check=True, capture_output=True)
    assert all(np.array_equal(a, b) for a, b in zip(state(tmp_path / "whole"), state(tmp_path / "killed"), strict=True))


_SLOW_FROM_STEP_10 = """
import sys, time
from export import cli
from export.batches import Batches
original = Batches.__getitem__
def slow(self, step):
    if step == 10:
        print("in the second epoch", flush=True)
        time.sleep(60)
    return original(self, step)
Batches.__getitem__ = slow
sys.exit(cli.main(sys.argv[1:]))
"""


def test_a_run_without_progress_is_stopped_early(toy_data, tmp_path):
    config = replace(CONFIG, arch="shallow", epochs=9, early_stopping=2, learning_rate=1e-12, ema=0.0, augment="none")
    train.start(toy_data, config, tmp_path / "run")
    found = [float(row["val_accuracy"]) for row in runs.read_log(tmp_path / "run")]
    assert len(found) < 9
    assert len(found) - 1 - found.index(max(found)) == 2
    train.resume(toy_data, tmp_path / "run")  # it is over
    assert len(runs.read_log(tmp_path / "run")) == len(found)


def test_every_epoch_is_told_when_it_is_on_disk(toy_data, tmp_path):
    folder, told = tmp_path / "run", []

    def on_epoch(row):
        assert runs.read_log(folder)[-1]["epoch"] == str(row["epoch"])
        assert (folder / runs.CHECKPOINT).exists()
        told.append(row["epoch"])

    train.start(toy_data, replace(CONFIG, arch="shallow"), folder, on_epoch=on_epoch)
    assert told == [1, 2]


def test_a_setting_the_network_lacks_is_said_before_anything_is_written(toy_data, tmp_path):
    with pytest.raises(RunError, match="weights is 'imagenet'; of deep it has to be the folder of a trained run"):
        train.start(toy_data, replace(CONFIG, weights="imagenet"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_starts_from_the_weights_of_another(whole_run, toy_data, tmp_path):
    still = replace(CONFIG, epochs=1, learning_rate=1e-12, weights=str(whole_run))
    model = train.start(toy_data, still, tmp_path / "next")
    images = toy_data.validation.images
    expected = runs.predict(runs.load_model(whole_run), images)
    # what is left are the batch statistics, which are measured anew
    assert np.mean(runs.predict(model, images).argmax(1) == expected.argmax(1)) > 0.9
    kernels = [[v.numpy() for v in network.trainable_variables] for network in (model, runs.load_model(whole_run))]
    assert all(np.allclose(one, other, atol=1e-6) for one, other in zip(*kernels, strict=True))
    with pytest.raises(RunError, match=r"whole holds another network: its layers are not those of nano for"):
        train.start(toy_data, replace(still, arch="nano"), tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    "settings",
    [{"optimizer": "adamw", "schedule": "one-cycle"}, {"balance": "weights"}, {"balance": "sampling", "mixup": 1.0}],
)
def test_every_way_to_train_learns(toy_data, tmp_path, settings):
    fixed = {"arch": "shallow", "epochs": 6, "batch_size": 4, "learning_rate": 0.002, "augment": "none", "ema": 0.9}
    model = train.start(toy_data, Config(**fixed | settings), tmp_path / "run")
    accuracy = np.mean(runs.predict(model, toy_data.validation.images).argmax(1) == toy_data.validation.labels)
    assert accuracy > 0.8


def test_a_taken_folder_and_a_missing_one_are_said(whole_run, toy_data, tmp_path):
    with pytest.raises(RunError, match="holds a run already"):
        train.start(toy_data, CONFIG, whole_run)
    with pytest.raises(RunError, match="not a run folder"):
        train.resume(toy_data, tmp_path)
    with pytest.raises(RunError, match=r"no model\.keras yet"):
        runs.load_model(tmp_path)


def test_a_run_of_other_labels_or_a_damaged_checkpoint_is_said(whole_run, toy_data, tmp_path):
    other = Dataset(("a", *toy_data.labels[1:]), toy_data.training, toy_data.validation, toy_data.test)
    with pytest.raises(RunError, match="was trained on the labels"):
        train.resume(other, whole_run)
    folder = tmp_path / "damaged"
    folder.mkdir()
    for content, message in (("{", "is damaged"), ('{"labels": []}', "it lacks arch, data")):
        (folder / runs.CONFIG).write_text(content)
        with pytest.raises(RunError, match=message):
            runs.read_config(folder)
    (folder / runs.CONFIG).write_bytes((whole_run / runs.CONFIG).read_bytes())
    (folder / runs.CHECKPOINT).write_bytes((whole_run / runs.CHECKPOINT).read_bytes()[:5000])
    with pytest.raises(RunError, match="is damaged"):
        train.resume(toy_data, folder)
