"""What goes from stage to stage, and the conventions all of ferlite keeps.

Images are uint8, BGR (h, w, 3) or grey (h, w), C-order or not. A box is (x, y, w, h) in whole pixels of the image that
was given, and may reach past its edges. Times are seconds. Probabilities are float32, one per label, and sum to 1.
"""

from abc import abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

Image = NDArray[Any]
"""uint8; typed loosely because OpenCV's own types do not say so."""


class Emotion(StrEnum):
    """The seven emotions of FER-2013, in the order of its codes 0…6: what the bundled models tell apart."""

    ANGRY = "angry"
    DISGUST = "disgust"
    FEAR = "fear"
    HAPPY = "happy"
    SAD = "sad"
    SURPRISE = "surprise"
    NEUTRAL = "neutral"


class Point(NamedTuple):
    """A place in pixels of an image, fractions included."""

    x: float
    y: float


class Landmarks(NamedTuple):
    """Five points of a face. Right and left are the person's own: the right eye is the left one in the picture."""

    right_eye: Point
    left_eye: Point
    nose: Point
    right_mouth: Point
    left_mouth: Point


class Box(NamedTuple):
    """A rectangle in whole pixels of the image it was found in."""

    x: int
    y: int
    w: int
    h: int


class Detection(NamedTuple):
    """Where a detector sees a face, how sure it is (`score` in 0…1), and its landmarks where it knows them."""

    box: Box
    score: float
    landmarks: Landmarks | None = None

    def placed(self, across: float = 1.0, down: float = 1.0, x: int = 0, y: int = 0) -> "Detection":
        """The same face in another image: scaled by `across` and `down`, then moved by `x` and `y` pixels."""
        left, top, w, h = self.box
        box = Box(round(left * across) + x, round(top * down) + y, round(w * across), round(h * down))
        landmarks = self.landmarks
        if landmarks is not None:
            landmarks = Landmarks(*(Point(point.x * across + x, point.y * down + y) for point in landmarks))
        return Detection(box, self.score, landmarks)


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face of one image.

    `score` is the detector's (0…1, that this is a face). `raw` is what the classifier says of this picture alone,
    float32 (labels,) in the order of `labels`. In a single image `probabilities` are the same and `label` is the
    likeliest; in a pipeline that smooths, `probabilities` are their running mean over the face's track, and `label`
    changes only when another one has clearly taken over. `track_id` tells the faces of a video apart, from 1 on and
    never given twice; None without tracking. `unseen` is for how many seconds a tracked face has not been found: where
    it is above 0, all else is as it was then.
    """

    box: Box
    score: float
    label: str
    probabilities: NDArray[np.float32]
    raw: NDArray[np.float32]
    labels: tuple[str, ...]
    landmarks: Landmarks | None = None
    track_id: int | None = None
    unseen: float = 0.0

    def __str__(self) -> str:
        number = "" if self.track_id is None else f"#{self.track_id} "
        return f"{number}{self.label} {float(self.probabilities[self.labels.index(self.label)]):.0%}"

    def as_dict(self) -> dict[str, Any]:
        """The face as plain JSON values, `probabilities` and `raw` by label name."""
        return {
            "track_id": self.track_id,
            "box": list(self.box),
            "score": round(self.score, 4),
            "label": self.label,
            "probabilities": self._by_name(self.probabilities),
            "raw": self._by_name(self.raw),
            "unseen": round(self.unseen, 3),
            "landmarks": self.landmarks and [[round(x, 1), round(y, 1)] for x, y in self.landmarks],
        }

    def _by_name(self, values: NDArray[np.float32]) -> dict[str, float]:
        return {name: round(float(value), 4) for name, value in zip(self.labels, values, strict=True)}


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a source.

    `seq` counts the pictures of the source from 0 and never repeats; a gap means pictures that were dropped.
    `timestamp` is in seconds: of a live source, `time.monotonic()` when the picture came; of a file, the place in it.
    `luma` is the same picture in grey, (h, w) and often smaller, where a camera gives it at no cost: faces are then
    found in it, and read in it by networks that take grey.
    """

    seq: int
    timestamp: float
    image: Image
    luma: Image | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FrameResult:
    """The faces of one frame.

    `latency` is the age of the frame when its result was handed out, in seconds: since the picture arrived, or since it
    was read from a file. `detecting` and `classifying` are the parts of it spent at work. `dropped` counts the frames
    of the source that were passed over for newer ones until then.
    """

    frame: Frame
    faces: tuple[Face, ...]
    latency: float
    detecting: float = 0.0
    classifying: float = 0.0
    dropped: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The result as plain JSON values: seq and timestamp of the frame, and all but the frame itself."""
        return {
            "seq": self.frame.seq,
            "timestamp": round(self.frame.timestamp, 6),
            "faces": [face.as_dict() for face in self.faces],
            "latency": round(self.latency, 6),
            "detecting": round(self.detecting, 6),
            "classifying": round(self.classifying, 6),
            "dropped": self.dropped,
        }


class Detector(Protocol):
    """Finds faces: image BGR (h, w, 3) or grey (h, w), uint8 → detections in pixels of that image.

    `min_face` is the side of the smallest face wanted, as a part of the image's longer side; without it the detector's
    own setting holds. Used by one thread at a time. A detector may also have a method `work(shape, min_face)`, the
    pixels it goes through for an image of that shape, so that a tracker can choose what costs less.
    """

    def __call__(self, image: Image, min_face: float | None = None) -> list[Detection]: ...


class Sink(Protocol):
    """Somewhere results go, in a `with` block or until `close`; sinks inherit the `with` block from it."""

    @abstractmethod
    def write(self, result: FrameResult) -> None: ...

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
