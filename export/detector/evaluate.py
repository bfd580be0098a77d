"""Face detectors side by side on pictures whose faces are known: any that ferlite has, through its own classes.

Each runs twice on every picture: as it is by default, which gives the figures of its working point, and with nearly all
of its candidates, which gives the curve of precision over recall. A face counts as found from an overlap of a half on;
faces smaller than `min_face` asks for, and ignored ones, count neither way.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from export.datasets.faces import FacePicture
from export.detector.metrics import Curve, Found, Known, curve, match
from ferlite import read_image
from ferlite.detectors import create
from ferlite.errors import FerliteError, SettingError
from ferlite.types import Detection, Detector

FRAME = 320  # pixels of the width that sizes of faces are given for
SMALLEST = 20  # pixels there
BINS = (20, 30, 45, 70, 110, 180, np.inf)  # of a face's width there
CLEAR = 40  # pixels there from which landmarks are compared
EVERYTHING: dict[str, dict[str, Any]] = {
    "haar": {"min_neighbors": 1},
    "yunet": {"score": 0.1},
    "ferlite": {"score": 0.02},
}


class Candidate(NamedTuple):
    """A detector to measure: what it is called in the report, as it is by default, and with all its candidates."""

    title: str
    usual: Detector
    everything: Detector


class Miss(NamedTuple):
    """A face that was not found, or a box that is no face: its picture, place and width or score."""

    path: Path
    box: tuple[float, ...]
    value: float


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured of one detector.

    `recall`, `precision` and `false` are those of its working point, `by_size` its recall for each of `BINS` with the
    number of faces, `false_per_1000` false boxes in a thousand pictures without faces. `landmarks` are the mean and the
    median over faces of the five points' mean distance, in parts of the distance of the eyes. `milliseconds` are of one
    thread's own work for a picture.
    """

    title: str
    faces: int
    recall: float
    precision: float
    false: int
    empty: int
    false_per_1000: float
    by_size: list[tuple[float, int]]
    landmarks: tuple[float, float] | None
    milliseconds: float
    curve: Curve
    missed: list[Miss] = field(default_factory=list)
    wrong: list[Miss] = field(default_factory=list)


def candidate(text: str, min_face: float) -> Candidate:
    """The detector that NAME or NAME=FILE says. Raises FerliteError for one that cannot be made."""
    name, _, file = text.partition("=")
    settings: dict[str, Any] = {"min_face": min_face}
    if file:
        if name == "haar":
            raise SettingError(f"{text}: the haar detector comes with OpenCV and takes no file")
        settings["model"] = file
    title = f"{name} ({Path(file).name})" if file and name != "yunet" else name
    usual = create(name, **settings)
    return Candidate(title, usual, create(name, **settings, **EVERYTHING[name]))


def evaluate(
    pictures: Sequence[FacePicture],
    candidates: Sequence[Candidate],
    overlap: float = 0.5,
    progress: Callable[[str], None] = lambda text: None,
) -> list[Result]:
    """Measure each detector on the pictures, one after the other on every picture, in an order that changes."""
    known: list[Known] = []
    usual: list[list[Found]] = [[] for _ in candidates]
    everything: list[list[Found]] = [[] for _ in candidates]
    spent = [0.0] * len(candidates)
    frames = []
    progress(f"{len(pictures)} pictures, {', '.join(c.title for c in candidates)}")
    for number, picture in enumerate(tqdm(pictures, unit="picture", disable=None)):
        try:
            image = read_image(picture.path)
        except FerliteError as error:
            raise FerliteError(f"{picture.path.name}: {error}") from error
        frames.append(image.shape[1] / FRAME)
        small = picture.boxes[:, 2] < SMALLEST * frames[-1]
        known.append(Known(picture.boxes, picture.landmarks, picture.ignored | small))
        for turn in range(len(candidates)):
            index = (number + turn) % len(candidates)
            began = time.thread_time()
            detections = candidates[index].usual(image)
            spent[index] += time.thread_time() - began
            usual[index].append(_found(detections))
            everything[index].append(_found(candidates[index].everything(image)))
    times = [1000 * seconds / max(len(pictures), 1) for seconds in spent]
    return [
        _result(one.title, pictures, known, frames, usual[n], curve(known, everything[n], overlap), times[n], overlap)
        for n, one in enumerate(candidates)
    ]


def _result(
    title: str,
    pictures: Sequence[FacePicture],
    known: list[Known],
    frames: list[float],
    found: list[Found],
    whole: Curve,
    milliseconds: float,
    overlap: float,
) -> Result:
    sizes, hits, errors = [], [], []
    missed: list[Miss] = []
    wrong: list[Miss] = []
    empty, in_empty = 0, 0
    for picture, faces, boxes, frame in zip(pictures, known, found, frames, strict=True):
        matched = match(faces, boxes, overlap)
        taken = set(matched.face.tolist())
        for number in np.flatnonzero(~faces.ignored).tolist():
            size = float(faces.boxes[number, 2] / frame)
            sizes.append(size)
            hits.append(number in taken)
            if number not in taken:
                missed.append(Miss(picture.path, tuple(faces.boxes[number].tolist()), size))
        for index, face, counts in zip(matched.order, matched.face, matched.counts, strict=True):
            if face >= 0 and faces.boxes[face, 2] / frame >= CLEAR:
                errors.append(landmark_error(boxes.landmarks[index], faces.landmarks[face]))
            elif face < 0 and counts:
                wrong.append(Miss(picture.path, tuple(boxes.boxes[index].tolist()), float(boxes.scores[index])))
                in_empty += not len(picture.boxes)
        empty += not len(picture.boxes)
    places = np.digitize(sizes, BINS) - 1
    in_bins = [np.array(hits)[places == n] for n in range(len(BINS) - 1)]
    right, known_errors = sum(hits), [error for error in errors if np.isfinite(error)]
    return Result(
        title=title,
        faces=len(hits),
        recall=right / max(len(hits), 1),
        precision=right / max(right + len(wrong), 1),
        false=len(wrong),
        empty=empty,
        false_per_1000=1000 * in_empty / max(empty, 1),
        by_size=[(float(one.mean()) if len(one) else float("nan"), len(one)) for one in in_bins],
        landmarks=(float(np.mean(known_errors)), float(np.median(known_errors))) if known_errors else None,
        milliseconds=milliseconds,
        curve=whole,
        missed=sorted(missed, key=lambda miss: -miss.value),
        wrong=sorted(wrong, key=lambda miss: -miss.value),
    )


def landmark_error(found: np.ndarray, true: np.ndarray) -> float:
    """The mean distance of five landmarks (5, 2) over that of the true eyes; NaN where either is not known."""
    return float(np.linalg.norm(found - true, axis=1).mean() / np.linalg.norm(true[0] - true[1]))


def _found(detections: Sequence[Detection]) -> Found:
    unknown = np.full((5, 2), np.nan)
    return Found(
        np.array([face.box for face in detections], np.float32).reshape(-1, 4),
        np.array([face.score for face in detections], np.float32),
        np.array([unknown if face.landmarks is None else face.landmarks for face in detections], np.float32).reshape(
            -1, 5, 2
        ),
    )
