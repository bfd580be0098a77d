"""Options that several commands share, and what is made of them."""

import argparse
import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from ferlite import detectors, interpreters
from ferlite.cards import DEFAULT_MODEL, card_path
from ferlite.detectors import QUICK, THOROUGH
from ferlite.errors import SettingError
from ferlite.recognizer import Recognizer

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    Commands = object


MOST = 1_000_000_000  # of anything that is counted


def add_model_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("model")
    group.add_argument("--model", metavar="FILE|NAME", help=f"weights with a card (default: {DEFAULT_MODEL})")
    group.add_argument(
        "--backend", default="auto", choices=interpreters.BACKENDS, help="engine that runs the model (default: auto)"
    )
    group.add_argument(
        "--detector",
        default=detectors.DEFAULT,
        choices=detectors.NAMES,
        help=f"face detector (default: {detectors.DEFAULT})",
    )
    group.add_argument(
        "--detector-model",
        metavar="FILE",
        help="file of the yunet or ferlite detector (default: of `ferlite models pull yunet`, or the bundled one)",
    )
    group.add_argument(
        "--min-face",
        type=part,
        metavar="PART",
        help="smallest face to find, as a part of the picture's longer side; half of it takes up to four times as long "
        f"(default: {THOROUGH:g} in image, in label and in run on files, {QUICK:g} live, in demo and in bench)",
    )
    group.add_argument("--threads", type=thread_count, default=1, metavar="N", help="processor threads (default: 1)")


def make_recognizer(options: argparse.Namespace) -> Recognizer:
    cv2.setNumThreads(options.threads)
    if options.detector_model is not None and options.detector == "haar":
        raise SettingError("--detector-model is for --detector yunet and ferlite; the haar detector comes with OpenCV")
    settings = {} if options.detector_model is None else {"model": options.detector_model}
    if options.detector == "ferlite" and str(options.detector_model).endswith(".onnx"):
        _check_not_yunets(Path(options.detector_model))
    if options.detector == "ferlite":
        settings["threads"] = options.threads
    with native_stderr_hidden():  # LiteRT announces itself there, and has no setting for it
        detector = detectors.create(options.detector, min_face=options.min_face, **settings)
        return Recognizer(options.model, detector, options.threads, options.backend)


def _check_not_yunets(file: Path) -> None:
    """YuNet's file, which has no card, is the one that most people have."""
    if file.is_file() and not card_path(file).exists():
        raise SettingError(f"{file} has no card, so it is no model for ferlite; for YuNet's give --detector yunet")


def positive_int(text: str) -> int:
    return whole(text, 1)


def whole(text: str, least: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {MOST:,}")
    return int(text)


def thread_count(text: str) -> int:
    if whole(text, 1) > 1024:
        raise argparse.ArgumentTypeError(f"{text!r} is more than the 1024 threads that make sense anywhere")
    return int(text)


def positive(text: str) -> float:
    return _real(text, lambda number: 0 < number < math.inf, "a number above 0")


def timeout(text: str) -> float:
    return _real(text, lambda number: number > 0, "a number above 0, or inf")


def not_negative(text: str) -> float:
    return _real(text, lambda number: 0 <= number < math.inf, "a number from 0 on")


def part(text: str) -> float:
    return _real(text, lambda number: 0 < number <= 1, "a number above 0 and at most 1")


def size(text: str) -> tuple[int, int]:
    numbers = text.lower().split("x")
    if len(numbers) != 2 or not all(number.isdecimal() and 0 < int(number) < 100_000 for number in numbers):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size like 1280x720")
    return int(numbers[0]), int(numbers[1])


def web_address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (host and colon and "/" not in host and port.isdecimal() and int(port) <= 65535):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an address like 127.0.0.1:8000; a source that is meant stands before --web"
        )
    return host, int(port)


def _real(text: str, holds: Callable[[float], bool], wanted: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not holds(number):
        raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")
    return number


@contextmanager
def native_stderr_hidden() -> Iterator[None]:
    """Hide what libraries print past Python; our own warnings are seen as ever."""
    stderr = sys.stderr
    if stderr is None:  # closed, as daemons have it: there is nothing to hide, and descriptor 2 may be anything
        yield
        return
    stderr.flush()
    with os.fdopen(os.dup(2), "w", buffering=1) as kept:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        sys.stderr = kept
        try:
            yield
        finally:
            sys.stderr = stderr
            os.dup2(kept.fileno(), 2)
