"""What ferlite promises of every result, as checks that raise AssertionError."""

import json
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ferlite.types import Detection, Face, Image


def check_probabilities(values: NDArray[np.float32], shape: tuple[int, ...]) -> None:
    """float32 of that shape, each row a distribution."""
    assert values.dtype == np.float32, f"probabilities are {values.dtype}"
    assert values.shape == shape, f"probabilities have the shape {values.shape}, not {shape}"
    assert np.isfinite(values).all(), f"probabilities are not finite: {values}"
    assert (values >= 0).all(), f"probabilities are negative: {values}"
    sums = values.sum(axis=-1, dtype=np.float64)
    assert (np.abs(sums - 1) <= 1e-5).all(), f"probabilities sum to {sums}"


def check_detections(found: Sequence[Detection], image: Image) -> None:
    """Boxes of whole pixels with their centre in the image, scores in 0…1, finite landmarks."""
    height, width = image.shape[:2]
    for face in found:
        assert all(isinstance(value, int) for value in face.box), f"{face.box} is not of whole pixels"
        x, y, w, h = face.box
        inside = -1 <= x + w / 2 <= width + 1 and -1 <= y + h / 2 <= height + 1  # boxes are rounded
        assert w > 0, f"{face.box} is not in the image of {width}×{height} pixels"
        assert h > 0, f"{face.box} is not in the image of {width}×{height} pixels"
        assert inside, f"{face.box} is not in the image of {width}×{height} pixels"
        assert 0 <= face.score <= 1, f"score is {face.score}"
        points = face.landmarks or ()
        assert all(math.isfinite(value) for point in points for value in point), f"{points} are not finite"


def check_faces(faces: Sequence[Face], image: Image, labels: tuple[str, ...]) -> None:
    """Detections as above with distributions over the labels, as plain JSON too."""
    check_detections([Detection(face.box, face.score, face.landmarks) for face in faces], image)
    for face in faces:
        assert face.labels == labels, f"label {face.label!r} of {face.labels}"
        assert face.label in labels, f"label {face.label!r} of {face.labels}"
        check_probabilities(face.probabilities, (len(labels),))
        check_probabilities(face.raw, (len(labels),))
        if face.track_id is None:
            assert face.label == labels[int(face.probabilities.argmax())], f"{face.label} is not the likeliest"
        assert math.isfinite(face.unseen), f"unseen is {face.unseen}"
        assert face.unseen >= 0, f"unseen is {face.unseen}"
        json.dumps(face.as_dict(), allow_nan=False)
        str(face)
    numbers = [face.track_id for face in faces if face.track_id is not None]
    assert len(set(numbers)) == len(numbers), f"track_id given twice: {numbers}"


def check_image(image: Image) -> None:
    """What `read_image` gives and `draw` makes."""
    assert image.ndim == 3, f"an image of the shape {image.shape}"
    assert image.shape[2] == 3, f"an image of the shape {image.shape}"
    assert image.size > 0, f"an image of the shape {image.shape}"
    assert image.dtype == np.uint8, f"an image of {image.dtype}"
