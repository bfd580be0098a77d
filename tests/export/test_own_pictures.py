"""A folder of pictures with labels of one's own, from the check to the device, as the README has it."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

from ferlite import synthetic

pytestmark = pytest.mark.tensorflow
pytest.importorskip("keras")

LOOKS = {"bored": "neutral", "curious": "surprise", "cheerful": "happy"}


@pytest.fixture
def pictures(tmp_path):
    rng = np.random.default_rng(0)
    for label, expression in LOOKS.items():
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for number in range(30):
            drawn = synthetic.face(expression, synthetic.SKINS[rng.integers(5)], synthetic.HAIRS[rng.integers(5)])
            side, x, y = rng.integers(150, 190), *rng.integers(-8, 8, 2)
            top, left = 150 - side // 2 + y, 150 - side // 2 + x
            face = drawn[top : top + side, left : left + side] + rng.normal(0, 6, (side, side, 3))
            cv2.imwrite(str(tmp_path / "pictures" / label / f"{number}.jpg"), np.clip(face, 0, 255).astype(np.uint8))
    return tmp_path / "pictures"


def command(module, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_pictures_of_ones_own_become_a_model_that_reads_a_photo(pictures, tmp_path):
    data = ["--data", pictures, "--size", 64, "--color", "rgb"]
    assert "curious" in command("export", "data", "check", *data)
    settings = ["--arch", "shallow", "--optimizer", "adamw", "--augment", "classic", "--batch-size", 8, "--epochs", 15]
    command("export", "train", *data, "--runs", tmp_path / "runs", "--name", "mine", *settings)
    command("export", "convert", "--run", tmp_path / "runs" / "mine", "--output", tmp_path, "--margin", 0.1)
    card = json.loads((tmp_path / "mine-int8.tflite.json").read_text())
    assert card["labels"] == ["bored", "cheerful", "curious"]
    assert card["input"]["color"] == "rgb"
    assert card["margin"] == 0.1
    assert "FER-2013" not in json.dumps(card)
    photo = tmp_path / "photo.png"
    cv2.imwrite(str(photo), synthetic.face("surprise", synthetic.SKINS[0], synthetic.HAIRS[0]))
    read = json.loads(command("ferlite", "image", "--json", "--model", tmp_path / "mine-int8.tflite", photo))
    largest = max(read["faces"], key=lambda face: face["box"][2])
    assert largest["label"] == "curious"
