"""What is measured: which models, engines, detectors and scenes, and which of their combinations."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ferlite import cards
from ferlite.errors import EngineError, SettingError
from ferlite.interpreters import BACKENDS, trial
from ferlite.interpreters.registry import ENGINES

SIZE = (640, 480)  # what most cameras give by default
FACES = 1


@dataclass(frozen=True, slots=True)
class Network:
    """A model in an engine."""

    model: str
    engine: str
    card: cards.Card = field(compare=False)


@dataclass(frozen=True, slots=True)
class Setting:
    """One combination. `size` and `faces` are those of the synthetic scene, None for the user's own source."""

    network: Network
    threads: int
    detector: str
    size: tuple[int, int] | None
    faces: int | None

    @property
    def scene(self) -> tuple[tuple[int, int] | None, int | None]:
        return self.size, self.faces


def networks(models: Sequence[str], engines: Sequence[str]) -> tuple[list[Network], list[str]]:
    """Every model in every engine that is for it, and why some engines were passed over.

    Without `models` it is all bundled ones, without `engines` all that are installed and survive a trial. Raises
    ModelError for a faulty model, SettingError for engines that do not exist or models of the same name, EngineError
    for a model without an engine.
    """
    found: list[Network] = []
    skipped: list[str] = []
    for name in engines:
        if name not in ENGINES:
            raise SettingError(f"backend is {name!r}; there are {', '.join(BACKENDS[1:])}")
    all_cards = [cards.find(model) for model in models or _bundled()]
    names = [card.weights.name for card in all_cards]
    for name in names:
        if names.count(name) > 1:
            raise SettingError(f"two models are called {name}; rename one, or its figures could not be told apart")
    for card in all_cards:
        able = [engine for engine in ENGINES.values() if engine.suffix == card.weights.suffix]
        wanted = [engine for engine in able if engine.name in engines or (not engines and engine.location)]
        before = len(found)
        for engine in wanted:
            fault = None if engines else trial.fault(engine, card.weights)
            if fault is None:
                found.append(Network(card.weights.name, engine.name, card))
            else:
                skipped.append(fault)
        if len(found) == before:
            known = " or ".join(engine.name for engine in able) or "none: it has to be .tflite or .onnx"
            raise EngineError(f"{card.weights}: no engine for it here; it needs {known}{_why(skipped)}")
    return found, skipped


def around(
    networks: Sequence[Network],
    threads: Sequence[int],
    detectors: Sequence[str],
    sizes: Sequence[tuple[int, int] | None],
    faces: Sequence[int | None],
) -> list[Setting]:
    """A first setting for each detector, and all that differ from it in the network or in one thing else.

    All combinations of everything would take hours and say little more.
    """
    size = SIZE if SIZE in sizes else sizes[0]
    count = FACES if FACES in faces else faces[0]
    settings = []
    for detector in detectors:
        first = Setting(networks[0], threads[0], detector, size, count)
        settings += [replace(first, network=network, threads=number) for network in networks for number in threads]
        settings += [replace(first, size=other) for other in sizes]
        settings += [replace(first, faces=other) for other in faces]
    return list(dict.fromkeys(settings))


def described(card: cards.Card) -> dict[str, Any]:
    """What the report says of a model: its size, and its accuracy as its card has it."""
    accuracy = card.notes.get("accuracy")
    accuracy = accuracy if isinstance(accuracy, dict) else {}
    by_split = {
        split: row["accuracy"]
        for split, row in accuracy.items()
        if isinstance(row, dict) and isinstance(row.get("accuracy"), int | float)
    }
    return {
        "model": card.weights.name,
        "sha256": card.sha256,
        "bytes": card.weights.stat().st_size,
        "input": f"{card.width}x{card.height} {card.color}",
        "multiply_adds": card.notes.get("multiply_adds"),
        "accuracy": by_split,
    }


def _bundled() -> list[str]:
    return [str(path) for path in cards.bundled_models()]


def _why(skipped: list[str]) -> str:
    return f" ({'; '.join(skipped)})" if skipped else ""
