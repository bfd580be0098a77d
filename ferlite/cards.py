"""Model cards: the `.json` beside a weights file that says all that ferlite knows about the model.

The card of `nano-int8.tflite` is `nano-int8.tflite.json`. Required: `file`, `sha256`, `labels`, `input` (`height`,
`width`, `color` grey|bgr|rgb, `range` = the model's values for the pixels 0 and 255), `output` (logits|probabilities).
Optional: `input.layout` (NHWC, as Keras has it, by default, or NCHW, as PyTorch has it), `margin` (part of a face box's
side to add on every side, 0 by default), `temperature` (what logits are divided by, so that the probabilities are as
often right as they say; 1 by default) and whatever else describes the model: `accuracy`, `training_data`, `license`,
…, kept in `Card.notes`.

Face detectors have cards of their own, with `kind` "detector": required are `file`, `sha256`, `strides`, `score` and
`overlap`, whose meaning `DetectorCard` has.

Models come from strangers: only regular files are read, and none above a limit.
"""

import errno
import hashlib
import json
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BufferedReader
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from ferlite.errors import ModelError

DEFAULT_MODEL = "flagship-int8.tflite"
DEFAULT_DETECTOR = "face-int8.tflite"
SUFFIXES = (".tflite", ".onnx")
BUNDLED = "*-int8.tflite"  # as setup.cfg packs them; the others in models/ are for who has the clone
LARGEST_CARD = 1 << 20  # bytes; the longest released one has 4 KB
LARGEST_WEIGHTS = 256 << 20  # bytes: a ResNet-152 in float32; an engine needs it several times over in memory


@dataclass(frozen=True, slots=True)
class Card:
    """A checked card. `range` holds the values the network expects for the pixels 0 and 255."""

    weights: Path
    sha256: str
    labels: tuple[str, ...]
    height: int
    width: int
    color: Literal["grey", "bgr", "rgb"]
    range: tuple[float, float]
    output: Literal["logits", "probabilities"]
    layout: Literal["NHWC", "NCHW"] = "NHWC"
    margin: float = 0.0
    temperature: float = 1.0
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the network's input: one picture, in its layout."""
        channels = 1 if self.color == "grey" else 3
        if self.layout == "NCHW":
            return (1, channels, self.height, self.width)
        return (1, self.height, self.width, channels)


@dataclass(frozen=True, slots=True)
class DetectorCard:
    """A checked card of a face detector: a network (1, height, width, 1) of grey pixels 0…255, of any size.

    `strides` are those of its cells, in the order of its rows; a picture's sides are made multiples of the last.
    `score` is the least a face needs to be reported; of two boxes that share more than `overlap` of their union the
    surer one is kept. `smallest` and `largest` are the sides of the faces it is made for, in pixels.
    """

    weights: Path
    sha256: str
    strides: tuple[int, ...]
    score: float
    overlap: float
    smallest: float
    largest: float
    notes: dict[str, Any] = field(default_factory=dict)


def card_path(weights: Path) -> Path:
    """Where the card of a weights file lies."""
    return weights.with_name(f"{weights.name}.json")


def find(model: str | PathLike[str] | None = None) -> Card:
    """The card of a model, given the path of its weights or the name of a bundled one; the weights are verified.

    Without an argument it is the bundled default. Raises ModelError where the model or its card is missing, damaged or
    does not match the other.
    """
    path = _located(model, DEFAULT_MODEL, bundled_models)
    card = read(card_path(path))
    _verify(card, path)
    return card


def find_detector(model: str | PathLike[str] | None = None) -> DetectorCard:
    """The card of a face detector, as `find` has it for classifiers."""
    path = _located(model, DEFAULT_DETECTOR, bundled_detectors)
    card = read_detector(card_path(path))
    _verify(card, path)
    return card


def find_any(model: str | PathLike[str]) -> Card | DetectorCard:
    """The card of a classifier or of a face detector, as `find` has it; the card's `kind` says which it is."""
    path = _located(model, str(model), lambda: [*bundled_models(), *bundled_detectors()])
    place = card_path(path)
    is_detector = _checked(place, lambda raw: []).get("kind") == "detector"
    card: Card | DetectorCard = read_detector(place) if is_detector else read(place)
    _verify(card, path)
    return card


def bundled_models() -> list[Path]:
    """The weights files of classifiers that came with ferlite."""
    return _in_folder(_bundled())


def bundled_detectors() -> list[Path]:
    """The weights files of face detectors that came with ferlite."""
    return _in_folder(_bundled() / "detectors")


def read(path: Path) -> Card:
    """Read and check a card; says every fault it finds. The weights are expected in the same folder."""
    raw = _checked(path, _faults)
    known = ("file", "sha256", "labels", "input", "output", "margin", "temperature")
    return Card(
        weights=path.with_name(raw["file"]),
        sha256=raw["sha256"],
        labels=tuple(raw["labels"]),
        height=raw["input"]["height"],
        width=raw["input"]["width"],
        color=raw["input"]["color"],
        range=(raw["input"]["range"][0], raw["input"]["range"][1]),
        output=raw["output"],
        layout=raw["input"].get("layout", "NHWC"),
        margin=raw.get("margin", 0.0),
        temperature=raw.get("temperature", 1.0),
        notes={key: value for key, value in raw.items() if key not in known},
    )


def read_detector(path: Path) -> DetectorCard:
    """Read and check the card of a face detector, as `read` does."""
    raw = _checked(path, _detector_faults)
    known = ("kind", "file", "sha256", "strides", "score", "overlap", "smallest", "largest")
    return DetectorCard(
        weights=path.with_name(raw["file"]),
        sha256=raw["sha256"],
        strides=tuple(raw["strides"]),
        score=raw["score"],
        overlap=raw["overlap"],
        smallest=raw["smallest"],
        largest=raw["largest"],
        notes={key: value for key, value in raw.items() if key not in known},
    )


def verify(card: Card | DetectorCard) -> None:
    """Compare the weights with the card's sha256. Raises ModelError where they differ."""
    try:
        actual = sha256(card.weights, LARGEST_WEIGHTS)
    except FileNotFoundError:
        raise ModelError(f"{card.weights}: the weights that the card names are missing") from None
    except OSError as error:
        raise ModelError(f"{card.weights}: cannot be read: {error.strerror}") from error
    if actual != card.sha256:
        raise ModelError(
            f"{card.weights}: wrong checksum: sha256 {actual[:12]}…, its card says {card.sha256[:12]}…; the file is "
            "damaged or the card belongs to another model: fetch both again"
        )


def sha256(path: Path, largest: int | None = None) -> str:
    """The SHA-256 of a file, as hex digits. Raises OSError, as `content` does."""
    with _regular(path, largest) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content(path: Path, largest: int = LARGEST_WEIGHTS) -> bytes:
    """What is in a file. Raises OSError, for what is no regular file or has more than `largest` bytes too."""
    with _regular(path, largest) as file:
        return file.read(largest)


def _regular(path: Path, largest: int | None) -> BufferedReader:
    try:
        file = open(path, "rb", opener=_open_at_once)  # noqa: SIM115  # closed by the caller
    except ValueError as error:  # characters that no file name can have
        raise OSError(errno.EINVAL, str(error)) from None
    status = os.fstat(file.fileno())
    if stat.S_ISREG(status.st_mode) and (largest is None or status.st_size <= largest):
        return file
    file.close()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "Not a regular file")
    raise OSError(errno.EFBIG, f"It has {status.st_size:,} bytes, more than the {largest:,} that are allowed")


def _open_at_once(path: str, flags: int) -> int:
    """Without waiting for the other end, where it is a FIFO."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _located(model: str | PathLike[str] | None, default: str, bundled: Callable[[], list[Path]]) -> Path:
    """The weights of that path, or the bundled ones of that name, whose card names them."""
    path = Path(default if model is None else model)
    # os.path, for Path raises where a name is too long or a folder closed
    is_folder, exists = os.path.isdir(path), os.path.exists(path)  # noqa: PTH110, PTH112
    if model is None or is_folder or not exists:
        found = bundled()
        by_name = {name: file for file in found for name in (file.name, file.stem)}
        if str(path) not in by_name:
            known = ", ".join(file.name for file in found) or "none"
            what = "a folder" if is_folder else "no such file"
            raise ModelError(f"{path}: {what}, and no bundled model of that name (there are: {known})")
        path = by_name[str(path)]
    return path


def _verify(card: Card | DetectorCard, path: Path) -> None:
    if card.weights.name != path.name:
        raise ModelError(f"{card_path(path)}: this card describes {card.weights.name}, not {path.name}")
    verify(card)


def _bundled() -> Path:
    folder = Path(__file__).with_name("models")
    return folder if folder.is_dir() else Path(__file__).parents[1] / "models"  # imported from the clone itself


def _in_folder(folder: Path) -> list[Path]:
    if not folder.is_dir():  # of a copy that was made without its models
        return []
    return sorted(path for path in folder.iterdir() if path.match(BUNDLED))


def _checked(path: Path, faults_of: Callable[[dict[str, Any]], list[str]]) -> dict[str, Any]:
    try:
        raw = json.loads(content(path, LARGEST_CARD))
    except FileNotFoundError:
        raise ModelError(f"{path}: the model's card is missing; a model needs one beside its weights") from None
    except OSError as error:
        raise ModelError(f"{path}: not a readable card: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: not a readable card: {error}") from error
    faults = faults_of(raw) if isinstance(raw, dict) else ["it is not a JSON object"]
    if faults:
        raise ModelError(f"{path}: not a valid card: {'; '.join(faults)}")
    checked: dict[str, Any] = raw
    return checked


def _detector_faults(raw: dict[str, Any]) -> list[str]:
    sides = ("a number of pixels in 4…4096", lambda value: _is_number(value) and 4 <= value <= 4096)
    return _unmet(
        [
            ("kind", raw.get("kind"), lambda value: value == "detector", "detector"),
            ("file", raw.get("file"), _is_file_name, "a plain file name"),
            ("sha256", raw.get("sha256"), _is_sha256, "64 hex digits"),
            ("strides", raw.get("strides"), _is_strides, "up to six powers of 2 from 2 to 64, rising"),
            ("score", raw.get("score"), lambda value: _is_number(value) and 0 < value < 1, "a number between 0 and 1"),
            (
                "overlap",
                raw.get("overlap"),
                lambda value: _is_number(value) and 0 < value < 1,
                "a number between 0 and 1",
            ),
            ("smallest", raw.get("smallest"), sides[1], sides[0]),
            ("largest", raw.get("largest"), sides[1], sides[0]),
        ]
    )


def _faults(raw: dict[str, Any]) -> list[str]:
    if raw.get("kind", "classifier") != "classifier":
        return [f"it is of a {_shortened(raw['kind'])}, not of a classifier of faces"]
    network = raw.get("input")
    if not isinstance(network, dict):
        return ["'input' has to be an object with height, width, color and range"]
    margin, temperature = raw.get("margin", 0.0), raw.get("temperature", 1.0)
    return _unmet(
        [
            ("file", raw.get("file"), _is_file_name, "a plain file name"),
            ("sha256", raw.get("sha256"), _is_sha256, "64 hex digits"),
            ("labels", raw.get("labels"), _is_labels, "a list of two or more different names"),
            ("input.height", network.get("height"), _is_side, "a number of pixels in 1…4096"),
            ("input.width", network.get("width"), _is_side, "a number of pixels in 1…4096"),
            ("input.color", network.get("color"), ("grey", "bgr", "rgb").__contains__, "grey, bgr or rgb"),
            ("input.range", network.get("range"), _is_range, "two different numbers"),
            ("input.layout", network.get("layout", "NHWC"), ("NHWC", "NCHW").__contains__, "NHWC or NCHW"),
            ("output", raw.get("output"), ("logits", "probabilities").__contains__, "logits or probabilities"),
            ("margin", margin, lambda value: _is_number(value) and -0.4 <= value <= 2, "a number in -0.4…2"),
            (
                "temperature",
                temperature,
                lambda value: _is_number(value) and 0.01 <= value <= 100,
                "a number in 0.01…100",
            ),
        ]
    )


def _unmet(checks: Sequence[tuple[str, Any, Callable[[Any], bool], str]]) -> list[str]:
    return [
        f"{name!r} is {_shortened(value)}, not {wanted}" for name, value, holds, wanted in checks if not holds(value)
    ]


def _shortened(value: Any) -> str:
    said = repr(value)
    return said if len(said) <= 100 else f"{said[:100]}…"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def _is_side(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 4096


def _is_strides(value: Any) -> bool:
    whole = isinstance(value, list) and all(isinstance(n, int) and not isinstance(n, bool) for n in value)
    return whole and 1 <= len(value) <= 6 and set(value) <= {2, 4, 8, 16, 32, 64} and value == sorted(set(value))


def _is_range(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value)) and value[0] != value[1]


def _is_file_name(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and value not in ("", "..") and value == Path(value).name


def _is_sha256(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


def _is_labels(value: Any) -> bool:
    # printable: a name must be able neither to steer a terminal nor to break a line of CSV
    names = isinstance(value, list) and all(isinstance(name, str) and name and name.isprintable() for name in value)
    return names and 2 <= len(set(value)) == len(value)
