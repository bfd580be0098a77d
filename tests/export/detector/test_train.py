import json
import signal
import subprocess
import sys

import cv2
import keras
import numpy as np
import pytest

from export.cli import main
from export.datasets.faces.types import Faces, FaceSet
from export.detector import train
from export.detector.config import DetectorConfig
from export.detector.losses import DetectionLoss
from export.detector.network import build, deploy
from export.detector.targets import FACE, Assigner
from export.detector.validation import measure
from export.errors import RunError
from ferlite import synthetic
from ferlite.detectors.ferlite import cells

pytestmark = pytest.mark.tensorflow
TINY = DetectorConfig(width=0.25, size=64, epochs=3, steps=3, batch_size=4, warmup=0, mining=1)


@pytest.fixture(autouse=True)
def few_scenes_to_settle(monkeypatch):
    monkeypatch.setattr(train, "SETTLING", 8)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A set of drawn scenes; the boxes are where the drawing says."""
    folder = tmp_path_factory.mktemp("drawn")
    pictures = []
    for number in range(6):
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), synthetic.scene(number, number % 2, (320, 240)))
        faces = Faces()
        if number % 2:
            faces.add((130, 80, 60, 80), [145, 110, 175, 110, 160, 125, 147, 140, 173, 140])
        pictures.append(faces.picture(path))
    return FaceSet(pictures, pictures[:2], "drawn")


def test_the_network_at_any_size_and_as_it_is_deployed():
    keras.utils.set_random_seed(0)
    model = build(None, 0.25)
    rng = np.random.default_rng(0)
    for layer in model.layers:  # statistics that folding has to get right
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    plain = deploy(model)
    for height, width in ((64, 64), (96, 160)):
        image = rng.integers(0, 256, (1, height, width, 1)).astype(np.float32)
        values = np.asarray(model(image, training=False))
        assert values.shape == (1, len(cells(height, width)), 15)
        np.testing.assert_allclose(np.asarray(plain(image)), values, atol=2e-3, rtol=1e-3)
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in plain.layers)


def test_the_loss_falls_to_nothing_where_all_is_right():
    grid = cells(64, 64)
    boxes, points = np.array([[10, 12, 20, 24]], np.float32), np.full((1, 5, 2), 20, np.float32)
    targets = Assigner.of(64, 64)(boxes, points, np.zeros(1, bool))[None]
    right = np.zeros((1, len(grid), 15), np.float32)
    right[..., 0] = np.where(targets[..., 0] == FACE, 6, -6)
    right[..., 1:3] = (targets[..., 1:3] - grid[:, :2]) / grid[:, 2:]
    right[..., 3:5] = 2 * (np.log(np.maximum(targets[..., 3:5], 1) / grid[:, 2:]) - 1)
    for axis, side in ((0, 3), (1, 4)):
        away = targets[..., 5 + axis : 15 : 2] - grid[:, axis, None]
        right[..., 5 + axis :: 2] = 4 * away / np.maximum(targets[..., side, None], 1)
    loss = DetectionLoss(grid)
    assert float(loss(targets, right)) < 1e-2
    for column in (0, 1, 3, 7):  # each part of it counts
        wrong = right.copy()
        wrong[..., column] += 1.5 if column else -6
        assert float(loss(targets, wrong)) > 0.05
    assert np.isfinite(float(loss(np.zeros_like(targets), right)))


def test_a_run_goes_on_where_it_was_stopped(drawn, tmp_path, monkeypatch):
    train.start(drawn, TINY, tmp_path / "whole", measure)
    learn = train._Training.learn

    def learn_and_stop(self, images, targets):
        learn(self, images, targets)
        if self.step == 7:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(train._Training, "learn", learn_and_stop)
    with pytest.raises(KeyboardInterrupt, match="stopped after step 7 of 9"):
        train.start(drawn, TINY, tmp_path / "stopped", measure)
    monkeypatch.setattr(train._Training, "learn", learn)
    train.resume(drawn, tmp_path / "stopped", measure)
    states = []
    for name in ("whole", "stopped"):
        rows = (tmp_path / name / "log.csv").read_text().splitlines()
        assert len(rows) == 4
        assert rows[0] == "epoch,step,loss,average_precision,recall,mistakes,learning_rate,seconds"
        with np.load(tmp_path / name / "checkpoint.npz") as saved:
            states.append([saved[key] for key in saved.files])
    for mine, other in zip(*states, strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-4)
    assert train.load_model(tmp_path / "stopped").output_shape[2] == 15


def test_a_taken_folder_and_a_missing_run(drawn, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(RunError, match="holds a run already"):
        train.start(drawn, TINY, tmp_path, measure)
    with pytest.raises(RunError, match="not the run folder of a detector"):
        train.load_model(tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"size": 100}, "size is 100"),
        ({"steps": 0}, "steps is 0"),
        ({"mosaic": 2}, "mosaic is 2"),
        ({"precision": "int4"}, "precision is 'int4'"),
        ({"learning_rate": -1}, "learning_rate is -1"),
        ({"seed": -1}, "seed is -1"),
        ({"mining": -1}, "mining is -1"),
        ({"share_extra": 1.5}, "share_extra is 1.5"),
        ({"schedule": "spiral"}, "schedule is 'spiral'"),
    ],
)
def test_settings_out_of_range(changes, said):
    with pytest.raises(RunError, match=said):
        DetectorConfig(**changes)


def test_training_and_conversion_by_the_commands(drawn, tmp_path, capsys):
    """From pictures to files that ferlite runs: two steps teach nothing, but the files say what the network says."""
    data = tmp_path / "data"
    for split, pictures in (("train", drawn.training), ("val", drawn.validation)):
        for picture in pictures:
            target = data / "images" / split / picture.path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(picture.path.read_bytes())
            labels = data / "labels" / split / f"{picture.path.stem}.txt"
            labels.parent.mkdir(parents=True, exist_ok=True)
            rows = [f"0 {(x + w / 2) / 320} {(y + h / 2) / 240} {w / 320} {h / 240}" for x, y, w, h in picture.boxes]
            labels.write_text("\n".join(rows))
    settings = ["--width", "0.25", "--size", "64", "--epochs", "1", "--steps", "2", "--batch-size", "4"]
    sources = ["--data", str(data), "--extra", str(data)]
    assert main(["train-detector", *sources, "--runs", str(tmp_path), *settings]) == 0
    assert json.loads((tmp_path / "face" / "config.json").read_text())["data"]["extra"] == 6
    output = tmp_path / "models"
    assert (
        main(["convert-detector", "--data", str(data), "--run", str(tmp_path / "face"), "--output", str(output)]) == 0
    )
    assert "face-int8.tflite: average precision" in capsys.readouterr().out
    card = json.loads((output / "face-int8.tflite.json").read_text())
    assert (card["kind"], card["strides"], card["training"]["size"]) == ("detector", [8, 16, 32], 64)
    code = (
        "import sys; from ferlite.detectors.ferlite import FerliteDetector; import numpy as np;"
        "print([len(FerliteDetector(path, score=0.001)(np.zeros((90, 120), 'u1'))) >= 0 for path in sys.argv[1:]])"
    )
    files = sorted(str(path) for path in output.iterdir() if path.suffix != ".json")
    assert len(files) == 3
    done = subprocess.run([sys.executable, "-c", code, *files], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[True, True, True]"
