"""`ferlite.Follower`, which does the work of the pipeline's threads, in one loop; and frames that need no file."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ferlite import Box, Follower, Frame, Recognizer, detectors
from ferlite.tracking import EVERY
from ferlite.types import Image

FPS = 30.0  # of the clock that the frames are given


class Pictures:
    """Pictures as a source that loses none, like a file."""

    live = False
    fps: float | None = FPS
    total: int | None = None
    dropped = 0

    def __init__(self, images: Iterable[Image] = ()) -> None:
        self._images, self.seen = images, 0

    def __iter__(self) -> Iterator[Frame]:
        for number, image in enumerate(self._images):
            self.seen += 1
            yield Frame(number, number / FPS, image)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None: ...


class TrackedStep:
    """One frame's work after the other; gives the boxes of the faces that were found in that very frame."""

    def __init__(self, recognizer: Recognizer, **settings: Any) -> None:
        self._follower = Follower(recognizer, **settings)
        self._frames = 0

    def __call__(self, image: NDArray[np.uint8]) -> list[Box]:
        frame = Frame(self._frames, self._frames / FPS, image)
        self._frames += 1
        return [face.box for face in self._follower(frame) if face.unseen == 0]


def make(detector: str, detector_model: str | None = None, least: int | None = None, **settings: Any) -> TrackedStep:
    """`detector_model` and `least` are YuNet's, all other settings the follower's."""
    own = {"model": detector_model, "least": least}
    given = {name: value for name, value in own.items() if value is not None}
    return TrackedStep(Recognizer(detector=detectors.create(detector, min_face=detectors.QUICK, **given)), **settings)


def add_step(parser: ArgumentParser) -> None:
    """The options of such a step, for measurements of ferlite alone."""
    parser.add_argument("--detector", choices=detectors.NAMES, default=detectors.DEFAULT, help="(default: %(default)s)")
    parser.add_argument("--detector-model", metavar="FILE", help="YuNet's file (default: the pulled one)")
    parser.add_argument(
        "--min-face", type=float, default=detectors.QUICK, help="(default: %(default)s, as for cameras)"
    )
    parser.add_argument("--model", metavar="FILE", help="the classifier's (default: the bundled one)")
    parser.add_argument("--search-every", type=int, default=EVERY, help="frames (default: %(default)s)")
    parser.add_argument("--classify-every", type=int, default=1, help="frames (default: 1)")


def make_recognizer(options: Namespace, threads: int = 1) -> Recognizer:
    own = {"model": options.detector_model} if options.detector_model else {}
    return Recognizer(options.model, detectors.create(options.detector, min_face=options.min_face, **own), threads)


def make_step(options: Namespace, threads: int = 1) -> TrackedStep:
    return TrackedStep(make_recognizer(options, threads), **follower_settings(options))


def follower_settings(options: Namespace) -> dict[str, Any]:
    return {"search_every": options.search_every, "classify_every": options.classify_every}
