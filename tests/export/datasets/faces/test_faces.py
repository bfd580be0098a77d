import csv

import cv2
import numpy as np
import pytest

from export.datasets import faces
from export.errors import DatasetError

MARKS = ["rx", "ry", "lx", "ly", "nx", "ny", "rmx", "rmy", "lmx", "lmy"]
POINTS = [20, 30, 40, 31, 30, 40, 22, 50, 38, 51]


def picture(path, width=100, height=80):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    assert cv2.imwrite(str(path), noise)


@pytest.fixture
def table(tmp_path):
    """Makes a folder with boxes.csv and split.csv from rows of both."""

    def make(boxes, split):
        columns = ["image", "x", "y", "w", "h", "score", *MARKS, "source", "flag"]
        for path, header, rows in (
            (tmp_path / "boxes.csv", columns, boxes),
            (tmp_path / "split.csv", ["image", "source", "licence", "split"], split),
        ):
            with path.open("w", newline="") as file:
                csv.writer(file).writerows([header, *rows])
        for name, *_ in split:
            picture(tmp_path / "images" / name)
        return tmp_path

    return make


def test_a_table_keeps_faces_ignores_the_doubtful_and_leaves_doubles_out(table):
    folder = table(
        [
            ["a.jpg", 10, 20, 40, 50, 0.9, *POINTS, "yunet", ""],
            ["a.jpg", 60, 20, 10, 10, 0.6, *POINTS, "yunet", "ignore"],
            ["b.jpg", 1, 2, 30, 40, "", *[""] * 10, "human", "missed"],
            ["b.jpg", 5, 6, 30, 40, 0.9, *POINTS, "yunet", ""],
            ["b.jpg", 5, 6, 30, 40, "", *[""] * 10, "human", "dup"],
        ],
        [["a.jpg", "web", "MIT", "train"], ["b.jpg", "web", "MIT", "val"], ["c.jpg", "rooms", "MIT", "train"]],
    )
    found = faces.read(folder)
    first, empty = found.training
    assert first.boxes.tolist() == [[10, 20, 40, 50], [60, 20, 10, 10]]
    assert first.ignored.tolist() == [False, True]
    assert first.landmarks[0].ravel().tolist() == POINTS
    assert (empty.faces, len(empty.boxes), empty.group) == (0, 0, "rooms")
    (second,) = found.validation
    assert second.ignored.tolist() == [True, False]
    assert np.isnan(second.landmarks[0]).all()


def test_all_that_is_wrong_with_a_table_is_said_at_once(table):
    folder = table(
        [
            ["a.jpg", 10, 20, "wide", 50, 0.9, *POINTS, "yunet", ""],
            ["a.jpg", 10, 20, 0, 50, 0.9, *POINTS, "yunet", ""],
            ["a.jpg", 10, 20, 5, 50, 0.9, *POINTS, "yunet", "perhaps"],
            ["z.jpg", 10, 20, 5, 50, 0.9, *POINTS, "yunet", ""],
        ],
        [["a.jpg", "web", "MIT", "train"], ["b.jpg", "web", "MIT", "later"]],
    )
    (folder / "images" / "a.jpg").unlink()
    with pytest.raises(DatasetError) as failure:
        faces.read(folder)
    said = str(failure.value)
    for part in ("6 problems", "line 2", "wide", "a box of 0×50", "'perhaps'", "'later'", "images/a.jpg", "z.jpg"):
        assert part in said


def test_a_table_without_a_column_says_which(table):
    folder = table([], [["a.jpg", "web", "MIT", "train"]])
    (folder / "boxes.csv").write_text("image,x,y,w\n")
    with pytest.raises(DatasetError, match=r"the columns h, rx, .* are missing"):
        faces.read(folder)


def wider(folder, split, text):
    path = folder / "wider_face_split" / f"wider_face_{split}_bbx_gt.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def test_wider_face_as_it_is_published(tmp_path):
    picture(tmp_path / "WIDER_train/images/0--Parade/a.jpg")
    picture(tmp_path / "WIDER_train/images/0--Parade/b.jpg")
    picture(tmp_path / "WIDER_val/images/1--Room/c.jpg")
    wider(
        tmp_path,
        "train",
        "0--Parade/a.jpg\n2\n10 20 30 40 0 0 0 0 0 0 \n1 2 8 9 2 0 0 1 2 0 \n"
        "0--Parade/b.jpg\n0\n0 0 0 0 0 0 0 0 0 0 \n",
    )
    wider(tmp_path, "val", "1--Room/c.jpg\n1\n5 6 7 8 0 0 0 0 0 0 \n")
    found = faces.read(tmp_path)
    first, empty = found.training
    assert first.boxes.tolist() == [[10, 20, 30, 40], [1, 2, 8, 9]]
    assert first.ignored.tolist() == [False, True]
    assert (first.group, empty.faces, len(empty.boxes)) == ("0--Parade", 0, 0)
    assert found.validation[0].boxes.tolist() == [[5, 6, 7, 8]]


def test_wider_face_cut_short_and_without_a_picture(tmp_path):
    wider(tmp_path, "train", "0--Parade/a.jpg\n1\n10 20 30 40 0 0 0 0 0 0\n0--Parade/b.jpg\n3\n1 2 3 4 0 0 0 0 0 0\n")
    wider(tmp_path, "val", "1--Room/c.jpg\nmany\n")
    with pytest.raises(DatasetError) as failure:
        faces.read(tmp_path)
    said = str(failure.value)
    for part in ("there is no WIDER_train/images/0--Parade/a.jpg", "1 of 3 faces", "comes 'many'"):
        assert part in said


def test_yolo_with_and_without_landmarks(tmp_path):
    for name in ("train/a", "train/b", "val/c"):
        picture(tmp_path / f"images/{name}.jpg")
    for split in ("train", "val"):
        (tmp_path / "labels" / split).mkdir(parents=True)
    points = " ".join(f"{x / 100} {y / 80} 2" for x, y in np.reshape(POINTS, (5, 2)))
    (tmp_path / "labels/train/a.txt").write_text(f"0 0.5 0.5 0.2 0.4\n0 0.3 0.5 0.4 0.5 {points}\n")
    (tmp_path / "labels/val/c.txt").write_text("3 0.5 0.5 1 1\n")
    found = faces.read(tmp_path)
    first, empty = found.training
    np.testing.assert_allclose(first.boxes, [[40, 24, 20, 32], [10, 20, 40, 40]], atol=1e-4)
    assert np.isnan(first.landmarks[0]).all()
    np.testing.assert_allclose(first.landmarks[1].ravel(), POINTS, atol=1e-4)
    assert empty.faces == 0
    assert found.validation[0].boxes.tolist() == [[0, 0, 100, 80]]


def test_yolo_flat_holds_every_tenth_picture_out(tmp_path):
    (tmp_path / "labels").mkdir()
    for number in range(20):
        picture(tmp_path / f"images/{number:02}.png")
        (tmp_path / f"labels/{number:02}.txt").write_text("0 0.5 0.5 0.2 0.4\n")
    found = faces.read(tmp_path)
    assert [p.path.stem for p in found.validation] == ["00", "10"]
    assert len(found.training) == 18
    (tmp_path / "labels/03.txt").write_text("0 0.5 0.5 0.2\n0 0.5 0.5 0 0.1\n0 0.5 0.5 0.1 nan\n")
    (tmp_path / "images/04.png").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"(?s)4 problems.*labels/03.txt, line 1.*line 2.*line 3.*04.png"):
        faces.read(tmp_path)


def annotation(folder, name, box, difficult=0):
    sides = "".join(f"<{k}>{v}</{k}>" for k, v in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True))
    (folder / "Annotations").mkdir(exist_ok=True)
    (folder / "Annotations" / f"{name}.xml").write_text(
        f"<annotation><filename>{name}.jpg</filename><object><name>face</name><difficult>{difficult}</difficult>"
        f"<bndbox>{sides}</bndbox></object></annotation>"
    )


def test_voc_with_lists_of_its_splits(tmp_path):
    for name in "abc":
        picture(tmp_path / f"JPEGImages/{name}.jpg")
    annotation(tmp_path, "a", (10, 20, 40, 60))
    annotation(tmp_path, "b", (1, 2, 4, 6), difficult=1)
    annotation(tmp_path, "c", (0, 0, 9, 9))
    lists = tmp_path / "ImageSets/Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a 1\nb\n")
    (lists / "val.txt").write_text("c\n")
    found = faces.read(tmp_path)
    assert [p.boxes.tolist() for p in found.training] == [[[10, 20, 30, 40]], [[1, 2, 3, 4]]]
    assert [p.faces for p in found.training] == [1, 0]
    assert [p.path.name for p in found.validation] == ["c.jpg"]


def test_voc_with_faults(tmp_path):
    annotation(tmp_path, "a", (10, 20, 40, 60))
    picture(tmp_path / "images/b.jpg")
    annotation(tmp_path, "b", (10, 20, 10, "low"))
    (tmp_path / "Annotations/c.xml").write_text("<annotation>")
    with pytest.raises(DatasetError) as failure:
        faces.read(tmp_path)
    for part in ("3 problems", "there is no a.jpg", "'low'", "c.xml: not XML"):
        assert part in str(failure.value)


def test_other_folders_and_sets_without_faces(tmp_path, table):
    with pytest.raises(DatasetError, match="none of the known forms"):
        faces.read(tmp_path)
    folder = table([], [["a.jpg", "web", "MIT", "train"], ["b.jpg", "web", "MIT", "val"]])
    with pytest.raises(DatasetError, match="no training picture has a face"):
        faces.read(folder)


def test_the_set_that_the_detector_was_trained_on(data):
    found = faces.read(data("data/faces"))
    assert (len(found.training), len(found.validation)) == (4506, 510)
    assert sum(p.faces for p in found.training) == 6756
    assert sum(p.faces for p in found.validation) == 1973
