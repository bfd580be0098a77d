import pytest

from export.config import Config
from export.errors import RunError


@pytest.mark.parametrize(
    "setting",
    [
        {"epochs": 0},
        {"batch_size": -1},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"weight_decay": -1.0},
        {"mixup": 1.5},
        {"label_smoothing": -0.1},
        {"ema": 2.0},
        {"precision": "float8"},
        {"seed": -1},
    ],
)
def test_settings_out_of_range_are_said(setting):
    ((name, value),) = setting.items()
    with pytest.raises(RunError, match=f"{name} is {value!r}"):
        Config(**setting)
