"""Train one network on one data set into one run folder; an interrupted run goes on at the exact step.

The loop is backend-neutral Keras 3. What a step does depends on nothing but the seed and the step's number, and a
checkpoint holds everything else (weights, optimiser, averages, dropout state), so a resumed run sees the same batches
in the same order as one left alone.

A run folder holds `config.json` (settings, seed, versions), `log.csv` and `curves.png` (one row an epoch),
`checkpoint.npz` (to resume) and `model.keras` (the averaged weights of the epoch best on validation).
"""

import csv
import json
import math
import platform
import signal
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
from keras import ops
from tqdm import tqdm

from export.architectures import architecture
from export.augment import augment, mixup
from export.config import Config
from export.datasets import Dataset, Split
from export.errors import RunError
from ferlite.device import OPENCV, versions

CHECKPOINT, MODEL, CONFIG, LOG, CURVES = "checkpoint.npz", "model.keras", "config.json", "log.csv", "curves.png"


class Batches:
    """Step number → augmented batch: pictures (b, h, w, 1) float32 0…255 and targets (b, classes) float32."""

    def __init__(self, split: Split, classes: int, config: Config) -> None:
        self.split = split
        self.config = config
        self.size = min(config.batch_size, len(split))
        self.per_epoch = len(split) // self.size  # the few left over change from epoch to epoch
        self.targets = np.eye(classes, dtype=np.float32)

    def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        epoch, position = divmod(step, self.per_epoch)
        order = np.random.default_rng([self.config.seed, epoch]).permutation(len(self.split))
        chosen = order[position * self.size : (position + 1) * self.size]
        rng = np.random.default_rng([self.config.seed, epoch, position])
        images = augment(self.split.images[chosen], rng)
        targets = self.targets[self.split.labels[chosen]]
        if rng.random() < self.config.mixup:
            images, targets = mixup(images, targets, rng)
        return images[..., None], targets

    def prefetched(self, steps: range) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The batches of `steps` in order, each made while the one before it is learnt."""
        with ThreadPoolExecutor(1) as pool:
            upcoming = None
            for step in steps:
                current = upcoming or pool.submit(self.__getitem__, step)
                upcoming = pool.submit(self.__getitem__, step + 1) if step + 1 < steps.stop else None
                yield current.result()


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


def start(dataset: Dataset, config: Config, folder: Path) -> keras.Model:
    """Train from scratch into a new `folder`; returns the best model. Raises RunError where the folder is taken."""
    if (folder / CONFIG).exists():
        raise RunError(f"{folder} holds a run already; go on with it by --resume, or choose another --name")
    architecture(config.arch)  # known, before anything is written
    folder.mkdir(parents=True, exist_ok=True)
    record = {**asdict(config), "labels": dataset.labels, "environment": _environment()}
    (folder / CONFIG).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return _train(dataset, config, folder)


def resume(dataset: Dataset, folder: Path) -> keras.Model:
    """Go on with the run in `folder` where its checkpoint stands, under its own settings."""
    record = read_config(folder)
    if tuple(record["labels"]) != dataset.labels:
        raise RunError(f"{folder} was trained on the labels {record['labels']}; this data has {list(dataset.labels)}")
    config = Config(**{name: record[name] for name in Config.__dataclass_fields__})
    return _train(dataset, config, folder)


def read_config(folder: Path) -> dict:
    """The recorded settings of a run folder, with `labels` and `environment`."""
    try:
        record = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(
            f"{folder} is not a run folder: it has no {CONFIG}; train one with `python -m export train`"
        ) from None
    except ValueError as error:
        raise RunError(f"{folder / CONFIG} is damaged: {error}") from error
    missing = {"labels", *Config.__dataclass_fields__} - set(record)
    if missing:
        raise RunError(f"{folder / CONFIG} is damaged: it lacks {', '.join(sorted(missing))}")
    return record


def load_model(folder: Path) -> keras.Model:
    """The trained network of a run folder."""
    path = folder / MODEL
    if not path.exists():
        raise RunError(f"{folder} has no {MODEL} yet; finish an epoch with `python -m export train` first")
    return keras.models.load_model(path, compile=False)


def predict(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Pictures (n, h, w) uint8 → logits (n, classes) float32."""
    return model.predict(images[..., None].astype(np.float32), batch_size=256, verbose=0)


def _compiled(dataset: Dataset, config: Config) -> keras.Model:
    keras.utils.set_random_seed(config.seed)
    model = _build(dataset, config, config.precision)
    steps = config.epochs * Batches(dataset.training, len(dataset.labels), config).per_epoch
    optimizer = keras.optimizers.SGD(
        keras.optimizers.schedules.CosineDecay(config.learning_rate, steps),
        momentum=0.9,
        nesterov=True,
        weight_decay=config.weight_decay,
    )
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


def _build(dataset: Dataset, config: Config, precision: str) -> keras.Model:
    size = dataset.training.images.shape[1]
    with _dtype_policy(precision):
        return architecture(config.arch).build(size=size, classes=len(dataset.labels), seed=config.seed)


def _train(dataset: Dataset, config: Config, folder: Path) -> keras.Model:
    model = _compiled(dataset, config)
    averages = Averages(model, config.ema)
    state = model.variables + model.optimizer.variables + averages.variables
    if (folder / CHECKPOINT).exists():  # else at most one epoch is lost by starting over
        _restore(state, folder / CHECKPOINT)
    batches = Batches(dataset.training, len(dataset.labels), config)
    first, last = int(model.optimizer.iterations), config.epochs * batches.per_epoch
    rows = [row for row in _read_log(folder / LOG) if int(row["step"]) <= first]
    best = max((float(row["val_accuracy"]) for row in rows), default=-math.inf)
    began = time.monotonic()
    sums: Counter[str] = Counter()
    with _graceful_stop() as stop, tqdm(total=last, initial=first, unit="step", smoothing=0.01, disable=None) as bar:
        for step, (images, targets) in enumerate(batches.prefetched(range(first, last)), start=first + 1):
            sums.update(model.train_on_batch(images, targets, return_dict=True), steps=1)
            means = {name: float(sums[name] / sums["steps"]) for name in ("loss", "accuracy")}
            averages.update(step)
            bar.update()
            bar.set_postfix({name: f"{value:.3f}" for name, value in means.items()} | {"best": f"{best:.4f}"})
            if step % batches.per_epoch == 0:
                with averages.applied():
                    measured = _measure(model, dataset.validation)
                    if measured["val_accuracy"] > best:
                        best = measured["val_accuracy"]
                        with _replacing(folder / MODEL) as partial:
                            _as_float32(model, dataset, config).save(partial)
                sums.clear()
                rows.append(
                    {"epoch": step // batches.per_epoch, "step": step, **means, **measured}
                    | {"learning_rate": float(model.optimizer.learning_rate), "seconds": time.monotonic() - began}
                )
                bar.write(
                    f"epoch {rows[-1]['epoch']} of {config.epochs}: loss {means['loss']:.4f}, accuracy "
                    f"{means['accuracy']:.4f}, validation {measured['val_accuracy']:.4f}, best {best:.4f}"
                )
                _write_log(rows, folder / LOG)
                _plot(rows, folder / CURVES)
            if step % batches.per_epoch == 0 or stop():
                _save(state, folder / CHECKPOINT)
            if stop():
                raise KeyboardInterrupt(f"stopped after step {step} of {last}; go on with --resume")
    return load_model(folder)


def _measure(model: keras.Model, split: Split) -> dict[str, float]:
    logits = predict(model, split.images)
    loss = keras.losses.sparse_categorical_crossentropy(split.labels, logits, from_logits=True)
    return {
        "val_loss": float(ops.mean(loss)),
        "val_accuracy": float(np.mean(logits.argmax(1) == split.labels)),
    }


def _as_float32(model: keras.Model, dataset: Dataset, config: Config) -> keras.Model:
    twin = _build(dataset, config, "float32")
    twin.set_weights(model.get_weights())
    return twin


@contextmanager
def _dtype_policy(name: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextmanager
def _graceful_stop() -> Iterator:
    """SIGINT and SIGTERM end the run after the step in progress, with a checkpoint; yields a function that says so."""
    received: list[int] = []
    before = {s: signal.signal(s, lambda number, _: received.append(number)) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _save(state: list[keras.Variable], path: Path) -> None:
    # Keras' own format leaves out the dropout state and the optimiser's list of undecayed weights
    with _replacing(path) as partial:
        np.savez(partial, *(ops.convert_to_numpy(v) for v in state))


def _restore(state: list[keras.Variable], path: Path) -> None:
    try:
        with path.open("rb") as file, np.load(file) as saved:  # given a path, it leaves a bad file open
            for variable, name in zip(state, saved.files, strict=True):
                variable.assign(saved[name])
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise RunError(f"{path} is damaged or of another network: {error}; delete it to start over") from error


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A path to write to, renamed to `path` at the end: a kill in mid-write leaves the old file whole."""
    partial = path.with_name(f"partial-{path.name}")
    yield partial
    partial.replace(path)


def _read_log(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write_log(rows: list[dict], path: Path) -> None:
    with _replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def _plot(rows: list[dict], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    epochs = [int(row["epoch"]) for row in rows]
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        axes.plot(epochs, [float(row[name]) for row in rows], label="training (augmented, smoothed labels)")
        axes.plot(epochs, [float(row[f"val_{name}"]) for row in rows], label="validation (averaged weights)")
        axes.set(xlabel="epoch", ylabel=name)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=110)


def _environment() -> dict[str, str]:
    backend = keras.backend.backend()
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "backend": backend,
        **versions("keras", backend, "numpy", *OPENCV),
    }
