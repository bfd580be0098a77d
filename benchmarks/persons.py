"""Who is where in a video, from boxes of single frames and with all of it known: the reference for `Tracker`.

Boxes are joined by their overlap, those nearest in time first and across gaps, as a tracker that has to answer at once
cannot do.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np

from ferlite import Box
from ferlite.tracking import overlap

JOIN = 0.2  # overlap from which two boxes can be one person


class Person(NamedTuple):
    """A face of the reference: its box by frame, also interpolated between the frames in which it was `seen`."""

    boxes: dict[int, Box]
    seen: list[int]


def join(times: list[float], boxes: list[list[Box]], gap: float) -> list[Person]:
    """The boxes of all frames as persons; two of one frame are never the same."""
    groups = {(frame, k): {frame: box} for frame, found in enumerate(boxes) for k, box in enumerate(found)}
    links = []
    for (i, a), (j, b) in combinations(groups, 2):
        if i != j and times[j] - times[i] <= gap and (shared := overlap(boxes[i][a], boxes[j][b])) >= JOIN:
            links.append((j - i, -shared, (i, a), (j, b)))
    for _, _, first, second in sorted(links):
        one, other = groups[first], groups[second]
        if not one.keys() & other.keys():
            one.update(other)
            groups = {sighting: one if group is other else group for sighting, group in groups.items()}
    return [_person(group) for group in {id(group): group for group in groups.values()}.values()]


def _person(sightings: dict[int, Box]) -> Person:
    seen = sorted(sightings)
    frames = range(seen[0], seen[-1] + 1)
    sides = [np.interp(frames, seen, [sightings[frame][side] for frame in seen]) for side in range(4)]
    return Person(dict(zip(frames, (Box(*map(round, box)) for box in zip(*sides, strict=True)), strict=True)), seen)
