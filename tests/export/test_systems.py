"""Every network one can train goes the whole way to the device."""

import gc
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

SETTINGS = {"batch_size": 4, "optimizer": "adamw", "augment": "none", "label_smoothing": 0.0, "ema": 0.8}
# what the patterns take; of a large network each epoch costs its weights and checkpoint, hundreds of megabytes
EPOCHS = {"cnn-512": 4, "mobilenet": 12, "mobilenetv2": 5}
FEWEST = 2
# one process, as imports take longer than a photo
READ = """
import sys
from ferlite.cli import main
photo, *models = sys.argv[1:]
sys.exit(max(main(["image", photo, "--model", model]) for model in models))
"""


@pytest.fixture(autouse=True)
def nothing_is_kept():
    """Keras and TensorFlow hold every network ever made."""
    yield
    keras.backend.clear_session()
    gc.collect()


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_it_trains_converts_and_reads_a_photo(arch, toy_data, tmp_path, portrait):
    train.start(toy_data, Config(arch=arch, epochs=EPOCHS.get(arch, FEWEST), **SETTINGS), tmp_path / arch)
    found = release.convert(tmp_path / arch, toy_data, list(FORMATS), tmp_path / "models")
    assert len(found) == len(FORMATS)
    photo = tmp_path / "photo.png"
    cv2.imwrite(str(photo), portrait)
    command = [sys.executable, "-c", READ, str(photo), *(str(tmp_path / "models" / name) for name in found)]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    read = [line for line in out.splitlines() if "%" in line]
    assert len(read) == len(FORMATS), out  # it has one face
    assert all(any(label in line for label in toy_data.labels) for line in read), out
