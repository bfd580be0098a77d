import pytest

from export.config import Config
from export.errors import RunError


@pytest.mark.parametrize(
    "setting",
    [
        {"arch": "vast"},
        {"width": 0.0},
        {"trainable": "some"},
        {"trainable": "0"},
        {"epochs": 0},
        {"batch_size": -1},
        {"optimizer": "newton"},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"learning_rate": float("inf")},
        {"schedule": "random"},
        {"warmup": -1.0},
        {"weight_decay": -1.0},
        {"augment": "wild"},
        {"mixup": 1.5},
        {"cutout": -0.5},
        {"balance": "tare"},
        {"label_smoothing": -0.1},
        {"ema": 2.0},
        {"distill": 1.5},
        {"views": -1},
        {"early_stopping": -1},
        {"precision": "float8"},
        {"seed": -1},
    ],
)
def test_settings_out_of_range_are_said(setting):
    ((name, value),) = setting.items()
    with pytest.raises(RunError, match=f"{name} is {value!r}"):
        Config(**setting)


def test_the_optimizer_brings_its_usual_learning_rate():
    assert Config(optimizer="sgd").learning_rate == 0.1
    assert Config(optimizer="adamw").learning_rate == 0.001
    assert Config(optimizer="adamw", learning_rate=0.01).learning_rate == 0.01


@pytest.mark.parametrize("value", ["all", "head", "12"])
def test_a_backbone_learns_as_far_as_one_says(value):
    assert Config(trainable=value, weights="imagenet").trainable == value


def test_layers_without_weights_to_keep_are_not_frozen():
    with pytest.raises(RunError, match="trainable is 'head', but there are no weights to keep"):
        Config(trainable="head")
