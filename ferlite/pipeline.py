"""A source and a recognizer, joined: an iterator of results."""

import time
from collections.abc import Iterator
from os import PathLike
from typing import Self

from ferlite.capture import Source, open_source
from ferlite.detectors.haar import QUICK, THOROUGH, HaarDetector
from ferlite.recognizer import Recognizer
from ferlite.stats import Stats
from ferlite.types import FrameResult


class Pipeline:
    """The faces of every frame of a video file, or of the newest frame of a camera or stream.

    `source` is what `ferlite.open_source` takes, or an opened source. Live sources are read in a thread of their own;
    faces are found in the thread that iterates. Without a `recognizer` it is the default one, quick for live sources
    and thorough for files. Leaving the `with` block closes the source.
    """

    def __init__(self, source: int | str | PathLike[str] | Source = 0, recognizer: Recognizer | None = None) -> None:
        self.source = open_source(source) if isinstance(source, int | str | PathLike) else source
        self.stats = Stats()
        try:
            self.recognizer = recognizer or Recognizer(detector=HaarDetector(QUICK if self.source.live else THOROUGH))
        except BaseException:
            self.source.close()  # nobody else can
            raise

    def __iter__(self) -> Iterator[FrameResult]:
        for frame in self.source:
            began = frame.timestamp if self.source.live else time.monotonic()
            faces = tuple(self.recognizer(frame.image))
            now = time.monotonic()
            self.stats.add(now - began, now)
            yield FrameResult(frame, faces, now - began)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.source.close()
