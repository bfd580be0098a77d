"""Boxes over time: which face is which, and where to look next.

Searching a whole frame costs many times what reading an emotion does, so it is done every few frames only; in between
the detector looks at small squares around the faces it knows. After Kalal et al. 2012 (tracking by detection) and
Bochinski et al. 2017 (matching boxes by their overlap alone), without either one's motion model: from frame to frame a
face moves by a small part of its own size.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

from ferlite.errors import SettingError
from ferlite.types import Box, Detection, Detector, Image

EVERY = 6  # frames from one search of the whole picture to the next
PAUSE = 3.0  # seconds between two frames after which nobody is taken to be where they were
PATIENCE = 0.35  # seconds a face may be missed before its track ends: a blink of the detector, not a person who left
MOST_MISSES = 90  # frames, should the clock stand still
KNOWN = 5  # times a face has to be found to be reported while it is missed: chance finds end at once
CLEAR = 0.8  # score from which a new face counts at once; a fainter one has to be found a second time
REGION = 2.0  # side of the square to look at, in sides of the last box
LOOK = 0.25  # min_face in that square
SAME = 0.2  # least overlap (intersection over union) of a face with its box one frame before
TWICE = 0.4  # overlap from which two boxes are one face seen from two squares


class Tracked(NamedTuple):
    """A face with its number, None where faces are not tracked.

    `found` says whether the detector found it in this frame; else the detection is `unseen` seconds old.
    """

    track_id: int | None
    detection: Detection
    found: bool = True
    unseen: float = 0.0


class Tracker:
    """Faces with numbers, from 1 on and never given twice.

    The detector searches the whole picture every `every` frames, with 1 always; three times as often while nobody is
    there or somebody is missed, and at once when that begins; and in crowds, where looking near each face would cost
    more. A face that is missed keeps its number for `patience`
    seconds, and is reported where it was last if it was found a few times before. `min_face` is that of the searches.
    Not thread-safe.
    """

    def __init__(
        self, detector: Detector, every: int = EVERY, patience: float = PATIENCE, min_face: float | None = None
    ) -> None:
        if not isinstance(every, int) or every < 1:
            raise SettingError(f"every is {every}; it has to be 1 frame or more")
        if not patience >= 0:
            raise SettingError(f"patience is {patience}; it has to be 0 seconds or more")
        self.detector, self.every, self.patience, self.min_face = detector, every, patience, min_face
        self._numbers = count(1)
        self._size: tuple[int, ...] = ()
        self._last = 0.0
        self.reset()

    def reset(self) -> None:
        """Forget all faces, as at the start of another video; numbers go on."""
        self._tracks: list[_Track] = []
        self._since_search = self.every
        self._is_first = True

    def __call__(self, image: Image, timestamp: float) -> list[Tracked]:
        """The faces of the next frame, BGR (h, w, 3) or grey (h, w) uint8; the largest first.

        `timestamp` is in seconds and never falls. After a pause, as after a connection was lost, or in another size of
        picture, all faces are new.
        """
        if image.shape[:2] != self._size or timestamp - self._last > max(PAUSE, self.patience):
            self.reset()
        self._size, self._last = image.shape[:2], timestamp
        self._since_search += 1
        settled = bool(self._tracks) and not any(track.misses for track in self._tracks)
        squares = [_region(track.detection.box, image.shape) for track in self._tracks]
        regions = [square for square in squares if square.w > 0 and square.h > 0]
        every = self.every if settled else max(1, self.every // 3)
        searched = self._since_search >= every or self._is_cheaper_searched(image, regions)
        if searched:
            detections = self._search(image)
        else:
            detections = self._look(image, regions)
            if settled and len(_pairs(self._tracks, detections)) < len(self._tracks):
                detections, searched = self._search(image), True
        self._update(detections, timestamp, searched)
        self._is_first = False
        reported = [
            Tracked(track.number, track.detection, track.misses == 0, max(0.0, timestamp - track.seen))
            for track in self._tracks
            if track.confirmed and (track.misses == 0 or track.found >= KNOWN)
        ]
        return sorted(reported, key=lambda face: face.detection.box.w * face.detection.box.h, reverse=True)

    @property
    def numbers(self) -> frozenset[int]:
        """The numbers of all faces that may still come back, reported or not."""
        return frozenset(track.number for track in self._tracks)

    def _search(self, image: Image) -> list[Detection]:
        self._since_search = 0
        return self.detector(image) if self.min_face is None else self.detector(image, self.min_face)

    def _is_cheaper_searched(self, image: Image, regions: list[Box]) -> bool:
        """Whether the whole picture costs no more than the squares around all faces do, as in crowds."""
        work = getattr(self.detector, "work", None)
        if work is None:
            return False
        return bool(work(image.shape, self.min_face) <= sum(work((box.h, box.w), LOOK) for box in regions))

    def _look(self, image: Image, regions: list[Box]) -> list[Detection]:
        found: list[Detection] = []
        for x, y, w, h in regions:
            found += (face.placed(x=x, y=y) for face in self.detector(image[y : y + h, x : x + w], LOOK))
        return _distinct(found)

    def _update(self, detections: list[Detection], timestamp: float, searched: bool) -> None:
        pairs = _pairs(self._tracks, detections)
        for number, track in enumerate(self._tracks):
            if number in pairs:
                track.detection, track.seen = detections[pairs[number]], timestamp
                track.misses, track.confirmed = 0, True
                track.found += 1
            else:
                track.misses += 1
        self._tracks = [track for track in self._tracks if self._may_return(track, timestamp)]
        # a look is for the face it is made around: of the many, one sees a face in a badge sooner or later
        for index in set(range(len(detections))) - set(pairs.values()) if searched else ():
            new = detections[index]
            # of what came before the first frame nobody knows anything: there every face counts
            confirmed = self._is_first or new.score >= CLEAR
            self._tracks.append(_Track(next(self._numbers), new, timestamp, confirmed))

    def _may_return(self, track: "_Track", timestamp: float) -> bool:
        if track.misses == 0:
            return True
        if not track.confirmed or track.misses > MOST_MISSES:
            return False
        # the first miss is always forgiven: a slow source would lose a face with every single one
        return track.misses == 1 or timestamp - track.seen <= self.patience


@dataclass(slots=True)
class _Track:
    number: int
    detection: Detection
    seen: float
    confirmed: bool
    found: int = 1
    misses: int = 0


def overlap(a: Box, b: Box) -> float:
    """The intersection of two boxes over their union, 0…1."""
    width = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
    height = min(a.y + a.h, b.y + b.h) - max(a.y, b.y)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (a.w * a.h + b.w * b.h - width * height)


def _region(box: Box, shape: tuple[int, ...]) -> Box:
    """The square around a face in which to look for it, as far as it is in the picture."""
    x, y, w, h = box
    reach = REGION * max(w, h) / 2
    left, top = max(0, round(x + w / 2 - reach)), max(0, round(y + h / 2 - reach))
    return Box(left, top, min(shape[1], round(x + w / 2 + reach)) - left, min(shape[0], round(y + h / 2 + reach)) - top)


def _pairs(tracks: list[_Track], detections: list[Detection]) -> dict[int, int]:
    """Which track goes on with which detection, both by index: tracks in good standing first, then the closest."""
    candidates = [
        (track.confirmed, shared, i, j)
        for i, track in enumerate(tracks)
        for j, face in enumerate(detections)
        if (shared := overlap(track.detection.box, face.box)) >= SAME
    ]
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for *_, i, j in sorted(candidates, reverse=True):
        if i not in pairs and j not in taken:
            pairs[i] = j
            taken.add(j)
    return pairs


def _distinct(detections: Iterable[Detection]) -> list[Detection]:
    kept: list[Detection] = []
    for face in sorted(detections, key=lambda face: face.score, reverse=True):
        if all(overlap(face.box, other.box) < TWICE for other in kept):
            kept.append(face)
    return kept
