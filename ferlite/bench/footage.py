"""The frames that are timed, all held in memory, so that neither a disk nor a decoder is timed with them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from ferlite import synthetic
from ferlite.capture import Source
from ferlite.errors import SourceError
from ferlite.types import Frame

LEAST = 3  # frames; fewer have no percentiles worth the name
MEMORY = 256 * 2**20  # bytes of pictures held at most, so that a long clip does not fill a small board


def drawn(size: tuple[int, int], faces: int, first: int, count: int) -> list[Frame]:
    """Consecutive frames of the synthetic scene, from number `first` on."""
    held = min(count, max(LEAST, MEMORY // (3 * size[0] * size[1])))
    return [
        Frame(number, number / synthetic.FPS, synthetic.scene(number / synthetic.FPS, faces, size))
        for number in range(first, first + held)
    ]


def read(source: Source, name: str, count: int) -> list[Frame]:
    """The first frames of a file, without those that are the same as the one before. Raises SourceError for too few."""
    frames: list[Frame] = []
    for frame in source:
        if frames and np.array_equal(frames[-1].image, frame.image):
            continue
        frames.append(frame)
        if len(frames) == count or len(frames) * frame.image.nbytes > MEMORY:
            break
    if len(frames) < 2 * LEAST:
        raise SourceError(f"{name}: {len(frames)} different frames are too few to time; give a longer clip")
    return frames


@dataclass(slots=True)
class Memory:
    """Frames in memory as a file-like source, for `Pipeline`."""

    frames: list[Frame]
    live: bool = False
    fps: float | None = None
    total: int | None = None
    seen: int = 0
    dropped: int = 0

    def __iter__(self) -> Iterator[Frame]:
        for frame in self.frames:
            self.seen += 1
            yield frame

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        pass
