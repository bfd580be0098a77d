from dataclasses import replace

import numpy as np
import pytest

from export.config import Config
from export.errors import RunError
from ferlite.errors import ModelError

pytestmark = pytest.mark.tensorflow
pytest.importorskip("keras")

from export import runs, train  # noqa: E402
from export.convert.parity import device_probabilities  # noqa: E402
from export.convert.release import convert  # noqa: E402
from export.datasets import Dataset  # noqa: E402
from export.distillation import teacher_of  # noqa: E402

CONFIG = Config(arch="shallow", epochs=6, batch_size=4, optimizer="adamw", learning_rate=0.002, augment="none", ema=0.9)


def test_without_a_teacher_there_is_none(toy_data):
    assert teacher_of(CONFIG, toy_data) is None


def test_a_teacher_says_what_its_network_does(toy_run, toy_data):
    images = toy_data.test.images[..., None].astype(np.float32)
    answers = teacher_of(replace(CONFIG, teacher=str(toy_run)), toy_data)(images)
    logits = runs.predict(runs.load_model(toy_run), toy_data.test.images)
    assert answers.dtype == np.float32
    assert np.allclose(answers.sum(1), 1, atol=1e-5)
    assert np.allclose(np.log(answers) - np.log(answers[:, :1]), logits - logits[:, :1], atol=1e-2)


def test_a_teacher_is_as_sure_as_it_is_right(toy_run, toy_data):
    images = toy_data.test.images[..., None].astype(np.float32)
    config = replace(CONFIG, teacher=str(toy_run))
    sure = teacher_of(config, toy_data)(images)
    labels = np.where(np.arange(70) % 2, toy_data.validation.labels, np.arange(70) // 2 % 7)
    half_wrong = replace(toy_data, validation=replace(toy_data.validation, labels=labels))
    unsure = teacher_of(config, half_wrong)(images)
    assert (unsure.argmax(1) == sure.argmax(1)).all()
    assert sure.max(1).mean() > 0.75
    assert unsure.max(1).mean() == pytest.approx(0.55, abs=0.1)


@pytest.fixture(scope="module")
def converted(toy_run, toy_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    convert(toy_run, toy_data, ["tflite-float32"], folder, "teacher")
    return folder / "teacher-float32.tflite"


def test_a_converted_teacher_says_what_ferlite_does(converted, toy_data):
    images = toy_data.test.images[..., None].astype(np.float32)
    answers = teacher_of(replace(CONFIG, teacher=str(converted)), toy_data)(images + 0.3)
    assert answers.dtype == np.float32
    assert np.allclose(answers, device_probabilities(converted, toy_data.test.images), atol=1e-6)


def test_a_converted_teacher_that_does_not_fit_is_an_error(converted, toy_data, tmp_path):
    config, folder = replace(CONFIG, teacher=str(converted)), tmp_path / "student"
    other = Dataset(("a", *toy_data.labels[1:]), toy_data.training, toy_data.validation, toy_data.test)
    with pytest.raises(RunError, match=r"teacher-float32\.tflite knows the labels"):
        train.start(other, config, folder)
    nothing = tmp_path / "nothing.tflite"
    nothing.write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"nothing\.tflite"):
        train.start(toy_data, replace(config, teacher=str(nothing)), folder)
    assert not folder.exists()


def test_a_student_learns_from_answers_without_a_true_label(toy_run, toy_data, tmp_path):
    nonsense = replace(toy_data.training, labels=toy_data.training.labels[::-1].copy())
    config = replace(CONFIG, teacher=str(toy_run), views=2, label_smoothing=0.0)
    model = train.start(replace(toy_data, training=nonsense), config, tmp_path / "student")
    accuracy = np.mean(runs.predict(model, toy_data.validation.images).argmax(1) == toy_data.validation.labels)
    assert accuracy > 0.8
    assert runs.read_config(tmp_path / "student")["teacher"] == str(toy_run)


def test_a_teacher_that_is_missing_or_does_not_fit_is_said_before_anything_is_written(toy_run, toy_data, tmp_path):
    config, folder = replace(CONFIG, teacher=str(toy_run)), tmp_path / "student"
    other = Dataset(("a", *toy_data.labels[1:]), toy_data.training, toy_data.validation, toy_data.test)
    small = replace(toy_data, training=replace(toy_data.training, images=toy_data.training.images[:, :32, :32]))
    for dataset, settings, message in (
        (toy_data, replace(config, teacher=str(tmp_path / "none")), "not a run folder"),
        (other, config, "the teacher .* knows the labels"),
        (small, config, r"the teacher .* takes pictures \(48, 48, 1\); this data has \(32, 32, 1\)"),
    ):
        with pytest.raises(RunError, match=message):
            train.start(dataset, settings, folder)
        assert not folder.exists()
