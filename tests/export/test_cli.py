import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from ferlite import cards


def export(*arguments, code=0, **environment):
    command = [sys.executable, "-m", "export", *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=600, check=False, env=os.environ | environment
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize("command", ["train", "convert", "evaluate"])
def test_help_needs_no_tensorflow_and_names_the_data(command):
    out = export(command, "--help").stdout
    assert "fer2013.csv" in out
    assert "default:" in out


def test_faults_are_one_line(tmp_path):
    weights = cards.find().weights
    assert "no such file" in export("evaluate", "--data", tmp_path / "none.csv", weights, code=1).stderr
    damaged = tmp_path / "fer2013.csv"
    damaged.write_text("emotion,pixels,Usage\n3,1 2 3,Training\n")
    assert "row 2: 3 pixels" in export("evaluate", "--data", damaged, weights, code=1).stderr
    assert "usage" in export("evaluate", code=2).stderr
    recorded = export("evaluate", "--data", damaged, "--record", tmp_path, code=1)
    assert "recorded in the card of a converted model" in recorded.stderr


def test_evaluate_a_released_model_without_tensorflow(data):
    path = data("data/fer2013/fer2013.csv.zip")
    report = json.loads(export("evaluate", "--data", path, "--json", cards.find().weights).stdout)
    assert report["split"] == "validation"
    assert report["rows"] == 3589
    assert report["accuracy"] == pytest.approx(cards.find().notes["parity_on_validation"]["accuracy"], abs=1e-5)


@pytest.mark.tensorflow
def test_train_convert_evaluate(toy_csv, tmp_path):
    run, models = tmp_path / "runs" / "toy", tmp_path / "models"
    data = ["--data", toy_csv]
    train = ["train", *data, "--runs", tmp_path / "runs", "--name", "toy"]
    settings = ["--epochs", 4, "--batch-size", 4, "--learning-rate", 0.02, "--mixup", 0]
    assert "next: python -m export convert" in export(*train, *settings).stdout
    assert "holds a run already" in export(*train, code=1).stderr
    export(*train, "--resume")
    converted = export("convert", *data, "--run", run, "--output", models, "--name", "toy").stdout
    assert "toy-int8.tflite" in converted
    released = models / "toy-float32.tflite"
    test = ["evaluate", *data, "--split", "test", "--json"]
    by_keras = json.loads(export(*test, run).stdout)
    by_device = json.loads(export(*test, "--record", released).stdout)
    assert by_device["accuracy"] == by_keras["accuracy"]
    assert cards.find(released).notes["accuracy"]["test"]["accuracy"] == by_device["accuracy"]


@pytest.mark.tensorflow
@pytest.mark.skipif(find_spec("jax") is None, reason="JAX is not installed; it comes with the extra `dev`")
def test_training_runs_on_jax(toy_csv, tmp_path):
    train = ["train", "--data", toy_csv, "--runs", tmp_path, "--epochs", 2, "--batch-size", 16]
    out = export(*train, KERAS_BACKEND="jax").stdout
    assert "epoch 2 of 2" in out
    assert json.loads((tmp_path / "deep" / "config.json").read_text())["environment"]["backend"] == "jax"
