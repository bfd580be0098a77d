"""Converted models: which run each was made from, and how fast it is, in a process that never saw TensorFlow."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from export.datasets import Dataset
from export.errors import RunError
from ferlite import cards
from ferlite.cards import Card
from ferlite.errors import ModelError

ROUNDS = 9


@dataclass(frozen=True, slots=True)
class Speed:
    """Milliseconds for one face: the medians of the rounds."""

    engine: str
    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.rounds)


@dataclass(frozen=True, slots=True)
class Speeds:
    """How fast models are, in their order, and on what: see `ferlite.device`. `load` is before and after."""

    models: tuple[Speed, ...]
    machine: dict[str, str]
    load: tuple[float | None, float | None]


def find(paths: Sequence[Path]) -> list[tuple[Card, bool]]:
    """The cards of converted files and of those in folders, and whether a file was named itself.

    Raises ModelError for a file without a proper card, RunError for a path that is neither.
    """
    found: list[tuple[Card, bool]] = []
    for path in paths:
        if path.is_dir():
            files = [file for file in sorted(path.iterdir()) if file.suffix in cards.SUFFIXES]
            found += [(cards.find(file), False) for file in files if cards.card_path(file).exists()]
        elif not path.is_file():
            raise RunError(f"{path}: no such file or folder; give converted models, or the folder they lie in")
        elif path.suffix not in cards.SUFFIXES:
            raise RunError(f"{path}: not a converted model; those are {' or '.join(cards.SUFFIXES)} files")
        else:
            found.append((cards.find(path), True))
    return found


def assigned(
    models: Sequence[tuple[Card, bool]], runs: Sequence[tuple[str, dict[str, Any], Dataset]]
) -> dict[str, list[Card]]:
    """Which of the models of `find` can have been made from which runs (name, config, data), by the run's name.

    Raises RunError for a file that was named itself and fits none; those of folders are left out.
    """
    found: dict[str, list[Card]] = {name: [] for name, _, _ in runs}
    for card, named in models:
        fitting = [name for name, config, dataset in runs if _made_from(card, config, dataset)]
        if named and not fitting:
            raise RunError(
                f"{card.weights} was made from none of these runs ({', '.join(found)}): its card has other labels, "
                "pictures or training settings; give the run it was made from too"
            )
        for name in fitting:
            found[name].append(card)
    return found


def _made_from(card: Card, config: dict[str, Any], dataset: Dataset) -> bool:
    training = {"arch": card.notes.get("architecture", config["arch"])} | card.notes.get("training", {})
    for name in ("environment", "data"):  # the same run may have been resumed elsewhere
        training.pop(name, None)
    return (
        list(card.labels) == list(config["labels"])
        and (card.height, card.width) == (dataset.size, dataset.size)
        and (card.color == "grey") == (dataset.color == "grey")
        and all(config[name] == value for name, value in training.items() if name in config)
    )


def speeds(models: Sequence[Card]) -> Speeds:
    """Time models in turns, one face and one thread each, and that again for each round."""
    command = [sys.executable, "-c", _ON_DEVICE, str(ROUNDS), *(str(card.weights) for card in models)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ModelError(f"the converted models do not run on the device runtime: {done.stderr.strip()[-2000:]}")
    found = json.loads(done.stdout)
    timed = tuple(Speed(engine, tuple(rounds)) for engine, rounds in zip(found["engines"], found["ms"], strict=True))
    return Speeds(timed, found["machine"], tuple(found["load"]))


# the first round warms up
_ON_DEVICE = """
import json, statistics, sys, time
import cv2
import numpy as np
from ferlite import EmotionClassifier, device
cv2.setNumThreads(1)
rounds, *weights = sys.argv[1:]
classifiers = [EmotionClassifier(path, threads=1) for path in weights]
load = [device.state().load]
found = [[] for _ in weights]
for _ in range(int(rounds) + 1):
    for classifier, medians in zip(classifiers, found):
        card = classifier.card
        shape = (1, card.height, card.width) if card.color == "grey" else (1, card.height, card.width, 3)
        face = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        times, end = [], time.perf_counter() + 0.3
        while len(times) < 5 or (len(times) < 200 and time.perf_counter() < end):
            began = time.perf_counter()
            classifier.predict(face)
            times.append(1000 * (time.perf_counter() - began))
        medians.append(statistics.median(times))
load.append(device.state().load)
engines = [classifier.backend for classifier in classifiers]
print(json.dumps({"ms": [m[1:] for m in found], "engines": engines, "machine": device.describe(), "load": load}))
"""
