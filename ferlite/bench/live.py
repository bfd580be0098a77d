"""A camera or stream: how many pictures it really gives, and how old the results of a pipeline on it are."""

import math
import time
import zlib
from collections.abc import Iterator
from typing import Any

from ferlite.bench.figures import milliseconds, number
from ferlite.capture import Source
from ferlite.errors import SourceError
from ferlite.pipeline import Pipeline
from ferlite.recognizer import Recognizer
from ferlite.stats import Stats
from ferlite.types import Frame, Image

GRID = 8  # every how many pixels are compared: the noise of a camera shows in any of them


def capture(source: Source, name: str, seconds: float) -> dict[str, Any]:
    """What a live source delivers while nobody does anything with it; pictures that repeat are counted apart."""
    stats = Stats()
    marks, repeated, size = _Marks(), 0, ""
    with source:
        for frame in _until(source, seconds):
            if marks.is_new(frame.image):
                stats.add(0.0, frame.timestamp)
            else:
                repeated += 1
            size = f"{frame.image.shape[1]}x{frame.image.shape[0]}"
    if stats.count < 2:
        raise SourceError(f"{name}: {stats.count} different frames are too few to time; is it a still picture?")
    return {
        "size": size,
        "stated_fps": number(source.fps, 1),
        "fps": number(stats.throughput, 1),
        "frames": stats.count,
        "repeated": repeated,
        "dropped": source.dropped,
    }


def run(source: Source, name: str, recognizer: Recognizer, seconds: float) -> dict[str, Any]:
    """A pipeline on a live source: results per second, the age of their frames, and how many were passed over.

    Results of pictures that repeat the one before cost time, and count for nothing else.
    """
    stats, marks, faces = Stats(), _Marks(), 0
    with Pipeline(source, recognizer) as pipeline:
        deadline, cpu, seen, dropped = math.inf, 0.0, 0, 0
        for result in pipeline:
            if deadline == math.inf:  # from the first result on, when everything runs
                deadline = time.monotonic() + seconds
                cpu, seen, dropped = time.process_time(), pipeline.seen, pipeline.dropped
            if marks.is_new(result.frame.image):
                stats.add(result.latency)
                faces += bool(result.faces)
            if time.monotonic() >= deadline:
                break
        cpu = time.process_time() - cpu
        seen, dropped = pipeline.seen - seen, pipeline.dropped - dropped
    if stats.count < 2:
        raise SourceError(f"{name}: {stats.count} results in {seconds:g} s are too few to time; give it longer")
    return {
        "fps": number(stats.throughput, 1),
        "frames": stats.count,
        "latency_ms": {f"p{p}": milliseconds(stats.latency(p)) for p in (50, 95, 99)},
        "cpu_ms_per_frame": milliseconds(cpu / (stats.count - 1)),
        "seen": seen,
        "dropped": dropped,
        "with_a_face": number(faces / stats.count, 4),
    }


class _Marks:
    """Tells pictures that differ from the one before."""

    def __init__(self) -> None:
        self._last = -1

    def is_new(self, image: Image) -> bool:
        mark = zlib.crc32(image[::GRID, ::GRID].tobytes())
        is_new, self._last = mark != self._last, mark
        return is_new


def _until(source: Source, seconds: float) -> Iterator[Frame]:
    deadline = math.inf
    for frame in source:
        if deadline == math.inf:
            deadline = time.monotonic() + seconds
        yield frame
        if time.monotonic() >= deadline:
            return
