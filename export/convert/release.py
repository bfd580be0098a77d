"""A run folder → files in `models/`, each with its card and each through the parity gate."""

import io
import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np

from export.architectures import architecture
from export.convert import onnx, tflite
from export.convert.parity import FLOAT32, INT8, Parity, Tolerance, check
from export.datasets import Dataset
from export.errors import RunError
from export.train import load_model, predict, read_config
from ferlite.cards import card_path, sha256

# Haar's box covers 96.5 % of the side of FER-2013's pictures in the median, so the crop needs 1.8 % on every side:
# benchmarks/crop_margin.py measures it.
MARGIN = 0.018


Maker = Callable[[keras.Model, Dataset, int], bytes]
_MAKERS: dict[str, tuple[str, Maker, Tolerance]] = {
    "tflite-int8": (
        "-int8.tflite",
        lambda model, dataset, seed: tflite.int8(model, dataset.training.images, seed),
        INT8,
    ),
    "tflite-float32": ("-float32.tflite", lambda model, *_: tflite.float32(model), FLOAT32),
    "onnx-float32": ("-float32.onnx", lambda model, *_: onnx.float32(model), FLOAT32),
}


def convert(
    run: Path, dataset: Dataset, formats: Sequence[str], folder: Path, name: str | None = None
) -> dict[str, Parity]:
    """Convert the model of a run folder into `folder`; returns what the gate found, by file name.

    Files and cards appear only after all of them have passed; a ParityError leaves `folder` as it was.
    """
    config = read_config(run)
    if tuple(config["labels"]) != dataset.labels:
        raise RunError(f"{run} was trained on the labels {config['labels']}; this data has {list(dataset.labels)}")
    trained = load_model(run)
    plain = architecture(config["arch"]).deploy(trained)
    expected = predict(trained, dataset.validation.images)
    found = {}
    folder.mkdir(parents=True, exist_ok=True)
    # beside the target, so that the last step is a rename and never leaves half a file
    with tempfile.TemporaryDirectory(dir=folder, prefix=".converting-") as scratch:
        for kind in formats:
            suffix, make, tolerance = _MAKERS[kind]
            weights = Path(scratch, f"{name or config['arch']}{suffix}")
            with redirect_stdout(io.StringIO()):  # the converters print the whole graph
                weights.write_bytes(make(plain, dataset, config["seed"]))
            _write_card(weights, config, plain)  # the device runtime takes no weights without one
            parity = check(weights, dataset.validation.images, dataset.validation.labels, expected, tolerance)
            _write_card(weights, config, plain, parity)
            found[weights.name] = parity
        for file in found:
            for path in (Path(scratch, file), card_path(Path(scratch, file))):
                path.replace(folder / path.name)
    return found


def _write_card(weights: Path, config: dict, model: keras.Model, parity: Parity | None = None) -> None:
    _, height, width, channels = model.input_shape
    card = {
        "file": weights.name,
        "sha256": sha256(weights),
        "labels": config["labels"],
        "input": {
            "height": height,
            "width": width,
            "layout": "NHWC",
            "color": "grey" if channels == 1 else "bgr",
            "range": [0, 255],
        },
        "output": "logits",
        "margin": MARGIN,
        "architecture": config["arch"],
        "parameters": model.count_params(),
        "multiply_adds": multiply_adds(model),
        "training_data": "FER-2013, Training split",
        "license": "Apache-2.0; FER-2013 itself was released without an open licence",
        "training": {key: value for key, value in config.items() if key != "labels"},
    }
    if parity is not None:
        card["parity_on_validation"] = asdict(parity)
    card_path(weights).write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def multiply_adds(model: keras.Model) -> int:
    """Multiplications of one picture in the convolutions and dense layers of a deployed network."""
    total = 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            total += int(np.prod(layer.kernel.shape) * np.prod(layer.output.shape[1:3]))
        elif isinstance(layer, keras.layers.Dense):
            total += int(np.prod(layer.kernel.shape))
    return total
