import json
from dataclasses import replace

import numpy as np
import onnx
import pytest

from export.convert import FORMATS, parity
from export.errors import ParityError, RunError

pytestmark = pytest.mark.tensorflow
pytest.importorskip("keras")

from export import train  # noqa: E402
from export.convert import release  # noqa: E402
from export.evaluate import softmax, temperature  # noqa: E402
from ferlite import cards  # noqa: E402


def test_every_format_passes_the_gate_and_has_a_card(toy_run, toy_data, tmp_path):
    found = release.convert(toy_run, toy_data, list(FORMATS), tmp_path / "models", name="toy")
    assert set(found) == {"toy-int8.tflite", "toy-float32.tflite", "toy-int8.onnx", "toy-float32.onnx"}
    for name, result in found.items():
        card = cards.find(tmp_path / "models" / name)
        assert card.labels == toy_data.labels
        assert result.rows == 70
        assert card.notes["parity_on_validation"]["accuracy"] == result.accuracy
        assert card.notes["parameters"] == 1_203_223
        assert 129e6 < card.notes["multiply_adds"] < 130e6
    assert len(list((tmp_path / "models").iterdir())) == 8


def test_the_device_gives_the_trained_networks_probabilities(toy_run, toy_data, tmp_path):
    release.convert(toy_run, toy_data, ["tflite-float32"], tmp_path)
    logits = train.predict(train.load_model(toy_run), toy_data.test.images)
    expected = softmax(logits / cards.find(tmp_path / "toy-float32.tflite").temperature)
    found = parity.device_probabilities(tmp_path / "toy-float32.tflite", toy_data.test.images)
    assert np.abs(found - expected).max() < 1e-3


def test_a_logit_adjustment_is_in_the_file_and_in_its_card(toy_run, toy_data, tmp_path):
    rows = np.r_[0:112, 0:112:7, 0:112:7]  # the first label three times
    dataset = replace(toy_data, training=toy_data.training.take(rows))
    release.convert(toy_run, dataset, ["tflite-float32"], tmp_path, "even", logit_adjustment=0.5)
    card = cards.find(tmp_path / "even-float32.tflite")
    assert card.notes["logit_adjustment"] == 0.5
    logits = train.predict(train.load_model(toy_run), toy_data.test.images)
    found = parity.device_probabilities(card.weights, toy_data.test.images)
    expected = softmax((logits - 0.5 * np.log([3 / 9, *[1 / 9] * 6])) / card.temperature)
    assert np.abs(found - expected).max() < 1e-3


@pytest.fixture
def seeds(toy_run, tmp_path):
    """The run again, with other seeds and accuracies."""

    def make(seed, accuracy, epochs=5):
        folder = tmp_path / f"seed-{seed}"
        folder.mkdir()
        config = json.loads((toy_run / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {"seed": seed}))
        (folder / "log.csv").write_text("epoch,val_accuracy\n" + f"1,{accuracy}\n" * epochs)
        return folder

    return make


def test_the_card_says_how_far_seeds_are_apart(toy_run, toy_data, tmp_path, seeds):
    release.convert(toy_run, toy_data, ["tflite-float32"], tmp_path, seeds=[seeds(3, 0.7), seeds(2, 0.6)])
    found = cards.find(tmp_path / "toy-float32.tflite").notes["seeds"]
    assert [(one["seed"], one["validation_accuracy"]) for one in found] == [(1, 1.0), (2, 0.6), (3, 0.7)]


def test_runs_that_are_no_other_seeds(toy_run, toy_data, tmp_path, seeds):
    with pytest.raises(RunError, match=r"seed-1 is no other seed of .*toy; give runs that differ in their seeds alone"):
        release.convert(toy_run, toy_data, ["tflite-float32"], tmp_path, seeds=[seeds(1, 0.7)])
    with pytest.raises(RunError, match=r"seed-2 has 4 of its 5 epochs; go on with it by --resume"):
        release.convert(toy_run, toy_data, ["tflite-float32"], tmp_path, seeds=[seeds(2, 0.7, epochs=4)])


def test_weights_of_an_int8_onnx_file_overflow_no_processor(toy_run, toy_data, tmp_path):
    release.convert(toy_run, toy_data, ["onnx-int8"], tmp_path)
    graph = onnx.load(tmp_path / "toy-int8.onnx").graph
    weights = [onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer]
    kernels = [array for array in weights if array.dtype == np.int8 and array.ndim > 1]
    assert len(kernels) == 10  # nine convolutions and the dense layer
    assert max(int(np.abs(kernel.astype(int)).max()) for kernel in kernels) in (63, 64)


def test_onnx_is_written_once_for_both_precisions(toy_run, toy_data, tmp_path, monkeypatch):
    original, seen = release.onnx.float32, []
    monkeypatch.setattr(release.onnx, "float32", lambda model: seen.append(model) or original(model))
    release.convert(toy_run, toy_data, ["onnx-int8", "onnx-float32"], tmp_path)
    assert len(seen) == 1  # of `deep`, which has nothing to equalize


def test_a_conversion_outside_the_tolerance_leaves_nothing(toy_run, toy_data, tmp_path, monkeypatch):
    models = tmp_path / "models"
    original = release.tflite.float32

    def broken(model):
        layer = model.get_layer("stage1_block1")
        layer.set_weights([weight[::-1] if weight.ndim == 4 else -weight - 1 for weight in layer.get_weights()])
        return original(model)

    monkeypatch.setattr(release.tflite, "float32", broken)
    with pytest.raises(ParityError, match=r"toy-float32\.tflite is not what was trained: same label for"):
        release.convert(toy_run, toy_data, ["onnx-float32", "tflite-float32"], models)
    assert list(models.iterdir()) == []


def test_a_file_that_does_not_run_is_said(tmp_path, toy_data):
    (tmp_path / "bad.tflite").write_bytes(b"nothing")
    with pytest.raises(ParityError, match="does not run on the device runtime"):
        parity.device_probabilities(tmp_path / "bad.tflite", toy_data.test.images)


def test_the_cards_temperature_is_the_one_that_fits_the_file(toy_run, toy_data, tmp_path):
    rng = np.random.default_rng(0)
    wrong = np.where(rng.random(70) < 0.7, rng.integers(0, 7, 70), toy_data.validation.labels)  # a finite optimum
    dataset = replace(toy_data, validation=replace(toy_data.validation, labels=wrong))
    release.convert(toy_run, dataset, ["tflite-int8"], tmp_path)
    card = cards.find(tmp_path / "toy-int8.tflite")
    said = parity.device_probabilities(card.weights, dataset.validation.images)
    assert card.temperature != 1
    assert temperature(np.log(said), wrong) == pytest.approx(1, abs=0.02)
    release.convert(toy_run, toy_data, ["tflite-int8"], tmp_path)
    assert cards.find(tmp_path / "toy-int8.tflite").temperature == 1  # hardly ever wrong: nothing to go by
