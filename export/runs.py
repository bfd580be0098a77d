"""Run folders: what training leaves behind and everything after it reads.

A run folder holds `config.json` (settings, labels, data, versions), `log.csv` and `curves.png` (one row an epoch),
`checkpoint.npz` (to resume), `model.keras` (the averaged weights of the epoch best on validation), and `tensorboard/`
if that was asked for.
"""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from export.batches import with_channels
from export.config import Config
from export.errors import RunError

if TYPE_CHECKING:
    import keras

CHECKPOINT, MODEL, CONFIG, LOG, CURVES = "checkpoint.npz", "model.keras", "config.json", "log.csv", "curves.png"
TENSORBOARD = "tensorboard"


def check_free(folder: Path) -> None:
    """Raise RunError where `folder` holds a run already."""
    if (folder / CONFIG).exists():
        raise RunError(f"{folder} holds a run already; go on with it by --resume, or choose another --name")


def read_config(folder: Path) -> dict[str, Any]:
    """The recorded settings of a run folder, with `labels`, `data` and `environment`. Raises RunError."""
    try:
        record = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(
            f"{folder} is not a run folder: it has no {CONFIG}; train one with `python -m export train`"
        ) from None
    except (OSError, ValueError) as error:
        raise RunError(f"{folder / CONFIG} is damaged: {error}") from error
    needed = {"labels", "data", "arch"}
    missing = needed - set(record) if isinstance(record, dict) else needed
    if missing:
        raise RunError(f"{folder / CONFIG} is damaged or of another version: it lacks {', '.join(sorted(missing))}")
    return asdict(Config()) | record  # a run from before a setting came was trained as if it had its default


def settings(record: dict[str, Any]) -> Config:
    """The Config in a record of `read_config`."""
    return Config(**{field.name: record[field.name] for field in fields(Config)})


def load_model(folder: Path) -> "keras.Model":
    """The trained network of a run folder: raw pixels 0…255 (n, h, w, c) → logits (n, classes). Raises RunError."""
    import keras

    from export.architectures import architecture

    path = folder / MODEL
    if not path.exists():
        raise RunError(f"{folder} has no {MODEL} yet; finish an epoch with `python -m export train` first")
    architecture(read_config(folder)["arch"])  # its layers have to be known before they are loaded
    try:
        return keras.models.load_model(path, compile=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} is damaged: {error}") from error


def predict(model: "keras.Model", images: np.ndarray) -> np.ndarray:
    """Pictures (n, h, w[, 3]) of any dtype, 0…255 → logits (n, classes) float32."""
    chunks = (with_channels(images[start : start + 256]).astype(np.float32) for start in range(0, len(images), 256))
    return np.concatenate([np.asarray(model.predict_on_batch(chunk)) for chunk in chunks])


def read_log(folder: Path) -> list[dict[str, str]]:
    """One row an epoch: epoch, step, loss, accuracy, val_loss, val_accuracy, learning_rate, seconds."""
    path = folder / LOG
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to, renamed to `path` at the end: a kill in mid-write leaves the old file whole."""
    partial = path.with_name(f"partial-{path.name}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
