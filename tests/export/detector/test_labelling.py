import cv2
import numpy as np
import pytest

from export.cli import main
from export.datasets import EMOTIONS, Dataset, Split, faces
from export.detector.labelling import label
from export.errors import DatasetError
from ferlite import synthetic
from ferlite.detectors import create
from ferlite.detectors.ferlite import FerliteDetector
from ferlite.types import Box, Detection


def drawn(expressions, color):
    """Pictures of drawn faces of 48 pixels, and one without, as a split."""
    images = []
    for number, expression in enumerate(expressions):
        picture = synthetic.face(expression, (150, 180, 220), (20 * number, 30, 40))
        picture = cv2.resize(picture, (48, 48), interpolation=cv2.INTER_AREA)
        images.append(picture[..., ::-1] if color else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))
    images.append(np.full_like(images[0], 90))
    labels = np.zeros(len(images), np.int64)
    return Split(np.stack(images), labels, [str(n) for n in range(len(images))])


@pytest.mark.parametrize("color", [False, True])
def test_faces_are_labelled_where_they_are(tmp_path, color):
    seen = Dataset(EMOTIONS, drawn(("happy", "neutral"), color), drawn(("sad",), color), drawn(("angry",), color))
    labelled, looked = label(seen, create("ferlite", min_face=0.2), tmp_path / "faces")
    assert (labelled, looked) == (3, 5)
    found = faces.read(tmp_path / "faces")
    assert (len(found.training), len(found.validation)) == (2, 1)
    for picture, image in zip(found.training, seen.training.images, strict=False):
        flag = cv2.IMREAD_COLOR if color else cv2.IMREAD_GRAYSCALE
        written = cv2.imread(str(picture.path), flag)
        np.testing.assert_array_equal(written[..., ::-1] if color else written, image)
        (x, y, w, h), points = picture.boxes[0], picture.landmarks[0]
        assert abs(x + w / 2 - 24) < 6
        assert 15 < w < 50 > h > 15
        right_eye, left_eye, nose, *mouth = points
        assert right_eye[0] < nose[0] < left_eye[0]
        assert right_eye[1] < nose[1] < mouth[0][1] < y + h


def test_a_detector_without_landmarks_is_said(tmp_path):
    seen = Dataset(EMOTIONS, *(drawn(("happy",), False) for _ in range(3)))

    def boxes_only(image):
        return [Detection(Box(40, 40, 160, 160), 1.0)]

    with pytest.raises(DatasetError, match="boxes without landmarks, as Haar does; use ferlite, or yunet=FILE"):
        label(seen, boxes_only, tmp_path / "faces")


def test_a_taken_folder_and_pictures_without_faces_are_said(tmp_path):
    empty = Split(np.full((2, 48, 48), 90, np.uint8), np.zeros(2, np.int64), ["a", "b"])
    nothing = Dataset(EMOTIONS, empty, empty, empty)
    detector = FerliteDetector()
    with pytest.raises(DatasetError, match="no training picture of FER-2013 shows one face"):
        label(nothing, detector, tmp_path / "faces")
    with pytest.raises(DatasetError, match="is there already; choose another --output"):
        label(nothing, detector, tmp_path)
    with pytest.raises(DatasetError, match="none of the known forms"):
        faces.read(tmp_path / "faces")  # what is left of an attempt is no data set


def test_the_command_says_what_is_wrong(tmp_path, capsys):
    assert main(["label-faces", "ferlite", "--data", str(tmp_path / "none"), "--output", str(tmp_path / "out")]) == 1
    assert "none" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
