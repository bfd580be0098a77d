"""Bytes damaged in the ways files are: flipped bits, cuts, splices, parts repeated; and JSON with other values."""

import copy
import math
from collections.abc import Sequence
from random import Random
from typing import Any

NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
# fmt: off
VALUES = (
    None, True, False, 0, 1, -1, 48, 4096, 4097, 10**9, 10**400, -(10**30), 0.5, -0.4, 2.0, 1e308, math.inf, math.nan,
    "", ".", "..", "/etc/passwd", "../model.tflite", "a/b", "grey", "NCHW", "logits", "model.tflite", "a\0b", "\ud800",
    "\u202e", "x" * 300, "0" * 64, "A" * 64, "٣" * 64, [], {}, [[]], [0, 1], [1, 1], [0, math.nan], [0, 10**400],
    ["a", "b"], ["a", "a"], ["a", 1], ["\ud800", "a"], ["", "a"], [["a"], ["b"]], {"height": 48}, ["label"] * 1000,
)
# fmt: on


def damaged(random: Random, data: bytes, others: Sequence[bytes], most: int = 4) -> bytes:
    """The data with one to `most` faults; splices take a part of one of the `others`."""
    for _ in range(random.randint(1, most)):
        data = random.choice(FAULTS)(random, data, random.choice(others))
    return data


def change(random: Random, value: Any, others: Sequence[Any]) -> None:
    """Change, add, nest or leave out something in a JSON object or list, at any depth."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    if not keys:
        return
    key, fault, other = random.choice(keys), random.randrange(6), copy.deepcopy(random.choice(others))
    if isinstance(value[key], dict | list) and random.random() < 0.5:
        change(random, value[key], others)
    elif fault == 0:
        del value[key]
    elif fault == 1 and isinstance(value, dict):
        value[random.choice(("", "file", "input", "notes", "layout", "__class__"))] = other
    elif fault == 2:
        for _ in range(random.choice((1, 3, 200))):
            value[key] = [value[key]]
    else:
        value[key] = other


def flipped(random: Random, data: bytes, other: bytes) -> bytes:
    """Some bits turned over."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8, 32)) if data else 0):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def cut(random: Random, data: bytes, other: bytes) -> bytes:
    """Without its end, as after a full disk or a broken connection."""
    return data[: _place(random, data)]


def left_out(random: Random, data: bytes, other: bytes) -> bytes:
    start, end = _span(random, data)
    return data[:start] + data[end:]


def repeated(random: Random, data: bytes, other: bytes) -> bytes:
    start, end = _span(random, data)
    return data[:end] + data[start:end] * random.choice((1, 1, 2, 9)) + data[end:]


def spliced(random: Random, data: bytes, other: bytes) -> bytes:
    start, end = _span(random, other)
    place = _place(random, data)
    return data[:place] + other[start:end] + data[place + (end - start) * random.randrange(2) :]


def inserted(random: Random, data: bytes, other: bytes) -> bytes:
    place = _place(random, data)
    return data[:place] + random.randbytes(random.choice((1, 2, 4, 16, 200))) + data[place:]


def overwritten(random: Random, data: bytes, other: bytes) -> bytes:
    """A number of two or four bytes out of range, most often in the header."""
    size = random.choice((2, 4))
    number = random.choice(NUMBERS) & ((1 << 8 * size) - 1)
    place = _place(random, data[:64] if random.random() < 0.8 else data)
    return data[:place] + number.to_bytes(size, random.choice(("big", "little"))) + data[place + size :]


FAULTS = (flipped, flipped, cut, left_out, repeated, spliced, inserted, overwritten, overwritten)


def _place(random: Random, data: bytes) -> int:
    return random.randint(0, len(data))


def _span(random: Random, data: bytes) -> tuple[int, int]:
    start = _place(random, data)
    return start, min(len(data), start + random.choice((1, 2, 4, 16, 64, 500)))
