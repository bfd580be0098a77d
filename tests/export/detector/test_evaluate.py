import json

import cv2
import numpy as np
import pytest

from export.cli import main
from export.datasets.faces.types import Faces
from export.detector import evaluate, report
from ferlite import Box, Detection, HaarDetector, Landmarks, Point, synthetic

EYES = [(30.0, 40.0), (50.0, 40.0), (40.0, 50.0), (32.0, 60.0), (48.0, 60.0)]


class Fixed:
    """Finds the same in every picture."""

    def __init__(self, *detections):
        self.detections = list(detections)

    def __call__(self, image, min_face=None):
        return self.detections


@pytest.fixture
def pictures(tmp_path):
    """Two grey pictures 320 wide: one with a face of 48 pixels and one of 8, which is too small, one with none."""
    made = []
    for name in ("with", "without"):
        path = tmp_path / f"{name}.png"
        cv2.imwrite(str(path), np.full((240, 320, 3), 128, np.uint8))
        faces = Faces()
        if name == "with":
            faces.add((16, 16, 48, 60), [value for point in EYES for value in point])
            faces.add((200, 100, 8, 8))
        made.append(faces.picture(path))
    return made


def test_the_figures_of_a_detector(pictures):
    points = Landmarks(*(Point(x + 2, y) for x, y in EYES))
    usual = Fixed(Detection(Box(16, 16, 48, 60), 0.9, points), Detection(Box(200, 100, 8, 8), 0.8))
    sure = Fixed(*usual.detections, Detection(Box(100, 100, 50, 50), 0.2))
    (result,) = evaluate.evaluate(pictures, [evaluate.Candidate("mine", usual, sure)])
    # in the second picture both boxes are false; in the first the small one counts neither way
    assert (result.faces, result.recall, result.false, result.empty) == (1, 1.0, 2, 1)
    assert result.false_per_1000 == 2000
    assert result.landmarks == (pytest.approx(0.1), pytest.approx(0.1))
    assert [count for _, count in result.by_size] == [0, 0, 1, 0, 0, 0]
    assert result.curve.false.tolist()[-1] == 4
    assert [wrong.box for wrong in result.wrong] == [(16, 16, 48, 60), (200, 100, 8, 8)]


def test_missed_faces_and_a_detector_without_landmarks(pictures):
    nothing, plain = Fixed(), Fixed(Detection(Box(16, 16, 48, 60), 0.9))
    results = evaluate.evaluate(
        pictures, [evaluate.Candidate("none", nothing, nothing), evaluate.Candidate("plain", plain, plain)]
    )
    assert [result.recall for result in results] == [0, 1]
    assert [result.landmarks for result in results] == [None, None]
    assert results[0].missed[0].value == 48


def test_the_report_is_whole(pictures, tmp_path):
    nothing, plain = Fixed(), Fixed(Detection(Box(16, 16, 48, 60), 0.9))
    results = evaluate.evaluate(
        pictures, [evaluate.Candidate("none", nothing, nothing), evaluate.Candidate("plain one", plain, plain)]
    )
    paths = report.write(results, {"pictures": "two"}, tmp_path / "out" / "both")
    assert [path.name for path in paths] == ["both.json", "both.md", "both.png", "both-none.png", "both-plain-one.png"]
    read = json.loads(paths[0].read_text())
    assert [one["recall"] for one in read["detectors"]] == [0, 1]
    assert "NaN" not in paths[0].read_text()
    text = paths[1].read_text()
    assert "| plain one | 100.0% | 50.0% | 1 | 1000 | 1.000 | - |" in text
    missed = cv2.imread(str(paths[3]))[: report.TILE, : report.TILE]
    assert (missed == (0, 200, 0)).all(axis=2).any()


def test_haar_on_drawn_faces_by_the_command(tmp_path, capsys):
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    for number in range(10):
        cv2.imwrite(str(tmp_path / f"images/{number}.png"), synthetic.scene(number, number % 2))
        (tmp_path / f"labels/{number}.txt").touch()
    finds = HaarDetector(0.1)
    for number in (0, 1, 3):
        cv2.imwrite(str(tmp_path / f"images/{number}.png"), synthetic.scene(number, 1))
        box = finds(synthetic.scene(number, 1))[0].box
        centre = (box.x + box.w / 2) / 640, (box.y + box.h / 2) / 480
        (tmp_path / f"labels/{number}.txt").write_text(f"0 {centre[0]} {centre[1]} {box.w / 640} {box.h / 480}\n")
    arguments = ["evaluate-detector", "haar", "--data", str(tmp_path), "--output", str(tmp_path / "out")]
    assert main(arguments) == 0
    assert "| haar | 100.0% | 100.0% | 0 |" in capsys.readouterr().out
    assert (tmp_path / "out-haar.png").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["haar=x.onnx"], "takes no file"),
        (["eigenfaces"], "unknown detector 'eigenfaces'"),
        (["haar", "--overlap", "1"], "overlap is 1"),
        (["haar", "--min-face", "0"], "min_face is 0"),
    ],
)
def test_what_is_wrong_is_said(arguments, said, tmp_path, capsys):
    assert main(["evaluate-detector", *arguments, "--data", str(tmp_path)]) == 1
    assert said in capsys.readouterr().err


def test_yunet_in_its_own_set(data):
    """The labels are its own, so it has to come out well."""
    from export.datasets import faces

    found = faces.read(data("data/faces"))
    some = [picture for picture in found.validation if picture.faces == 1][:12]
    yunet = evaluate.candidate(f"yunet={data('models/face_detection_yunet_2023mar.onnx')}", 0.0625)
    (result,) = evaluate.evaluate(some, [yunet])
    assert result.recall > 0.8
    assert result.landmarks[0] < 0.2
