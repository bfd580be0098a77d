"""What every reader of pictures with face boxes returns."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass(frozen=True, slots=True)
class FacePicture:
    """One picture and the faces in it, in pixels of the picture.

    `boxes` (n, 4) float32 are x, y, width and height, and may reach past the edges. `landmarks` (n, 5, 2) float32 are
    in the order of `ferlite.types.Landmarks`, NaN where unknown. What is in an `ignored` (n,) bool box counts neither
    as a face nor as background. `group` names where the picture comes from, where a set has several sources.
    """

    path: Path
    boxes: np.ndarray
    landmarks: np.ndarray
    ignored: np.ndarray
    group: str = ""

    @property
    def faces(self) -> int:
        """How many boxes count."""
        return int(np.count_nonzero(~self.ignored))


@dataclass(frozen=True, slots=True)
class FaceSet:
    """Pictures to learn from and pictures to choose by, and `extra` ones to learn faces from, of another kind."""

    training: Sequence[FacePicture]
    validation: Sequence[FacePicture]
    name: str
    extra: Sequence[FacePicture] = ()


@dataclass(slots=True)
class Faces:
    """The faces of one picture while they are read."""

    boxes: list[Sequence[float]] = field(default_factory=list)
    landmarks: list[Sequence[float]] = field(default_factory=list)
    ignored: list[bool] = field(default_factory=list)

    def add(self, box: Sequence[float], landmarks: Sequence[float] | None = None, ignored: bool = False) -> None:
        """One more face: x, y, width and height, and ten coordinates of landmarks where they are known."""
        self.boxes.append(box)
        self.landmarks.append([np.nan] * 10 if landmarks is None else landmarks)
        self.ignored.append(ignored)

    def picture(self, path: Path, group: str = "") -> FacePicture:
        """The picture with these faces."""
        return FacePicture(
            path,
            np.array(self.boxes, np.float32).reshape(-1, 4),
            np.array(self.landmarks, np.float32).reshape(-1, 5, 2),
            np.array(self.ignored, bool),
            group,
        )
