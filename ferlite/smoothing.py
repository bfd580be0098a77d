"""Probabilities over time: a label that does not flicker.

A network that judges every picture alone changes its mind with every blink and every pixel the box moves. A running
mean takes out what does not last; a label then changes only when another one leads clearly, and not at once again.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ferlite.errors import SettingError

# Chosen by `python -m benchmarks.steadiness --sweep` on four clips; what is held made no difference there.
SECONDS = 0.4  # time constant of the running mean
MARGIN = 0.05  # by how much the mean of another label has to lead
HOLD = 0.3  # seconds a label stays at least


class Steady(NamedTuple):
    """The running mean, float32 (labels,), and the index of the label that holds."""

    probabilities: NDArray[np.float32]
    label: int


class Smoother:
    """A running mean of each face's probabilities, with hysteresis and a minimum hold for its label.

    `seconds` is the time constant of the mean: what is that old counts e times less; 0 takes each frame as it is. A
    label gives way to another one when that one's mean is larger by `margin`, and not before it was held for `hold`
    seconds.

    >>> smoother = Smoother()
    >>> happy, sad = np.float32([0.9, 0.1]), np.float32([0.1, 0.9])
    >>> [smoother(1, raw, number / 10).label for number, raw in enumerate([happy, happy, sad, happy])]
    [0, 0, 0, 0]
    """

    def __init__(self, seconds: float = SECONDS, margin: float = MARGIN, hold: float = HOLD) -> None:
        if not 0 <= seconds < math.inf:
            raise SettingError(f"seconds is {seconds}; it is a time constant: 0 or more")
        if not 0 <= margin < 1:
            raise SettingError(f"margin is {margin}; it is a difference of probabilities: from 0 on, below 1")
        if not 0 <= hold < math.inf:
            raise SettingError(f"hold is {hold}; it has to be 0 seconds or more")
        self.seconds, self.margin, self.hold = seconds, margin, hold
        self._tracks: dict[int, _Track] = {}

    def reset(self) -> None:
        """Forget all faces, as at the start of another video."""
        self._tracks.clear()

    def keep(self, track_ids: Collection[int]) -> None:
        """Forget all faces but these."""
        for gone in self._tracks.keys() - set(track_ids):
            del self._tracks[gone]

    def __call__(self, track_id: int, raw: NDArray[np.float32], timestamp: float) -> Steady:
        """What holds for a face once its next probabilities (labels,) are counted in, at `timestamp` in seconds.

        Timestamps of one face never fall.
        """
        track = self._tracks.get(track_id)
        if track is None:
            track = self._tracks[track_id] = _Track(raw.astype(np.float64), int(raw.argmax()), timestamp, timestamp)
        track.count += 1
        # a plain mean of the first few: until then the first one of all would count too much
        fading = math.exp(min(0.0, track.last - timestamp) / self.seconds) if self.seconds else 0.0
        weight = max(1 / track.count, 1 - fading)
        track.last = timestamp
        track.mean += weight * (raw - track.mean)
        best = int(track.mean.argmax())
        leads = track.mean[best] - track.mean[track.label] >= self.margin
        if best != track.label and leads and timestamp - track.since >= self.hold:
            track.label, track.since = best, timestamp
        return Steady(track.mean.astype(np.float32), track.label)


@dataclass(slots=True)
class _Track:
    mean: NDArray[np.float64]
    label: int
    since: float
    last: float
    count: int = 0
