"""Train one network on one data set into one run folder; an interrupted run goes on at the exact step.

The loop is backend-neutral Keras 3. What a step does depends on nothing but the seed and the step's number, and a
checkpoint holds everything else (weights, optimiser, averages, dropout state), so a resumed run sees the same batches
in the same order as one left alone. Several workers make the same batches, and each learns from its share.
"""

import csv
import inspect
import json
import math
import platform
import signal
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from tqdm import tqdm

from export.architectures import architecture
from export.batches import Batch, Batches, prefetched
from export.config import Config
from export.curves import curves
from export.datasets import Dataset, Split
from export.distillation import teacher_of
from export.distribution import Workers
from export.errors import RunError
from export.runs import (
    CHECKPOINT,
    CONFIG,
    CURVES,
    LOG,
    MODEL,
    check_free,
    load_model,
    predict,
    read_config,
    read_log,
    replacing,
)
from export.runs import settings as settings_of
from export.schedules import Schedule
from export.statistics import settle
from ferlite.device import OPENCV, versions

SETTLING = 2048  # pictures for the batch statistics of the averaged weights

Row = dict[str, Any]
OnEpoch = Callable[[Row], None]


class Averages:
    """Exponential moving averages of all weights of a model, batch statistics included.

    The average that Keras optimisers offer leaves the statistics out, so averaged kernels would meet the statistics of
    other kernels: at a high learning rate such a model guesses.
    """

    def __init__(self, model: keras.Model, momentum: float) -> None:
        self.momentum = momentum
        self.weights = model.weights
        # copies, here and below: on JAX a training step consumes the arrays it is given
        self.variables = [keras.Variable(ops.copy(v), trainable=False) for v in self.weights]

    def update(self, step: int) -> None:
        momentum = min(self.momentum, (1 + step) / (10 + step))  # a young average forgets its random start
        for average, weight in zip(self.variables, self.weights, strict=True):
            average.assign(momentum * average + (1 - momentum) * weight)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The averages in the place of the weights."""
        current = [ops.copy(v) for v in self.weights]
        for weight, average in zip(self.weights, self.variables, strict=True):
            weight.assign(ops.copy(average))
        yield
        for weight, value in zip(self.weights, current, strict=True):
            weight.assign(value)


def start(
    dataset: Dataset,
    config: Config,
    folder: Path,
    data: dict[str, Any] | None = None,
    on_epoch: OnEpoch | None = None,
    workers: Workers | None = None,
) -> keras.Model:
    """Train from scratch into a new `folder`; returns the best model. Raises RunError where the folder is taken.

    `data` is recorded: how the data set was read. `on_epoch` is called with every new row of the log, when all that
    belongs to the epoch is on disk. Of several `workers` the chief alone writes; the others return what they trained.
    """
    workers = workers or Workers()
    if workers.is_chief:
        check_free(folder)
    batches = _batches(dataset, config)  # all that can be wrong is, before anything is written
    model = _compiled(dataset, config, config.weights, workers)
    if workers.is_chief:
        folder.mkdir(parents=True, exist_ok=True)
        record = {**asdict(config), "labels": dataset.labels, "data": data or {}, "environment": _environment()}
        (folder / CONFIG).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return _train(_Training(model, dataset, batches, folder, workers), on_epoch)


def resume(
    dataset: Dataset, folder: Path, on_epoch: OnEpoch | None = None, workers: Workers | None = None
) -> keras.Model:
    """Go on with the run in `folder` where its checkpoint stands, under its own settings."""
    workers = workers or Workers()
    record = read_config(folder)
    if tuple(record["labels"]) != dataset.labels:
        raise RunError(f"{folder} was trained on the labels {record['labels']}; this data has {list(dataset.labels)}")
    config = settings_of(record)
    batches = _batches(dataset, config)
    weights = None if (folder / CHECKPOINT).exists() else config.weights
    model = _compiled(dataset, config, weights, workers)
    return _train(_Training(model, dataset, batches, folder, workers), on_epoch)


def _train(training: "_Training", on_epoch: OnEpoch | None) -> keras.Model:
    workers, batches = training.workers, training.batches
    first, last = training.step, training.config.epochs * batches.per_epoch
    if first % batches.per_epoch == 0 and workers.any(training.is_over()):
        return training.result()
    hidden = None if workers.is_chief else True  # None: where there is no terminal
    with graceful_stop() as stop, tqdm(total=last, initial=first, unit="step", smoothing=0.01, disable=hidden) as bar:
        for step, batch in enumerate(prefetched(batches.__getitem__, range(first, last)), start=first + 1):
            training.learn(batch, step)
            bar.update()
            bar.set_postfix(training.so_far())
            is_epoch = step % batches.per_epoch == 0
            if is_epoch and workers.is_chief:
                bar.write(training.end_epoch(step))
            stopping = workers.any(stop())
            if (is_epoch or stopping) and workers.is_chief:
                training.save()
            if is_epoch and workers.is_chief and on_epoch:
                on_epoch(training.rows[-1])
            if stopping:
                raise KeyboardInterrupt(f"stopped after step {step} of {last}; go on with --resume")
            if is_epoch and workers.any(training.is_over()):
                break
    return training.result()


class _Training:
    """All that changes while a run goes on, and its files."""

    def __init__(self, model: keras.Model, dataset: Dataset, batches: Batches, folder: Path, workers: Workers) -> None:
        self.model, self.dataset, self.batches, self.folder, self.workers = model, dataset, batches, folder, workers
        self.config = config = batches.config
        self.averages = Averages(model, config.ema)
        self._state = model.variables + model.optimizer.variables + self.averages.variables
        if workers.is_chief and (folder / CHECKPOINT).exists():  # else at most one epoch is lost by starting over
            restore(self._state, folder / CHECKPOINT)
        workers.share(self._state)
        self.step = int(ops.convert_to_numpy(model.optimizer.iterations))
        self.rows: list[Row] = [row for row in read_log(folder) if int(row["step"]) <= self.step]
        self._sums: Counter[str] = Counter()
        chosen = np.random.default_rng(config.seed).permutation(len(dataset.training))[:SETTLING]
        self._sample = dataset.training.images[np.sort(chosen)]
        self._began = time.monotonic()

    def learn(self, batch: Batch, step: int) -> None:
        """One step."""
        self._sums.update(self.workers.train_step(self.model, *batch), steps=1)
        if self.workers.is_chief:  # the others have no use for them
            self.averages.update(step)

    def so_far(self) -> dict[str, str]:
        """The means of this epoch until now, and the best validation accuracy, for people."""
        return {name: f"{value:.3f}" for name, value in self._means().items()} | {"best": f"{self._best():.4f}"}

    def end_epoch(self, step: int) -> str:
        """Measure, keep the model if it is the best, write the log; returns a line for people."""
        means = self._means()
        with self.averages.applied():
            still = self._as_float32()  # a model of its own: Keras' predict takes all workers together
        settle(still, self._sample)
        measured = _measure(still, self.dataset.validation)
        if _merit(measured) > max(map(_merit, self.rows), default=(-math.inf, -math.inf)):
            with replacing(self.folder / MODEL) as partial:
                still.save(partial)
        epoch = step // self.batches.per_epoch
        rate = float(self.model.optimizer.learning_rate)
        self.rows.append(
            {"epoch": epoch, "step": step, **means, **measured}
            | {"learning_rate": rate, "seconds": time.monotonic() - self._began}
        )
        self._sums.clear()
        _write_log(self.rows, self.folder / LOG)
        curves(self.rows, self.config).savefig(self.folder / CURVES, dpi=110)
        return (
            f"epoch {epoch} of {self.config.epochs}: loss {means['loss']:.4f}, accuracy {means['accuracy']:.4f}, "
            f"validation {measured['val_accuracy']:.4f}, best {self._best():.4f}"
        )

    def save(self) -> None:
        """Write the checkpoint."""
        # Keras' own format leaves out the dropout state and the optimiser's list of undecayed weights
        with replacing(self.folder / CHECKPOINT) as partial, partial.open("wb") as file:
            np.savez(file, *(ops.convert_to_numpy(v) for v in self._state))

    def is_over(self) -> bool:
        """Whether early stopping ends the run after the epochs so far."""
        patience, found = self.config.early_stopping, [float(row["val_accuracy"]) for row in self.rows]
        return bool(patience and found) and len(found) - 1 - found.index(max(found)) >= patience

    def result(self) -> keras.Model:
        """The best model."""
        return load_model(self.folder) if self.workers.is_chief else self.model

    def _means(self) -> dict[str, float]:
        return {name: float(self._sums[name] / self._sums["steps"]) for name in ("loss", "accuracy")}

    def _best(self) -> float:
        return max((float(row["val_accuracy"]) for row in self.rows), default=-math.inf)

    def _as_float32(self) -> keras.Model:
        twin = _build(self.dataset, self.config, "float32")
        twin.set_weights(self.model.get_weights())
        return twin


def _batches(dataset: Dataset, config: Config) -> Batches:
    return Batches(dataset.training, len(dataset.labels), config, teacher_of(config, dataset))


def _compiled(dataset: Dataset, config: Config, weights: str | None, workers: Workers) -> keras.Model:
    keras.utils.set_random_seed(config.seed)
    batches = Batches(dataset.training, len(dataset.labels), config)
    workers.check_batch(batches.size)
    workers.check_same(f"{config} {dataset.labels} {[array.tobytes() for array in batches[0]]}")
    with workers.scope():
        model = _build(dataset, config, config.precision, weights)
        rate = Schedule(config, batches.per_epoch)
        if config.optimizer == "sgd":
            optimizer = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=config.weight_decay)
        else:
            optimizer = keras.optimizers.AdamW(rate, weight_decay=config.weight_decay)
        optimizer.exclude_from_weight_decay(var_names=["scale", "gamma", "beta", "bias"])
        model.compile(
            optimizer,
            keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=config.label_smoothing),
            metrics=["accuracy"],
            # XLA is slower than plain TensorFlow on CPUs
            jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
        )
        optimizer.build(model.trainable_variables)
    return model


def _build(dataset: Dataset, config: Config, precision: str, weights: str | None = None) -> keras.Model:
    build = architecture(config.arch).build
    defaults = Config()
    run = Path(weights) if weights is not None and Path(weights).is_dir() else None
    options = {"width": config.width, "weights": None if run else weights, "trainable": config.trainable}
    options = {name: value for name, value in options.items() if value != getattr(defaults, name)}
    for name in options:
        if name not in inspect.signature(build).parameters:
            if name == "weights":
                raise RunError(f"weights is {weights!r}; of {config.arch} it has to be the folder of a trained run")
            raise RunError(f"{config.arch} has no setting {name}; leave it out, or choose another architecture")
    channels = 1 if dataset.color == "grey" else 3
    with dtype_policy(precision):
        model = build(size=dataset.size, channels=channels, classes=len(dataset.labels), seed=config.seed, **options)
    if run is not None:
        _take_weights(model, run, config.arch)
    return model


def _take_weights(model: keras.Model, run: Path, arch: str) -> None:
    weights = load_model(run).get_weights()
    if [array.shape for array in weights] != [array.shape for array in model.get_weights()]:
        raise RunError(
            f"{run} holds another network: its layers are not those of {arch} for pictures of {model.input_shape[1]} "
            f"pixels and {model.output_shape[-1]} labels; start from a run of the same settings"
        )
    model.set_weights(weights)


def _merit(row: Row) -> tuple[float, float]:
    """By what epochs are compared: the accuracy on validation, and the loss where that is the same."""
    return float(row["val_accuracy"]), -float(row["val_loss"])


def _measure(model: keras.Model, split: Split) -> dict[str, float]:
    logits = predict(model, split.images)
    loss = keras.losses.sparse_categorical_crossentropy(split.labels, logits, from_logits=True)
    return {
        "val_loss": float(ops.mean(loss)),
        "val_accuracy": float(np.mean(logits.argmax(1) == split.labels)),
    }


@contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextmanager
def graceful_stop() -> Iterator:
    """SIGINT and SIGTERM end the run after the step in progress, with a checkpoint; yields a function that says so."""
    received: list[int] = []
    before = {s: signal.signal(s, lambda number, _: received.append(number)) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def restore(state: list[keras.Variable], path: Path) -> None:
    try:
        with path.open("rb") as file, np.load(file) as saved:  # given a path, it leaves a bad file open
            for variable, name in zip(state, saved.files, strict=True):
                variable.assign(saved[name])
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise RunError(f"{path} is damaged or of another network: {error}; delete it to start over") from error


def _write_log(rows: list[Row], path: Path) -> None:
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def _environment() -> dict[str, str]:
    backend = keras.backend.backend()
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "backend": backend,
        **versions("keras", backend, "numpy", *OPENCV),
    }
