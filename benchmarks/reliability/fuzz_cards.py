"""Hostile cards: the JSON beside a model, changed in its values and in its bytes, through `cards.read` and `find`."""

import json
import math
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.reliability.fuzz_bytes import VALUES, change, damaged
from benchmarks.reliability.fuzz_process import Case
from ferlite import cards
from ferlite.cards import Card, DetectorCard

WEIGHTS = "model.tflite"
NAMES = (
    "",
    ".",
    "..",
    "/",
    WEIGHTS,
    "flagship-int8",
    "flagship-int8.tflite",
    "a\0b",
    "\ud800",
    "x" * 300,
    "x/" * 1500,
    "~",
    "*",
)
ENCODINGS = ("utf-8-sig", "utf-16", "utf-32", "latin-1", "utf-7")


def prepare(folder: Path) -> Case:
    weights = folder / WEIGHTS
    weights.write_bytes(b"weights")
    valid = {
        "file": WEIGHTS,
        "sha256": cards.sha256(weights),
        "labels": ["angry", "happy", "neutral"],
        "input": {"height": 48, "width": 48, "color": "grey", "range": [-1, 1], "layout": "NHWC"},
        "output": "logits",
        "margin": 0.1,
        "temperature": 1.5,
        "accuracy": {"validation": 0.6},
    }
    of_detector = {
        "kind": "detector",
        "file": WEIGHTS,
        "sha256": valid["sha256"],
        "strides": [8, 16, 32],
        "score": 0.5,
        "overlap": 0.4,
        "smallest": 9,
        "largest": 192,
    }
    whole, path = json.dumps(valid).encode(), cards.card_path(weights)
    whole_detector = json.dumps(of_detector).encode()

    def run(random: Random) -> None:
        if random.random() < 0.02:
            check_card(cards.find(random.choice(NAMES)))
            return
        if random.random() < 0.3:
            path.write_bytes(hostile_card(random, of_detector, whole_detector))
            check_detector_card(cards.read_detector(path))
            check_detector_card(cards.find_detector(weights))
            return
        path.write_bytes(hostile_card(random, valid, whole))
        check_card(cards.read(path))
        card = cards.find(weights)
        assert card.weights == weights, f"another model was found: {card.weights}"
        check_card(card)

    return run


def hostile_card(random: Random, valid: dict[str, Any], whole: bytes) -> bytes:
    choice = random.random()
    if choice < 0.3:
        return damaged(random, whole, [whole])
    if choice < 0.35:
        opening = random.choice((b"[", b'{"a":', b'{"notes":' + b"[" * 500))
        return opening * random.choice((10, 900, 20_000))
    changed = json.loads(whole)
    for _ in range(random.randint(1, 3)):
        change(random, changed, VALUES)
    text = json.dumps(changed, ensure_ascii=random.random() < 0.5)
    if random.random() < 0.1:  # the same key once more: the last one counts
        text = f"{text[:-1]}, {json.dumps(random.choice(list(valid)))}: {json.dumps(random.choice(VALUES))}}}"
    if random.random() < 0.05:
        return text.encode(random.choice(ENCODINGS), "replace")
    return text.encode("utf-8", "surrogatepass")


def check_detector_card(card: DetectorCard) -> None:
    """What the documentation says of every card of a detector that is read."""
    assert card.weights.name not in ("", ".", ".."), f"file {card.weights!r}"
    assert "/" not in card.weights.name, f"file {card.weights!r}"
    assert set(card.strides) <= {2, 4, 8, 16, 32, 64}, f"{card.strides}"
    assert list(card.strides) == sorted(set(card.strides)), f"{card.strides}"
    assert card.strides, "no strides"
    assert 0 < card.score < 1, f"{card.score} {card.overlap}"
    assert 0 < card.overlap < 1, f"{card.score} {card.overlap}"
    assert 4 <= card.smallest <= 4096, f"{card.smallest} {card.largest}"
    assert 4 <= card.largest <= 4096, f"{card.smallest} {card.largest}"


def check_card(card: Card) -> None:
    """What the documentation says of every card that is read."""
    assert card.weights.name not in ("", ".", ".."), f"file {card.weights!r}"
    assert "/" not in card.weights.name, f"file {card.weights!r}"
    assert len(card.labels) > 1, f"labels {card.labels}"
    assert len(set(card.labels)) == len(card.labels), f"labels {card.labels}"
    assert all(isinstance(label, str) and label for label in card.labels), f"labels {card.labels}"
    "".join(card.labels).encode()  # may be printed and written
    assert 1 <= card.height <= 4096, f"size {card.height} {card.width}"
    assert 1 <= card.width <= 4096, f"size {card.height} {card.width}"
    assert card.color in ("grey", "bgr", "rgb"), f"{card.color} {card.layout}"
    assert card.layout in ("NHWC", "NCHW"), f"{card.color} {card.layout}"
    assert card.output in ("logits", "probabilities"), f"output {card.output}"
    assert all(math.isfinite(value) for value in card.range), f"{card.range}"
    assert card.range[0] != card.range[1], f"{card.range}"
    assert -0.4 <= card.margin <= 2, f"{card.margin} {card.temperature}"
    assert 0.01 <= card.temperature <= 100, f"{card.margin} {card.temperature}"
