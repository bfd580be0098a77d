"""What goes from stage to stage, and the conventions all of ferlite keeps.

Images are uint8, BGR (h, w, 3) or grey (h, w), C-order or not. A box is (x, y, w, h) in whole pixels of the image that
was given, and may reach past its edges. Times are seconds. Probabilities are float32, one per label, and sum to 1.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Image = NDArray[Any]
"""uint8; typed loosely because OpenCV's own types do not say so."""


class Box(NamedTuple):
    """A rectangle in whole pixels of the image it was found in."""

    x: int
    y: int
    w: int
    h: int


class Detection(NamedTuple):
    """Where a detector sees a face, and how sure it is: `score` in 0…1."""

    box: Box
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face of one image.

    `score` is the detector's (0…1, that this is a face); `probabilities` are the classifier's, float32 (labels,) in the
    order of `labels`, and `label` is the likeliest of them.
    """

    box: Box
    score: float
    label: str
    probabilities: NDArray[np.float32]
    labels: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The face as plain JSON values, `probabilities` by label name."""
        return {
            "box": list(self.box),
            "score": round(self.score, 4),
            "label": self.label,
            "probabilities": {
                name: round(float(p), 4) for name, p in zip(self.labels, self.probabilities, strict=True)
            },
        }


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a source.

    `seq` counts the pictures of the source from 0 and never repeats; a gap means pictures that were dropped.
    `timestamp` is in seconds: of a live source, `time.monotonic()` when the picture came; of a file, the place in it.
    """

    seq: int
    timestamp: float
    image: Image


@dataclass(frozen=True, slots=True, eq=False)
class FrameResult:
    """The faces of one frame.

    `latency` is in seconds: of a live source, from the picture's arrival to the result; of a file, the processing time.
    """

    frame: Frame
    faces: tuple[Face, ...]
    latency: float

    def as_dict(self) -> dict[str, Any]:
        """The result as plain JSON values: seq, timestamp, faces and latency."""
        return {
            "seq": self.frame.seq,
            "timestamp": round(self.frame.timestamp, 6),
            "faces": [face.as_dict() for face in self.faces],
            "latency": round(self.latency, 6),
        }


class Detector(Protocol):
    """Finds faces: image BGR (h, w, 3) or grey (h, w), uint8 → detections in pixels of that image."""

    def __call__(self, image: Image) -> list[Detection]: ...


class Sink(Protocol):
    """Somewhere results go."""

    def write(self, result: FrameResult) -> None: ...

    def close(self) -> None: ...
