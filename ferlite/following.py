"""Faces over time: what a detector, a tracker, a classifier and a smoother make of frame after frame.

In a loop of one's own, or in the threads of `Pipeline`: finding and reading are two steps, of which each may run in a
thread of its own, on different frames at the same time.
"""

from dataclasses import replace
from itertools import compress
from typing import NamedTuple

from ferlite.errors import SettingError
from ferlite.images import as_image
from ferlite.recognizer import Recognizer, as_faces
from ferlite.smoothing import SECONDS, Smoother
from ferlite.tracking import EVERY, Tracked, Tracker
from ferlite.types import Detection, Face, Frame, Image


class Found(NamedTuple):
    """A frame with the faces found in `picture`, its luma if it has one, and the `numbers` of all that may return."""

    frame: Frame
    picture: Image
    faces: list[Tracked]
    numbers: frozenset[int]


class Follower:
    """The faces of one frame after the other, with numbers and steady labels.

    With `tracking`, faces keep their `track_id` from frame to frame, and the whole picture is searched every
    `search_every` frames only; without, every frame is searched and stands for itself. A tracked face is classified
    again every `classify_every` frames; in between it keeps its emotion. `smoothing` is the time constant in seconds,
    or the `Smoother`, that steadies the labels of tracked faces; 0 leaves each frame's own. `min_face` is that of the
    searches, the detector's own without. Not thread-safe, but `find` and `read` may each have a thread.

    >>> from ferlite import demo
    >>> follower = Follower(Recognizer())
    >>> for number in range(3):
    ...     print([(face.track_id, face.label) for face in follower(Frame(number, number / 30, demo.portrait()))])
    [(1, 'neutral')]
    [(1, 'neutral')]
    [(1, 'neutral')]
    """

    def __init__(
        self,
        recognizer: Recognizer,
        tracking: bool = True,
        search_every: int = EVERY,
        classify_every: int = 1,
        smoothing: float | Smoother = SECONDS,
        min_face: float | None = None,
    ) -> None:
        if not isinstance(classify_every, int) or classify_every < 1:
            raise SettingError(f"classify_every is {classify_every}; it has to be 1 frame or more")
        self.recognizer, self.classify_every, self.min_face = recognizer, classify_every, min_face
        self._tracker = Tracker(recognizer.detector, search_every, min_face=min_face) if tracking else None
        self._smoother = smoothing if isinstance(smoothing, Smoother) else _smoother(smoothing)
        self._smoother.reset()  # what it knows of other frames says nothing about these
        self._known: dict[int | None, _Known] = {}

    def __call__(self, frame: Frame) -> tuple[Face, ...]:
        """The faces of the next frame; its `seq` and `timestamp` never fall. Raises ImageError for what is no image."""
        return self.read(self.find(frame))

    def find(self, frame: Frame) -> Found:
        """Where the faces of the next frame are."""
        picture = as_image(frame.image)
        if frame.luma is not None:
            picture = as_image(frame.luma)
        if self._tracker is None:
            faces = [Tracked(None, detection) for detection in self.recognizer.detect(picture, self.min_face)]
            return Found(frame, picture, faces, frozenset())
        return Found(frame, picture, self._tracker(picture, frame.timestamp), self._tracker.numbers)

    def read(self, found: Found) -> tuple[Face, ...]:
        """The faces of a frame: those that are due as they are read in it, the others as they were before."""
        for gone in self._known.keys() - found.numbers:
            del self._known[gone]
        self._smoother.keep(found.numbers)
        due = [face.found and self._is_due(face.track_id, found.frame.seq) for face in found.faces]
        fresh = iter(self._classify(found, [face.detection for face in compress(found.faces, due)]))
        faces = []
        for tracked, is_due in zip(found.faces, due, strict=True):
            number = tracked.track_id
            if is_due:
                face, read = next(fresh), found.frame.seq
                if number is not None:
                    steady = self._smoother(number, face.raw, found.frame.timestamp)
                    label = face.labels[steady.label]
                    face = replace(face, label=label, probabilities=steady.probabilities, track_id=number)
            elif number in self._known:
                face, read = self._known[number]
                box, score, landmarks = _placed(tracked.detection, found)
                face = replace(face, box=box, score=score, landmarks=landmarks, unseen=tracked.unseen)
            else:  # the frames in which it was found were passed over for newer ones
                continue
            faces.append(face)
            if number is not None:
                self._known[number] = _Known(face, read)
        return tuple(faces)

    def _is_due(self, number: int | None, seq: int) -> bool:
        return number not in self._known or seq - self._known[number].seq >= self.classify_every

    def _classify(self, found: Found, detections: list[Detection]) -> list[Face]:
        """What the classifier says of faces in this frame, each by itself."""
        classifier = self.recognizer.classifier
        placed = [_placed(detection, found) for detection in detections]
        if classifier.card.color == "grey":
            probabilities = classifier.predict_faces(found.picture, detections)
        else:
            probabilities = classifier.predict_faces(as_image(found.frame.image), placed)
        return as_faces(placed, probabilities, classifier.labels)


class _Known(NamedTuple):
    """A face and the number of the frame in which it was read."""

    face: Face
    seq: int


def _smoother(seconds: float) -> Smoother:
    return Smoother(seconds) if seconds else Smoother(seconds=0, margin=0, hold=0)


def _placed(detection: Detection, found: Found) -> Detection:
    """A face found in a frame's luma, in pixels of its image."""
    (height, width), (rows, columns) = found.frame.image.shape[:2], found.picture.shape[:2]
    if (height, width) == (rows, columns):
        return detection
    return detection.placed(width / columns, height / rows)
