"""How good a model is on a split: accuracy, per-class figures, confusion, calibration, and what repeats Training."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from export.datasets import Dataset, SplitName
from export.errors import RunError
from export.runs import replacing
from ferlite.cards import card_path

EVALUATION = "evaluation.json"
BINS = 15  # of the calibration error, as in Guo et al., "On Calibration of Modern Neural Networks", ICML 2017
MISTAKES = 30  # fewer cannot tell how often a network is wrong, and none would make it sure of all
SAME = 1e-3  # part by which a temperature may differ from the best without any figure showing it

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Figures:
    """How well labels were told apart on some rows; rates in 0…1, `confusion` counts rows by (true, predicted).

    Means over labels leave out those that have no value.
    """

    rows: int
    accuracy: float
    accuracy_interval: Interval  # 95 %
    balanced_accuracy: float  # mean recall
    macro_f1: float
    calibration_error: float
    recall: dict[str, float | None]  # None: no such row
    precision: dict[str, float | None]  # None: never predicted
    f1: dict[str, float | None]  # None: neither
    confusion: list[list[int]]


@dataclass(frozen=True, slots=True)
class Evaluation(Figures):
    """Figures of one model on one split."""

    split: SplitName
    rows_unseen: int
    accuracy_unseen: float | None  # over the rows whose exact picture does not also stand in Training, if any


def evaluate(probabilities: np.ndarray, dataset: Dataset, split_name: SplitName) -> Evaluation:
    """Compare probabilities (n, labels) with the labels of a split."""
    truth = dataset.split(split_name).labels
    measured = figures(probabilities, truth, dataset.labels)
    unseen = ~repeats(dataset, split_name)
    right = probabilities.argmax(1) == truth
    return Evaluation(
        **{field.name: getattr(measured, field.name) for field in fields(measured)},
        split=split_name,
        rows_unseen=int(unseen.sum()),
        accuracy_unseen=float(right[unseen].mean()) if unseen.any() else None,
    )


def figures(probabilities: np.ndarray, truth: np.ndarray, labels: Sequence[str]) -> Figures:
    """Compare probabilities (n, labels) with the true label indices (n,) of one or more rows."""
    top = probabilities.argmax(1)
    right = top == truth
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(confusion, (truth, top), 1)
    hits, true, predicted = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    recall = _shares(labels, hits, true)
    f1 = _shares(labels, 2 * hits, true + predicted)
    return Figures(
        rows=len(truth),
        accuracy=float(right.mean()),
        accuracy_interval=wilson(int(right.sum()), len(truth)),
        balanced_accuracy=_mean(recall),
        macro_f1=_mean(f1),
        calibration_error=calibration_error(probabilities, truth),
        recall=recall,
        precision=_shares(labels, hits, predicted),
        f1=f1,
        confusion=confusion.tolist(),
    )


def wilson(hits: int, rows: int) -> Interval:
    """95 % interval of a share `hits / rows`, after Wilson 1927: also good near 0 and 1 and for few rows."""
    z2 = 1.959964**2
    centre = (hits + z2 / 2) / (rows + z2)
    half = (z2 * (hits * (rows - hits) / rows + z2 / 4)) ** 0.5 / (rows + z2)
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True, slots=True)
class Reliability:
    """Bins of equal width over the confidence 0…1: their rows, mean confidence and accuracy, NaN where empty."""

    rows: np.ndarray  # (BINS,) int64
    confidence: np.ndarray  # (BINS,) float64
    accuracy: np.ndarray  # (BINS,) float64


def reliability(probabilities: np.ndarray, truth: np.ndarray) -> Reliability:
    """How often the top label of probabilities (n, labels) is right, by how sure the model is of it."""
    confidence = probabilities.max(1).astype(np.float64)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    rows = np.bincount(bins, minlength=BINS)
    some = np.where(rows, rows, np.nan)
    right = np.bincount(bins, probabilities.argmax(1) == truth, BINS)
    return Reliability(rows, np.bincount(bins, confidence, BINS) / some, right / some)


def calibration_error(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Expected calibration error: the mean distance of confidence and accuracy over the bins, weighted by rows."""
    bins = reliability(probabilities, truth)
    return float(np.nansum(bins.rows * np.abs(bins.confidence - bins.accuracy)) / len(truth))


def temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The number that logits (n, labels) have to be divided by for the least cross-entropy, within 0.01…100.

    Temperature scaling (Guo et al. 2017). The cross-entropy is convex in 1/T, so its slope is bisected.
    """
    low, high = -2.0, 2.0  # powers of ten of 1/T
    logits = logits.astype(np.float64)
    wanted = logits[np.arange(len(truth)), truth].mean()
    for _ in range(40):
        middle = (low + high) / 2
        slope = (softmax(10**middle * logits) * logits).sum(1).mean() - wanted
        low, high = (middle, high) if slope < 0 else (low, middle)
    return float(10**-middle)


def device_temperature(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """The temperature for what a device says, (n, labels); 1 where its mistakes are too few to tell."""
    if np.count_nonzero(probabilities.argmax(1) != truth) < MISTAKES:
        return 1.0
    # of logits the device's probabilities have lost but a constant
    return round(temperature(np.log(np.maximum(probabilities, 1e-30)), truth), 4)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Logits (n, labels) → probabilities, in the logits' type."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def repeats(dataset: Dataset, split_name: SplitName) -> np.ndarray:
    """Which rows (n,) bool of a split stand, pixel for pixel, in Training too."""
    known = {_digest(image) for image in dataset.training.images}
    return np.array([_digest(image) in known for image in dataset.split(split_name).images])


def as_text(evaluation: Evaluation, labels: tuple[str, ...], title: str) -> str:
    """The figures for people."""
    e = evaluation
    width = max(map(len, labels)) + 2
    header = "".join(f"{name[:8]:>9}" for name in labels)
    lines = [
        f"{title} on {e.split}: {e.accuracy:.2%} of {e.rows} rows",
        f"macro F1 {e.macro_f1:.3f}, expected calibration error {e.calibration_error:.3f}",
        "",
        f"{'true label':{width}}{'recall':>8}{'precision':>11}   predicted:{header}",
    ]
    if e.accuracy_unseen is not None:
        seen = f"without rows whose picture also stands in Training: {e.accuracy_unseen:.2%} of {e.rows_unseen} rows"
        lines.insert(1, seen)
    for name, row in zip(labels, e.confusion, strict=True):
        counts = "".join(f"{count:9d}" for count in row)
        recall, precision = ("-" if share is None else f"{share:.1%}" for share in (e.recall[name], e.precision[name]))
        lines.append(f"{name:{width}}{recall:>8}{precision:>11}             {counts}")
    return "\n".join(lines)


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """The figures as plain values, rounded to what the rows can tell."""
    names = ("split", *(field.name for field in fields(Figures)), "rows_unseen", "accuracy_unseen")
    return {name: _rounded(getattr(evaluation, name)) for name in names}


def record(evaluation: Evaluation, weights: Path) -> None:
    """Write the figures into the card of a converted model, under `accuracy` and the split's name."""
    path = card_path(weights)
    card = json.loads(path.read_text(encoding="utf-8"))
    card.setdefault("accuracy", {})[evaluation.split] = as_json(evaluation)
    _rewrite(path, card)


def calibrate(probabilities: np.ndarray, truth: np.ndarray, weights: Path) -> bool:
    """Write the temperature for which a converted model gave too little or too much into its card.

    `probabilities` (n, labels) are what the model says with the card as it is. Returns whether it had to be changed.
    """
    path = card_path(weights)
    card = json.loads(path.read_text(encoding="utf-8"))
    before = card.get("temperature", 1.0)
    after = min(max(round(before * device_temperature(probabilities, truth), 4), 0.01), 100)  # what a card may say
    if abs(after / before - 1) < SAME:
        return False
    _rewrite(path, card | {"temperature": after})
    return True


def record_run(evaluation: Evaluation, run: Path, parameters: int) -> None:
    """Write the figures, and how many parameters gave them, into a run's `evaluation.json`, under the split's name."""
    found = recorded(run) | {evaluation.split: as_json(evaluation) | {"parameters": parameters}}
    with replacing(run / EVALUATION) as partial:
        partial.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def recorded(run: Path) -> dict[str, dict[str, Any]]:
    """What `record_run` has written into a run folder, by split; empty where nothing was. Raises RunError."""
    path = run / EVALUATION
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RunError(f"{path} is damaged: {error}; delete it and measure again") from error
    if not isinstance(found, dict) or not all(isinstance(figures, dict) for figures in found.values()):
        raise RunError(f"{path} is damaged: no figures by split; delete it and measure again")
    return found


def _rewrite(path: Path, card: dict[str, Any]) -> None:
    with replacing(path) as partial:
        partial.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_rounded(item) for item in value]
    return round(value, 5) if isinstance(value, float) else value


def _shares(labels: Sequence[str], hits: np.ndarray, totals: np.ndarray) -> dict[str, float | None]:
    return {name: float(h / t) if t else None for name, h, t in zip(labels, hits, totals, strict=True)}


def _mean(shares: dict[str, float | None]) -> float:
    return float(np.mean([share for share in shares.values() if share is not None]))


def _digest(image: np.ndarray) -> bytes:
    # of large pictures the bytes themselves would fill the memory
    return blake2b(image.tobytes(), digest_size=16).digest()
