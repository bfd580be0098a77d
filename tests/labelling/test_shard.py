import os

import cv2
import numpy as np
import pytest

import ferlite
from ferlite import cards
from ferlite.errors import ImageError, ModelError, SourceError
from ferlite.labelling.begin import begin, folder_of, locked
from ferlite.labelling.listing import Listing
from ferlite.labelling.shard import At, Deadly, Labeller, identity

pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(scope="module")
def recognizer():
    return ferlite.Recognizer()


@pytest.fixture
def label(tmp_path, recognizer):
    """All rows of a source, labelled in this process, and where it was at the end."""

    def label(source, every=1, deadly=None, recognizer=recognizer):
        output = tmp_path / "t.parquet"
        folder = folder_of(output)
        settings = {"every": every} | identity(recognizer)
        with locked(folder):
            parts = begin(output, Listing(str(source), folder), settings, 1, True, False)
        labeller, at = Labeller(folder, lambda: recognizer), [0.0] * At.COUNT
        rows, pictures = [], 0
        for number in range(len(parts)):
            pictures += labeller(number, deadly or {}, at).pictures
            rows += pq.read_table(parts.part(number)).to_pylist()
        assert at[At.PATH] == At.NOWHERE
        assert at[At.FILES] == parts.size(len(parts) - 1)
        assert pictures == len({(row["path"], row["frame"]) for row in rows})
        return rows

    return label


def test_pictures_have_the_faces_that_the_recognizer_sees(label, make_pictures, recognizer):
    folder = make_pictures(6)
    rows = label(folder)
    assert [row["path"] for row in rows] == [f"{number:03}.jpg" for number in range(6)]
    assert [row["face"] for row in rows] == [None, 0, 0, None, 0, 0]
    (face,) = recognizer(ferlite.read_image(folder / "001.jpg"))
    row = rows[1]
    assert (row["x"], row["y"], row["w"], row["h"]) == face.box
    assert row["label"] == face.label
    assert [row[f"p_{name}"] for name in face.labels] == face.probabilities.tolist()
    assert all((row["width"], row["height"], row["error"], row["frame"]) == (128, 150, None, None) for row in rows)


def test_what_cannot_be_read_is_a_row(label, make_pictures, tmp_path):
    folder = make_pictures(2)
    (folder / "torn.jpg").write_bytes((folder / "001.jpg").read_bytes()[:100])
    (folder / "empty.png").touch()
    (folder / "folder.jpg").mkdir()
    os.mkfifo(folder / "pipe.jpg")
    (folder / "gone.jpg").symlink_to("nowhere")
    (folder / "noise.mp4").write_bytes(bytes(range(256)) * 40)
    names = ["001.jpg", "torn.jpg", "empty.png", "folder.jpg", "pipe.jpg", "gone.jpg", "noise.mp4", "/dev/zero"]
    names.append("x" * 300)
    (folder / "list.txt").write_text("\n".join(names))
    rows = label(folder / "list.txt")
    assert [row["path"] for row in rows] == names
    errors = [row["error"] for row in rows]
    assert errors[0] is None
    for error, said in zip(
        errors[1:],
        (
            "not a picture OpenCV can read (100 bytes)",
            "not a picture OpenCV can read (0 bytes)",
            "is a folder",
            "not a file",
            "no such file",
            "not a video OpenCV can read",
            "not a file",
            "cannot be read: File name too long",
        ),
        strict=True,
    ):
        assert error.startswith(said)


def test_a_video_has_its_frames_each_by_itself(label, make_video, tmp_path):
    video = make_video(tmp_path / "clip.avi", 7)
    rows = label(video)
    assert [(row["path"], row["frame"], row["face"]) for row in rows] == [("clip.avi", seq, 0) for seq in range(7)]
    assert [row["timestamp"] for row in rows] == pytest.approx([number / 25 for number in range(7)])
    assert [row["frame"] for row in label(video, every=3)] == [0, 3, 6]


def test_what_is_deadly_is_left_out_and_said(label, make_pictures, make_video, tmp_path):
    folder = make_pictures(3)
    rows = label(folder, deadly={1: Deadly(0, "it died")})
    assert [row["path"] for row in rows] == ["000.jpg", "001.jpg", "002.jpg"]
    assert [row["error"] for row in rows] == [None, "it died", None]
    video = make_video(tmp_path / "clip.avi", 5)
    for frame in (0, 2):
        rows = label(video, deadly={0: Deadly(frame, "it died")})
        assert [row["frame"] for row in rows] == list(range(frame + 1))
        assert [row["error"] for row in rows] == [*[None] * frame, "it died"]


def test_a_network_that_fails_on_a_face_is_a_row(label, make_pictures):
    class Failing(ferlite.Recognizer):
        def __call__(self, image):
            if image.std() > 20:
                raise (ImageError("odd") if image[0, 0, 0] % 2 else cv2.error("worse"))
            return super().__call__(image)

    rows = label(make_pictures(3), recognizer=Failing())
    assert rows[0]["error"] is None
    assert all(row["error"] in ("odd", "worse") and row["width"] == 128 for row in rows[1:])


def test_files_that_are_not_to_be_seen_from_here_are_said(label, make_pictures):
    folder = make_pictures(3)
    (folder / "list.txt").write_text("other/1.jpg\nother/2.jpg\n")
    with pytest.raises(SourceError, match=r"of 1 files looked for in .* none is there, the first is other/1\.jpg"):
        label(folder / "list.txt")


def test_another_recognizer_than_that_of_the_manifest_is_refused(make_pictures, tmp_path, recognizer):
    folder = folder_of(tmp_path / "t.parquet")
    settings = {"every": 1} | identity(recognizer) | {"opencv": "1.0"}
    with locked(folder):
        begin(tmp_path / "t.parquet", Listing(str(make_pictures(3)), folder), settings, 1, False, False)
    with pytest.raises(ModelError, match=r"opencv is .* there, 1\.0 where this was begun"):
        Labeller(folder, lambda: recognizer)
    with pytest.raises(SourceError, match="every node has to see this folder"):
        Labeller(tmp_path / "none", lambda: recognizer)


def test_the_identity_knows_model_engine_and_detector(recognizer, data):
    known = identity(recognizer)
    assert known["model"] == "flagship-int8.tflite"
    assert known["model.sha256"] == recognizer.classifier.card.sha256
    assert known["detector"] == "FerliteDetector"
    card = cards.find_detector()
    assert (known["detector.sha256"], known["detector.overlap"]) == (card.sha256, card.overlap)
    assert identity(ferlite.Recognizer(recognizer.classifier, "haar"))["detector"] == "HaarDetector"
    yunet = ferlite.YuNetDetector(data("models/face_detection_yunet_2023mar.onnx"), min_face=0.05)
    known = identity(ferlite.Recognizer(recognizer.classifier, yunet))
    assert known["detector.min_face"] == 0.05
    assert known["detector.sha256"].startswith("8f2383e4")
    assert isinstance(identity(ferlite.Recognizer(recognizer.classifier, lambda image: []))["detector"], str)
    assert np.isfinite(known["detector.score"])
