"""Train the detector into a run folder; an interrupted run goes on at the exact step.

Backend-neutral Keras 3. What a step sees depends on nothing but the seed, the step's number, and the mistakes that the
network made an epoch earlier: the next step's scenes are made while one is learnt.
"""

import csv
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from tqdm import tqdm

from export.batches import prefetched
from export.datasets.faces.types import FacePicture, FaceSet
from export.detector import mining
from export.detector.config import DetectorConfig
from export.detector.losses import DetectionLoss
from export.detector.network import build
from export.detector.scenes import Mistake, Scenes
from export.detector.targets import COLUMNS, Assigner
from export.errors import RunError
from export.runs import CHECKPOINT, CONFIG, LOG, MODEL, check_free, replacing
from export.schedules import Schedule
from export.statistics import settle
from export.train import Averages, dtype_policy, graceful_stop, restore
from ferlite.device import OPENCV, versions

SETTLING = 1024  # scenes for the batch statistics of the averaged weights
MISTAKES = "mistakes.npz"
AVERAGED = 5  # steps from one averaging of the weights to the next, which takes a quarter of a step's time

Row = dict[str, Any]
Measure = Callable[[keras.Model, list[FacePicture]], dict[str, float]]
"""The figures of a network on pictures; the first one decides which epoch is kept."""


class SceneBatches:
    """Step number → scenes (b, size, size, 1) float32 and targets (b, cells, 16) float32."""

    def __init__(self, faces: FaceSet, config: DetectorConfig) -> None:
        self.config = config
        self.pictures = list(faces.training)
        self.scenes = Scenes(
            self.pictures, config.size, config.share_empty, config.mosaic, faces.extra, config.share_extra
        )
        self.assign = Assigner.of(config.size, config.size)
        self._mistakes: dict[int, list[Mistake]] = {}

    def learn_from(self, mined: Mapping[int, mining.Mined]) -> None:
        """Show the mistakes that were mined after each epoch, from an epoch later on until there are newer ones."""
        self._mistakes = {epoch: mining.as_mistakes(rows, self.pictures) for epoch, rows in mined.items()}

    def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([self.config.seed, step])
        count, size = self.config.batch_size, self.config.size
        images = np.empty((count, size, size, 1), np.float32)
        targets = np.empty((count, len(self.assign.grid), COLUMNS), np.float32)
        known = self._mistakes
        latest = max((epoch for epoch in known if epoch < step // self.config.steps), default=None)
        mistakes = [] if latest is None else known[latest]
        for number in range(count):
            scene = self.scenes(rng, mistakes)
            images[number, :, :, 0] = scene.image
            targets[number] = self.assign(scene.boxes, scene.landmarks, scene.ignored)
        return images, targets


def start(
    faces: FaceSet, config: DetectorConfig, folder: Path, measure: Measure, data: dict[str, Any] | None = None
) -> keras.Model:
    """Train from scratch into a new `folder`; returns the best model. Raises RunError where the folder is taken."""
    check_free(folder)
    batches = SceneBatches(faces, config)
    folder.mkdir(parents=True, exist_ok=True)
    environment = {"python_packages": versions("keras", "tensorflow", "jax", "torch", "numpy", *OPENCV)}
    record = {**asdict(config), "data": data or {}, "backend": keras.backend.backend(), "environment": environment}
    (folder / CONFIG).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return _train(_Training(batches, list(faces.validation), folder, measure))


def resume(faces: FaceSet, folder: Path, measure: Measure) -> keras.Model:
    """Go on with the run in `folder` where its checkpoint stands, under its own settings."""
    batches = SceneBatches(faces, read_config(folder))
    return _train(_Training(batches, list(faces.validation), folder, measure))


def read_config(folder: Path) -> DetectorConfig:
    """The settings of a run folder. Raises RunError."""
    try:
        record = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        record = {"share_extra": 0.0, "mining": 0} | record  # without which older runs were
        return DetectorConfig(**{field.name: record[field.name] for field in fields(DetectorConfig)})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(f"{folder} is not the run folder of a detector: {error}") from error


def load_model(folder: Path) -> keras.Model:
    """The trained network of a run folder: raw pixels 0…255 (n, h, w, 1) → (n, cells, 15). Raises RunError."""
    read_config(folder)
    path = folder / MODEL
    if not path.exists():
        raise RunError(f"{folder} has no {MODEL} yet; finish an epoch first")
    try:
        return keras.models.load_model(path, compile=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} is damaged: {error}") from error


def _train(training: "_Training") -> keras.Model:
    config = training.config
    last = config.epochs * config.steps
    with graceful_stop() as stop, tqdm(total=last, initial=training.step, unit="step", smoothing=0.01) as bar:
        for images, targets in prefetched(training.batches.__getitem__, range(training.step, last)):
            training.learn(images, targets)
            bar.update()
            is_epoch = training.step % config.steps == 0
            if is_epoch:
                bar.write(training.end_epoch())
            if is_epoch or stop():
                training.save()
            if stop():
                raise KeyboardInterrupt(f"stopped after step {training.step} of {last}; go on with --resume")
    return load_model(training.folder)


class _Training:
    """All that changes while a run goes on, and its files."""

    def __init__(self, batches: SceneBatches, validation: list[FacePicture], folder: Path, measure: Measure) -> None:
        self.batches, self.validation, self.folder, self.measure = batches, validation, folder, measure
        self.config = config = batches.config
        keras.utils.set_random_seed(config.seed)
        with dtype_policy(config.precision):
            self.model = build(config.size, config.width)
        optimizer = keras.optimizers.AdamW(
            Schedule(config, config.steps), weight_decay=config.weight_decay, global_clipnorm=10.0
        )
        optimizer.exclude_from_weight_decay(var_names=["scale", "gamma", "beta", "bias"])
        self.model.compile(
            optimizer,
            DetectionLoss(batches.assign.grid),
            # XLA is slower than plain TensorFlow on CPUs
            jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
        )
        optimizer.build(self.model.trainable_variables)
        self.averages = Averages(self.model, config.ema**AVERAGED)
        self._state = self.model.variables + optimizer.variables + self.averages.variables
        if (folder / CHECKPOINT).exists():
            restore(self._state, folder / CHECKPOINT)
        self.step = int(ops.convert_to_numpy(optimizer.iterations))
        self.rows: list[Row] = [row for row in _read_log(folder / LOG) if int(row["step"]) <= self.step]
        self._mined = {epoch: rows for epoch, rows in mining.load(folder / MISTAKES).items() if epoch <= self._epoch}
        batches.learn_from(self._mined)
        self._sums: Counter[str] = Counter()
        self._began = time.monotonic()

    @property
    def _epoch(self) -> int:
        return self.step // self.config.steps

    def learn(self, images: np.ndarray, targets: np.ndarray) -> None:
        """One step."""
        loss = float(self.model.train_on_batch(images, targets))
        if not np.isfinite(loss):
            raise RunError(f"the loss of step {self.step} is {loss}; choose a lower learning rate")
        self._sums.update(loss=loss, steps=1)
        self.step += 1
        if self.step % AVERAGED == 0:
            self.averages.update(self.step // AVERAGED)

    def end_epoch(self) -> str:
        """Measure, keep the network if it is the best, write the log; returns a line for people."""
        with self.averages.applied():
            still = build(None, self.config.width)
            still.set_weights(self.model.get_weights())
        count = -(-SETTLING // self.config.batch_size)
        sample = np.concatenate([self.batches[1_000_000 + step][0][..., 0] for step in range(count)])
        settle(still, sample.astype(np.uint8))
        measured = self.measure(still, self.validation)
        merit = next(iter(measured))
        best = max((float(row[merit]) for row in self.rows), default=-1.0)
        if measured[merit] > best:
            with replacing(self.folder / MODEL) as partial:
                still.save(partial)
        epoch = self._epoch
        mistakes = self._mine(still) if self.config.mining and epoch % self.config.mining == 0 else ""
        loss = self._sums["loss"] / self._sums["steps"]
        rate = float(self.model.optimizer.learning_rate)
        self.rows.append(
            {"epoch": epoch, "step": self.step, "loss": loss, **measured, "mistakes": mistakes}
            | {"learning_rate": rate, "seconds": time.monotonic() - self._began}
        )
        self._sums.clear()
        with replacing(self.folder / LOG) as partial, partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, self.rows[0])
            writer.writeheader()
            writer.writerows(self.rows)
        figures = ", ".join(f"{name} {value:.4f}" for name, value in measured.items())
        return (
            f"epoch {epoch} of {self.config.epochs}: loss {loss:.4f}, {figures}, best {max(best, measured[merit]):.4f}"
        )

    def _mine(self, network: keras.Model) -> int:
        found = mining.mine(network, self.batches.pictures)
        # the next epoch still shows what the search before found, and a kill before the checkpoint the one before that
        self._mined = dict([*self._mined.items(), (self._epoch, found)][-3:])
        self.batches.learn_from(self._mined)
        with replacing(self.folder / MISTAKES) as partial:
            mining.save(self._mined, partial)
        return len(found)

    def save(self) -> None:
        """Write the checkpoint."""
        with replacing(self.folder / CHECKPOINT) as partial, partial.open("wb") as file:
            np.savez(file, *(ops.convert_to_numpy(v) for v in self._state))


def _read_log(path: Path) -> list[Row]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
