"""Several trained networks as one, whose logits are the mean of theirs; a run folder like any other."""

import json
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from export.architectures import ENSEMBLE, architecture
from export.datasets import Dataset, Split
from export.errors import RunError
from export.runs import CONFIG, MODEL, check_free, load_model, predict, read_config, replacing


def ensemble(runs: Sequence[Path], dataset: Dataset, folder: Path) -> float:
    """Join `runs` into a new run `folder`; returns its accuracy on the validation split. Raises RunError.

    The folder's settings are those of the first run; `members` lists all, each with its own accuracy there.
    """
    check_free(folder)
    if len(runs) < 2:
        raise RunError(f"an ensemble needs at least two runs, not {len(runs)}")
    records = [read_config(run) for run in runs]
    for run, record in zip(runs[1:], records[1:], strict=True):
        if record["labels"] != records[0]["labels"]:
            raise RunError(f"{run} knows {record['labels']}, {runs[0]} knows {records[0]['labels']}")
    members = [
        architecture(record["arch"]).deploy(load_model(run), batch=None)
        for run, record in zip(runs, records, strict=True)
    ]
    for run, member in zip(runs[1:], members[1:], strict=True):
        if member.input_shape != members[0].input_shape:
            raise RunError(f"{run} takes {member.input_shape[1:]}, {runs[0]} takes {members[0].input_shape[1:]}")
    model = joined(members)
    accuracies = [_accuracy(network, dataset.validation) for network in members]
    about = [
        {"name": run.resolve().name, "arch": record["arch"], "seed": record["seed"], "validation_accuracy": accuracy}
        for run, record, accuracy in zip(runs, records, accuracies, strict=True)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / MODEL) as partial:
        model.save(partial)
    record = records[0] | {"arch": ENSEMBLE, "members": about}
    (folder / CONFIG).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return _accuracy(model, dataset.validation)


def joined(members: Sequence[keras.Model]) -> keras.Model:
    """One flat network on the members' common input."""
    inputs = keras.Input(members[0].input_shape[1:], name="image")
    outputs = []
    for number, member in enumerate(members, start=1):
        twin = keras.models.clone_model(member, inputs, clone_function=lambda layer, n=number: _renamed(layer, n))
        twin.set_weights(member.get_weights())
        outputs.append(twin.output)
    return keras.Model(inputs, keras.layers.Average(dtype="float32", name="logits")(outputs), name=ENSEMBLE)


def _accuracy(model: keras.Model, split: Split) -> float:
    return float(np.mean(predict(model, split.images).argmax(1) == split.labels))


def _renamed(layer: keras.Layer, number: int) -> keras.Layer:
    return layer.__class__.from_config({**layer.get_config(), "name": f"member{number}_{layer.name}"})
