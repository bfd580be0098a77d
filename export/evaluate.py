"""How good a model is on a split: accuracy, per-class figures, confusion, calibration, and what repeats Training."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from export.datasets import Dataset, SplitName
from ferlite.cards import card_path

BINS = 15  # of the calibration error, as in Guo et al., "On Calibration of Modern Neural Networks", ICML 2017


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures of one model on one split; rates in 0…1, `confusion` counts rows by (true label, predicted label)."""

    split: SplitName
    rows: int
    accuracy: float
    rows_unseen: int
    accuracy_unseen: float | None  # over the rows whose exact picture does not also stand in Training, if any
    macro_f1: float
    calibration_error: float
    recall: dict[str, float | None]  # None: no such row
    precision: dict[str, float | None]  # None: never predicted
    confusion: list[list[int]]


def evaluate(probabilities: np.ndarray, dataset: Dataset, split_name: SplitName) -> Evaluation:
    """Compare probabilities (n, labels) with the labels of a split."""
    split, labels = dataset.split(split_name), dataset.labels
    top = probabilities.argmax(1)
    right = top == split.labels
    unseen = ~_repeats(dataset, split_name)
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(confusion, (split.labels, top), 1)
    hits, true, predicted = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    f1 = 2 * hits / np.maximum(true + predicted, 1)
    return Evaluation(
        split=split_name,
        rows=len(split),
        accuracy=float(right.mean()),
        rows_unseen=int(unseen.sum()),
        accuracy_unseen=float(right[unseen].mean()) if unseen.any() else None,
        macro_f1=float(f1.mean()),
        calibration_error=_calibration_error(probabilities.max(1), right),
        recall=_shares(labels, hits, true),
        precision=_shares(labels, hits, predicted),
        confusion=confusion.tolist(),
    )


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
    names = Evaluation.__dataclass_fields__
    return {name: _rounded(getattr(evaluation, name)) for name in names}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 5) if isinstance(value, float) else value


def _shares(labels: tuple[str, ...], hits: np.ndarray, totals: np.ndarray) -> dict[str, float | None]:
    return {name: float(h / t) if t else None for name, h, t in zip(labels, hits, totals, strict=True)}


def _repeats(dataset: Dataset, split_name: SplitName) -> np.ndarray:
    known = {image.tobytes() for image in dataset.training.images}
    return np.array([image.tobytes() in known for image in dataset.split(split_name).images])


def _calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [abs(confidence[bins == b].sum() - right[bins == b].sum()) for b in range(BINS)]
    return float(sum(gaps) / len(right))


def record(evaluation: Evaluation, weights: Path) -> None:
    """Write the figures into the card of a converted model, under `accuracy` and the split's name."""
    path = card_path(weights)
    card = json.loads(path.read_text(encoding="utf-8"))
    card.setdefault("accuracy", {})[evaluation.split] = as_json(evaluation)
    partial = path.with_name(f"partial-{path.name}")
    partial.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)
