"""One run measured on one split: everything that a report says of it, as figures and arrays."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from export import evaluate
from export.architectures import architecture
from export.convert.adjustment import adjustment
from export.convert.parity import device_probabilities
from export.datasets import Dataset, Split, SplitName, ferplus
from export.errors import DatasetError, RunError
from export.evaluate import Evaluation, Figures, Reliability
from export.report import gradcam
from export.runs import LOG, load_model, predict, read_log
from ferlite.cards import Card

MISTAKES = 12  # of those the network is surest of
LOOKED_AT = 2  # pictures of each label that are right, and as many that are wrong, for Grad-CAM
CURVES = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy")
LIKENESS = 0.9  # share of equal labels below which a converted model is that of another run


@dataclass(frozen=True, slots=True)
class Calibration:
    """How sure a network is against how often it is right, as it is and divided by `temperature`."""

    temperature: float
    before: Reliability
    after: Reliability
    error_before: float
    error_after: float


@dataclass(frozen=True, slots=True)
class Answer:
    """A picture, what is on it, and what the network says: the label with the highest probability."""

    picture: np.ndarray
    name: str
    truth: str
    predicted: str
    probability: float
    heat: np.ndarray | None = None  # (h, w) float32 in 0…1: what spoke for `predicted`


@dataclass(frozen=True, slots=True)
class Converted:
    """A converted model, on the same pictures."""

    card: Card
    figures: Figures
    agreement: float  # share of pictures with the same label as from the trained network, adjusted likewise

    @property
    def name(self) -> str:
        return self.card.weights.name

    @property
    def megabytes(self) -> float:
        return self.card.weights.stat().st_size / 1e6


@dataclass(slots=True)
class Measured:
    """A run and its figures. `ferplus` is a text where FER+ has no labels for its pictures."""

    name: str
    config: dict[str, Any]
    dataset: str  # its name
    size: int
    color: str
    parameters: int  # as on the device
    whole: Evaluation
    unseen: Figures | None
    ferplus: Figures | str
    calibration: Calibration
    log: list[dict[str, float]]
    mistakes: list[Answer] = field(default_factory=list)
    looked_at: list[Answer] = field(default_factory=list)
    converted: list[Converted] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)  # converted models of another run

    @property
    def labels(self) -> list[str]:
        return self.config["labels"]


def check(
    run: Path, config: dict[str, Any], dataset: Dataset, split: SplitName, votes: np.ndarray | None
) -> keras.Model:
    """The model of a run, which fits the data and the votes (rows, 10) of FER+. Raises RunError, DatasetError."""
    if tuple(config["labels"]) != dataset.labels:
        raise RunError(f"{run} was trained on the labels {config['labels']}; this data has {list(dataset.labels)}")
    for name in (split, "validation"):
        if not len(dataset.split(name)):
            raise DatasetError(f"{dataset.name} has no pictures in its {name} split")
    _log(run)
    _majority(dataset.split(split).names, dataset.labels, votes)
    model = load_model(run)
    wanted = (dataset.size, dataset.size, 1 if dataset.color == "grey" else 3)
    if tuple(model.input_shape[1:]) != wanted:
        takes, given = ("×".join(map(str, shape)) for shape in (model.input_shape[1:], wanted))
        raise RunError(f"{run} takes pictures of {takes} (height, width, channels); this data has {given}")
    return model


def measure(
    name: str,
    config: dict[str, Any],
    run: Path,
    model: keras.Model,
    dataset: Dataset,
    split_name: SplitName,
    votes: np.ndarray | None,
    with_pictures: bool,
) -> tuple[Measured, np.ndarray]:
    """All figures of a run but those of converted models, and its probabilities (n, labels) on the split."""
    split = dataset.split(split_name)
    logits = predict(model, split.images)
    chosen_on = logits if split_name == "validation" else predict(model, dataset.validation.images)
    probabilities = evaluate.softmax(logits)
    seen = evaluate.repeats(dataset, split_name)
    voted = _majority(split.names, dataset.labels, votes)
    if votes is None and config["data"].get("ferplus") and config["data"]["votes"] != "blend":
        voted = "the labels above are FER+'s"
    found = Measured(
        name=name,
        config=config,
        dataset=dataset.name,
        size=dataset.size,
        color=dataset.color,
        parameters=architecture(config["arch"]).deploy(model).count_params(),
        whole=evaluate.evaluate(probabilities, dataset, split_name),
        unseen=None if seen.all() else evaluate.figures(probabilities[~seen], split.labels[~seen], dataset.labels),
        ferplus=voted if isinstance(voted, str) else _on(voted, probabilities, dataset.labels),
        calibration=_calibration(logits, split.labels, evaluate.temperature(chosen_on, dataset.validation.labels)),
        log=_log(run),
    )
    if with_pictures:
        found.mistakes = _mistakes(probabilities, split, dataset.labels)
        found.looked_at = _looked_at(model, probabilities, split, dataset.labels)
    return found, probabilities


def convert(
    found: Measured, models: Sequence[Card], probabilities: np.ndarray, dataset: Dataset, split_name: SplitName
) -> None:
    """Add the figures of converted models, which `device.assigned` says can be those of this run."""
    split = dataset.split(split_name)
    for card in models:
        own = device_probabilities(card.weights, split.images)
        strength = card.notes.get("logit_adjustment", 0.0)
        expected = (probabilities * np.exp(adjustment(dataset.training.labels, len(found.labels), strength))).argmax(1)
        agreement = float(np.mean(own.argmax(1) == expected))
        if agreement < LIKENESS:
            found.left_out.append(
                f"`{card.weights.name}` gives the same label for only {100 * agreement:.1f} % of the pictures: it was "
                "made from another run."
            )
        else:
            figures = evaluate.figures(own, split.labels, found.labels)
            found.converted.append(Converted(card, figures, agreement))


def _log(run: Path) -> list[dict[str, float]]:
    try:
        rows = [{name: float(row[name]) for name in CURVES} for row in read_log(run)]
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{run / LOG} is damaged: {error}") from error
    return rows


def _majority(names: Sequence[str], labels: tuple[str, ...], votes: np.ndarray | None) -> np.ndarray | str:
    """The label indices (n,) that most votes are for, -1 where no single label has most; else why there are none."""
    if votes is None:
        return "no votes were given; `--ferplus fer2013new.csv` compares with them"
    contempt = "class" if "contempt" in labels else "neutral"
    known = ferplus.labels_of(contempt)
    if not set(labels) <= set(known):
        return f"FER+ has the labels {', '.join(known)}, not {', '.join(labels)}"
    lines = [re.fullmatch(r"row (\d+)", name) for name in names]
    if None in lines:
        return "the pictures' names are no row numbers of fer2013.csv, by which the votes are found"
    rows = np.array([int(line[1]) - 2 for line in lines])  # the header is row 1
    if rows.max() >= len(votes):
        raise DatasetError(f"the FER+ votes have {len(votes)} rows, the data more: row {rows.max() + 2}; wrong file?")
    shares, usable = ferplus.shares(votes[rows], contempt)
    place = np.array([labels.index(name) if name in labels else -1 for name in known])
    truth = place[shares.argmax(1)]
    truth = np.where(usable & ferplus.majority(shares), truth, -1)
    return truth if (truth >= 0).any() else "the votes agree on none of these pictures"


def _on(truth: np.ndarray, probabilities: np.ndarray, labels: tuple[str, ...]) -> Figures:
    return evaluate.figures(probabilities[truth >= 0], truth[truth >= 0], labels)


def _calibration(logits: np.ndarray, truth: np.ndarray, temperature: float) -> Calibration:
    before, after = evaluate.softmax(logits), evaluate.softmax(logits / temperature)
    return Calibration(
        temperature,
        evaluate.reliability(before, truth),
        evaluate.reliability(after, truth),
        evaluate.calibration_error(before, truth),
        evaluate.calibration_error(after, truth),
    )


def _mistakes(probabilities: np.ndarray, split: Split, labels: tuple[str, ...]) -> list[Answer]:
    wrong = np.flatnonzero(probabilities.argmax(1) != split.labels)
    surest = wrong[np.argsort(-probabilities[wrong].max(1), kind="stable")][:MISTAKES]
    return [_answer(row, probabilities, split, labels) for row in surest]


def _looked_at(model: keras.Model, probabilities: np.ndarray, split: Split, labels: tuple[str, ...]) -> list[Answer]:
    """Right and wrong pictures of each label, drawn at random but always the same, with what spoke for the answer."""
    right = probabilities.argmax(1) == split.labels
    rng = np.random.default_rng(0)
    rows: list[int] = []
    for label in range(len(labels)):
        for group in (right, ~right):
            rows += rng.permutation(np.flatnonzero(group & (split.labels == label)))[:LOOKED_AT].tolist()
    heats = gradcam.heat(model, split.images[rows], probabilities[rows].argmax(1)) if rows else None
    if heats is None:
        return []
    return [_answer(row, probabilities, split, labels, heat) for row, heat in zip(rows, heats, strict=True)]


def _answer(
    row: int, probabilities: np.ndarray, split: Split, labels: tuple[str, ...], heat: np.ndarray | None = None
) -> Answer:
    top = int(probabilities[row].argmax())
    return Answer(
        np.asarray(split.images[row]),
        split.names[row],
        labels[split.labels[row]],
        labels[top],
        float(probabilities[row, top]),
        heat,
    )
