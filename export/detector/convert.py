"""A detector's run folder → files in `models/detectors/`, each with its card and each through a gate."""

import io
import json
import tempfile
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from export.convert.parity import on_device
from export.convert.release import multiply_adds, write_card
from export.convert.representative import with_limits
from export.datasets.faces.types import FacePicture, FaceSet
from export.detector.network import deploy
from export.detector.scenes import Scenes
from export.detector.train import load_model, read_config
from export.detector.validation import SHARED, figures, letterboxed
from export.errors import ParityError
from export.runs import CONFIG
from ferlite.cards import card_path
from ferlite.detectors.ferlite import STRIDES

FORMATS = ("tflite-int8", "tflite-float32", "onnx-float32")
NAME = "face"
SCORE = 0.62  # of the card: Haar has 18 false boxes on validation and finds 69 % of the faces, this 15 and 86 %
# how much average precision and recall on validation a file may lose against the trained network
TOLERANCE = {"float32": 0.001, "int8": 0.01}
CALIBRATING = 300  # scenes of training on which the ranges of int8 are measured


def convert(run: Path, faces: FaceSet, formats: Sequence[str], folder: Path) -> dict[str, dict[str, float]]:
    """Convert the network of a run folder into `folder`; returns what the gate found, by file name.

    Files and cards appear only after all of them have passed; a ParityError leaves `folder` as it was.
    """
    config, trained = read_config(run), load_model(run)
    extra = json.loads((run / CONFIG).read_text(encoding="utf-8"))["data"].get("extra", 0)
    data = f"{faces.name}, training split" + f", and {extra} further pictures of faces" * (extra > 0)
    plain = deploy(trained)
    pictures = list(faces.validation)
    squares = _batches(pictures)
    expected = figures(pictures, np.concatenate([trained.predict_on_batch(square) for square in squares]))
    pixels = np.concatenate(squares).astype(np.uint8)
    scenes, rng = Scenes(list(faces.training), config.size), np.random.default_rng(config.seed)
    sample = np.stack([scenes(rng).image for _ in range(CALIBRATING)])[..., None].astype(np.float32)
    found = {}
    folder.mkdir(parents=True, exist_ok=True)
    # beside the target, so that the last step is a rename and never leaves half a file
    with tempfile.TemporaryDirectory(dir=folder, prefix=".converting-") as scratch:
        for kind in formats:
            extension, precision = kind.split("-")
            weights = Path(scratch, f"{NAME}-{precision}.{extension}")
            with redirect_stdout(io.StringIO()):  # the converters print the whole graph
                weights.write_bytes(_MAKERS[kind](plain, sample))
            card = _card(asdict(config), plain, data)
            write_card(weights, card)  # the device runtime takes no weights without one
            measured = figures(pictures, on_device(_VALUES, weights, pixels))
            lost = max(expected[name] - measured[name] for name in expected)
            if lost > TOLERANCE[precision]:
                raise ParityError(f"{weights.name} is not what was trained: {measured} against {expected}")
            found[weights.name] = measured
            write_card(weights, card | {"parity_on_validation": {"trained": expected, "here": measured}})
        for name in found:
            for path in (Path(scratch, name), card_path(Path(scratch, name))):
                path.replace(folder / path.name)
    return found


def _batches(pictures: Sequence[FacePicture]) -> list[np.ndarray]:
    return [letterboxed(pictures[start : start + 32]) for start in range(0, len(pictures), 32)]


def _float32(model: keras.Model, _: np.ndarray) -> bytes:
    import tensorflow as tf

    return tf.lite.TFLiteConverter.from_keras_model(model).convert()


def _int8(model: keras.Model, sample: np.ndarray) -> bytes:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([picture[None]] for picture in with_limits(sample))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # of statistics for an input that is pinned
        return converter.convert()


def _onnx(model: keras.Model, _: np.ndarray) -> bytes:
    from export.convert import onnx

    return onnx.float32(model)


_MAKERS: dict[str, Callable[[keras.Model, np.ndarray], bytes]] = {
    "tflite-int8": _int8,
    "tflite-float32": _float32,
    "onnx-float32": _onnx,
}


def _card(config: dict[str, Any], model: keras.Model, data: str) -> dict[str, Any]:
    at_scan = deploy_at(model, 128, 160)
    return {
        "kind": "detector",
        "strides": list(STRIDES),
        "score": SCORE,
        "overlap": SHARED,
        "smallest": 9,
        "largest": round(1.5 * config["size"]),
        "input": {"color": "grey", "range": [0, 255], "sides": "multiples of 32; to scan 160×128, to look 64×64"},
        "parameters": model.count_params(),
        "multiply_adds": {"160×128": at_scan, "64×64": deploy_at(model, 64, 64)},
        "training_data": data,
        "license": "Apache-2.0",
        "training": config,
    }


def deploy_at(model: keras.Model, height: int, width: int) -> int:
    """Multiplications for a picture of that size."""
    fixed = keras.models.clone_model(model, input_tensors=keras.Input(batch_shape=(1, height, width, 1), name="image"))
    return multiply_adds(fixed)


_VALUES = """
import sys
from pathlib import Path
import numpy as np
from ferlite import interpreters
weights, source, target = sys.argv[1:]
pictures = np.load(source)
engine = interpreters.load(Path(weights), shape=(1, *pictures.shape[1:]))
table = engine.input.table(0, 255)
np.save(target, np.concatenate([engine.run(table.take(picture)[None]) for picture in pictures]))
"""
