import json
import logging
import os
import re
import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path

import pytest

from export import cli
from ferlite import cards

ROOT = Path(__file__).parents[2]


def export(*arguments, code=0, **environment):
    command = [sys.executable, "-m", "export", *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=600, check=False, env=os.environ | environment
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_a_python_without_ferlite_is_told_of_the_one_that_has_it(tmp_path):
    venv.create(tmp_path, symlinks=os.name != "nt")
    python = tmp_path / "bin/python"
    done = subprocess.run([python, "-m", "export", "train"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 1
    assert re.fullmatch(rf"export: \w+ is not installed for {python}; .*activate.*\n", done.stderr)


def test_tensorflow_does_not_complain_of_a_model_for_each_epoch(caplog):
    cli.main(["results", "nowhere"])
    logger = logging.getLogger("tensorflow")
    logger.warning("%s out of the last %s calls to %s triggered tf.function retracing.", 5, 5, "predict")
    logger.warning("something else")
    assert caplog.messages == ["something else"]


@pytest.mark.parametrize(
    "command",
    [
        "train",
        "convert",
        "evaluate",
        "report",
        "ensemble",
        "search",
        "reproduce",
        "measure",
        "results",
        "data",
        "data fetch",
        "data check",
    ],
)
def test_help_needs_no_tensorflow(command):
    out = export(*command.split(), "--help", PYTHONPROFILEIMPORTTIME="1")
    assert "usage: python -m export" in out.stdout
    assert "default: None" not in out.stdout
    assert not {"keras", "tensorflow", "optuna"} & {line.rpartition("|")[2].strip() for line in out.stderr.splitlines()}


def test_faults_are_one_line(tmp_path):
    weights = cards.find().weights
    assert "no such file" in export("evaluate", "--data", tmp_path / "none.csv", weights, code=1).stderr
    damaged = tmp_path / "fer2013.csv"
    damaged.write_text("emotion,pixels,Usage\n3,1 2 3,Training\n")
    assert "row 2: 3 pixels" in export("evaluate", "--data", damaged, weights, code=1).stderr
    assert "usage" in export("evaluate", code=2).stderr
    assert "give the data by --data" in export("train", code=1).stderr
    assert "no such file" in export("train", "--data", tmp_path / "none.csv", code=1).stderr
    assert "not a run folder" in export("convert", "--run", tmp_path, code=1).stderr
    recorded = export("evaluate", "--data", damaged, "--record", tmp_path, code=1)
    assert "recorded in the card of a converted model" in recorded.stderr


def test_evaluate_a_released_model_without_tensorflow(data):
    path = data("data/fer2013/fer2013.csv.zip")
    report = json.loads(export("evaluate", "--data", path, "--json", cards.find().weights).stdout)
    assert report["split"] == "validation"
    assert report["rows"] == 3589
    assert report["accuracy"] == pytest.approx(cards.find().notes["parity_on_validation"]["accuracy"], abs=1e-5)


def test_evaluation_takes_the_labels_the_card_knows(data, toy_csv, make_network):
    model = make_network(labels=("happy", "sad"))
    unknown = export("evaluate", "--data", toy_csv, model, code=1).stderr
    assert "does not know angry, disgust, fear, surprise, neutral, which the data has; it knows happy, sad" in unknown
    assert "--labels happy,sad" in unknown
    found = json.loads(export("evaluate", "--data", toy_csv, "--labels", "sad,happy", "--json", model).stdout)
    assert list(found["recall"]) == ["happy", "sad"]
    assert found["rows"] == 20


@pytest.mark.tensorflow
def test_train_convert_evaluate(toy_csv, tmp_path):
    run, models = tmp_path / "runs" / "toy", tmp_path / "models"
    train = ["train", "--data", toy_csv, "--runs", tmp_path / "runs", "--name", "toy", "--tensorboard"]
    settings = ["--epochs", 4, "--batch-size", 4, "--learning-rate", 0.02, "--mixup", 0]
    assert "next: python -m export convert" in export(*train, *settings).stdout
    assert len(list((run / "tensorboard").iterdir())) == 4  # a file an epoch
    assert "holds a run already" in export(*train, code=1).stderr
    export("train", "--runs", tmp_path / "runs", "--name", "toy", "--resume")
    converted = export("convert", "--run", run, "--output", models).stdout
    assert "toy-int8.tflite" in converted
    card = (models / "toy-int8.tflite.json").read_text()
    assert str(tmp_path) not in card  # where the data lay is nobody else's business
    released = models / "toy-float32.tflite"
    by_keras = json.loads(export("evaluate", "--split", "test", "--json", run).stdout)
    by_device = json.loads(
        export("evaluate", "--split", "test", "--json", "--data", toy_csv, "--record", released).stdout
    )
    assert by_device["accuracy"] == by_keras["accuracy"]
    assert cards.find(released).notes["accuracy"]["test"]["accuracy"] == by_device["accuracy"]


@pytest.mark.tensorflow
def test_moved_data_is_given_anew(toy_csv, tmp_path):
    settings = ["--arch", "shallow", "--epochs", 1, "--labels", "happy,sad,neutral"]
    export("train", "--data", toy_csv, "--runs", tmp_path, *settings)
    moved = toy_csv.rename(tmp_path / "moved.csv")
    run = tmp_path / "shallow"
    assert "no such file" in export("evaluate", run, code=1).stderr
    found = json.loads(export("evaluate", run, "--data", moved, "--json").stdout)
    assert list(found["recall"]) == ["happy", "sad", "neutral"]


@pytest.mark.tensorflow
def test_what_a_run_was_spared_still_counts_as_a_repeat(toy_csv, tmp_path):
    rows = toy_csv.read_text().splitlines()
    copy = next(row for row in rows if row.endswith("PublicTest")).replace("PublicTest", "Training")
    toy_csv.write_text("\n".join([*rows, copy]))
    settings = ["--arch", "shallow", "--epochs", 1, "--drop-copies"]
    export("train", "--data", toy_csv, "--runs", tmp_path, *settings)
    found = json.loads(export("evaluate", tmp_path / "shallow", "--json").stdout)
    assert (found["rows"], found["rows_unseen"]) == (70, 69)


@pytest.mark.tensorflow
@pytest.mark.skipif(find_spec("jax") is None, reason="JAX is not installed; it comes with the extra `dev`")
def test_training_runs_on_jax(toy_csv, tmp_path):
    train = ["train", "--data", toy_csv, "--runs", tmp_path, "--epochs", 2, "--batch-size", 16]
    out = export(*train, KERAS_BACKEND="jax").stdout
    assert "epoch 2 of 2" in out
    assert json.loads((tmp_path / "deep" / "config.json").read_text())["environment"]["backend"] == "jax"
