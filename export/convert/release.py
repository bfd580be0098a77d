"""A run folder → files in `models/`, each with its card and each through the parity gate."""

import io
import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np

from export.architectures import architecture
from export.convert import onnx, tflite
from export.convert.adjustment import adjust, adjustment
from export.convert.equalize import equalized
from export.convert.parity import FLOAT32, INT8, Parity, compare, device_probabilities
from export.convert.representative import sample
from export.datasets import Dataset
from export.errors import RunError
from export.evaluate import device_temperature
from export.runs import load_model, predict, read_config, read_log, settings
from ferlite.cards import card_path, sha256

# Of FER-2013: Haar's box covers 96.5 % of the side of its pictures in the median, so the crop needs 1.8 % on every
# side: benchmarks/crop_margin.py measures it.
MARGIN = 0.018

_TOLERANCES = {"int8": INT8, "float32": FLOAT32}


def convert(
    run: Path,
    dataset: Dataset,
    formats: Sequence[str],
    folder: Path,
    name: str | None = None,
    margin: float | None = None,
    logit_adjustment: float = 0.0,
    seeds: Sequence[Path] = (),
) -> dict[str, Parity]:
    """Convert the model of a run folder into `folder`; returns what the gate found, by file name.

    `margin` is the part of a detected face's side that the training pictures show on every side around it.
    `logit_adjustment` is how much of the labels' shares in training is taken from the logits, 0…1.
    `seeds` are runs that differ from this one in nothing else; the card names the validation accuracy of all.
    Files and cards appear only after all of them have passed; a ParityError leaves `folder` as it was.
    """
    if margin is not None and not -0.4 <= margin <= 2:
        raise RunError(f"margin is {margin}; it has to be between -0.4 and 2")
    config = read_config(run)
    if tuple(config["labels"]) != dataset.labels:
        raise RunError(f"{run} was trained on the labels {config['labels']}; this data has {list(dataset.labels)}")
    trained = load_model(run)
    if logit_adjustment:
        adjust(trained, adjustment(dataset.training.labels, len(dataset.labels), logit_adjustment))
    plain = architecture(config["arch"]).deploy(trained)
    card = _card(config, plain, dataset, margin)
    if logit_adjustment:
        card["logit_adjustment"] = logit_adjustment
    if seeds:
        card["seeds"] = _of_seeds([run, *seeds])
    pictures = sample(dataset.training.images, config["seed"])
    expected = predict(trained, dataset.validation.images)
    makers, found = _makers(plain, pictures), {}
    folder.mkdir(parents=True, exist_ok=True)
    # beside the target, so that the last step is a rename and never leaves half a file
    with tempfile.TemporaryDirectory(dir=folder, prefix=".converting-") as scratch:
        for kind in formats:
            extension, precision = kind.split("-")
            weights = Path(scratch, f"{name or run.resolve().name}-{precision}.{extension}")
            with redirect_stdout(io.StringIO()):  # the converters print the whole graph
                weights.write_bytes(makers[kind]())
            write_card(weights, card)  # the device runtime takes no weights without one
            probabilities = device_probabilities(weights, dataset.validation.images)
            parity = compare(weights.name, probabilities, expected, dataset.validation.labels, _TOLERANCES[precision])
            heat = device_temperature(probabilities, dataset.validation.labels)
            write_card(weights, card | {"temperature": heat, "parity_on_validation": asdict(parity)})
            found[weights.name] = parity
        for file in found:
            for path in (Path(scratch, file), card_path(Path(scratch, file))):
                path.replace(folder / path.name)
    return found


def _makers(plain: keras.Model, pictures: np.ndarray) -> dict[str, Callable[[], bytes]]:
    """What makes each format; what two of them need is made once."""
    even = cache(lambda: equalized(plain, pictures))
    as_onnx = cache(onnx.float32)
    return {
        "tflite-int8": lambda: tflite.int8(even(), pictures),
        "tflite-float32": lambda: tflite.float32(plain),
        "onnx-int8": lambda: onnx.int8(as_onnx(even()), pictures),
        "onnx-float32": lambda: as_onnx(plain),
    }


def write_card(weights: Path, card: dict[str, Any]) -> None:
    """Write the card of a weights file beside it, with the file's name and checksum."""
    whole = {"file": weights.name, "sha256": sha256(weights)} | card
    card_path(weights).write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _card(config: dict[str, Any], model: keras.Model, dataset: Dataset, margin: float | None) -> dict[str, Any]:
    _, height, width, channels = model.input_shape
    is_fer = dataset.name.startswith("FER-2013")
    if margin is None:
        margin = MARGIN if is_fer else 0.0
    taken = {key: config["data"].get(key) for key in ("size", "color", "labels", "drop_copies")}
    return {
        "labels": config["labels"],
        "input": {
            "height": height,
            "width": width,
            "layout": "NHWC",
            "color": "grey" if channels == 1 else "rgb",
            "range": [0, 255],
        },
        "output": "logits",
        "margin": margin,
        "architecture": config["arch"],
        "parameters": model.count_params(),
        "multiply_adds": multiply_adds(model),
        "training_data": f"{dataset.name}, training split",
        # of pictures that are the user's own we cannot know
        **({"license": "Apache-2.0; FER-2013 itself was released without an open licence"} if is_fer else {}),
        # without the paths, which are nobody else's business
        "training": {key: value for key, value in config.items() if key not in ("labels", "weights")}
        | {"data": taken, "teacher": config["teacher"] and Path(config["teacher"]).name},
    }


def _of_seeds(runs: Sequence[Path]) -> list[dict[str, Any]]:
    """The best validation accuracy of runs that differ in their seeds alone, as trained. Raises RunError."""
    found: dict[int, float] = {}
    same = replace(settings(read_config(runs[0])), seed=0)
    for run in runs:
        config, log = settings(read_config(run)), read_log(run)
        if replace(config, seed=0) != same or config.seed in found:
            raise RunError(f"{run} is no other seed of {runs[0]}; give runs that differ in their seeds alone")
        if len(log) < config.epochs and not config.early_stopping:
            raise RunError(f"{run} has {len(log)} of its {config.epochs} epochs; go on with it by --resume")
        found[config.seed] = max(float(row["val_accuracy"]) for row in log)
    return [{"seed": seed, "validation_accuracy": accuracy} for seed, accuracy in sorted(found.items())]


def multiply_adds(model: keras.Model) -> int:
    """Multiplications of one picture in the convolutions and dense layers of a deployed network."""
    total = 0
    for layer in model.layers:
        kernels = (getattr(layer, name, None) for name in ("kernel", "depthwise_kernel", "pointwise_kernel"))
        places = int(np.prod(layer.output.shape[1:-1]))  # 1 of a dense layer
        total += sum(int(np.prod(kernel.shape)) * places for kernel in kernels if kernel is not None)
    return total
