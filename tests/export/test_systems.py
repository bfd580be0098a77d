"""Every network one can train goes the whole way to the device."""

import gc
import os
import subprocess
import sys

import cv2
import pytest

pytestmark = pytest.mark.tensorflow
keras = pytest.importorskip("keras")

from export import train  # noqa: E402
from export.architectures import ARCHITECTURES  # noqa: E402
from export.config import Config  # noqa: E402
from export.convert import FORMATS, release  # noqa: E402

SETTINGS = {
    "epochs": 6,
    "early_stopping": 2,
    "batch_size": 4,
    "optimizer": "adamw",
    "augment": "none",
    "label_smoothing": 0.0,
    "ema": 0.8,
}


@pytest.fixture(autouse=True)
def nothing_is_kept():
    """Keras and TensorFlow hold every network ever made."""
    yield
    keras.backend.clear_session()
    gc.collect()


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_it_trains_converts_and_reads_a_photo(arch, toy_data, tmp_path, portrait):
    train.start(toy_data, Config(arch=arch, **SETTINGS), tmp_path / arch)
    found = release.convert(tmp_path / arch, toy_data, list(FORMATS), tmp_path / "models")
    assert len(found) == len(FORMATS)
    photo = tmp_path / "photo.png"
    cv2.imwrite(str(photo), portrait)
    for name in found:
        command = [sys.executable, "-m", "ferlite", "image", str(photo), "--model", str(tmp_path / "models" / name)]
        out = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | {"COLUMNS": "200"})
        assert any(label in out.stdout for label in toy_data.labels), out.stdout
