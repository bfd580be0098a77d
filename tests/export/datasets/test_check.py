import json
import re
from dataclasses import replace

import cv2
import numpy as np
import pytest

from export.datasets import Dataset, DatasetError, Split, copies, ferplus, load
from export.datasets.check import as_json, as_text, check, cleaned, read_list, write_list
from ferlite.errors import OutputError

LABELS = ("calm", "tense", "wild")


def picture(number, size=48):
    """Soft blots, different for every number."""
    noise = np.random.default_rng(number).normal(0, 1, (size, size)).astype(np.float32)
    blots = cv2.GaussianBlur(noise, (0, 0), size / 16)
    return np.clip(128 + 45 * blots / blots.std(), 0, 255).astype(np.uint8)


def cropped(image, share=0.06):
    """The middle of a picture at its full size, a little darker: what makes a copy differ in every pixel."""
    edge = round(image.shape[0] * share)
    middle = image[edge:-edge, edge:-edge]
    return (cv2.resize(middle, image.shape[:2], interpolation=cv2.INTER_CUBIC) * 0.8).astype(np.uint8)


def colored(image):
    return np.stack([image, image // 2, 255 - image], axis=-1)


def dataset_of(training, validation=(), test=(), shape=(48, 48)):
    """A data set out of (picture, label) pairs, named row 2, row 3, … throughout."""
    rows = iter(range(2, 10_000))

    def split(pairs):
        images = np.stack([image for image, _ in pairs]) if pairs else np.empty((0, *shape), np.uint8)
        return Split(images, np.array([label for _, label in pairs], np.int64), [f"row {next(rows)}" for _ in pairs])

    return Dataset(LABELS, split(list(training)), split(list(validation)), split(list(test)), "blots")


def left_out(dataset, votes=None):
    return dict(cleaned(check(dataset, votes), dataset))


def test_labels_are_counted_by_split():
    found = check(dataset_of([(picture(n), n % 2) for n in range(5)], [(picture(9), 2)]))
    assert found.counts == {"training": (3, 2, 0), "validation": (0, 0, 1), "test": (0, 0, 0)}
    assert as_json(found)["balance"] == {"training": None, "validation": None, "test": None}
    even = check(dataset_of([(picture(n), n % 3) for n in range(7)]))
    assert as_json(even)["balance"]["training"] == 1.5


def test_different_pictures_are_no_copies():
    dataset = dataset_of([(picture(n), n % 3) for n in range(40)], [(picture(n), n % 3) for n in range(40, 80)])
    found = check(dataset)
    assert (found.identical, found.near, found.blank, found.not_faces) == ((), (), (), None)
    assert cleaned(found, dataset) == []


def test_of_identical_training_pictures_the_first_stays():
    dataset = dataset_of([(picture(1), 0), (picture(2), 1), (picture(1), 0), (picture(1), 0)])
    assert [[row.name for row in group] for group in check(dataset).identical] == [["row 2", "row 4", "row 5"]]
    assert left_out(dataset) == {"row 4": "the same as row 2", "row 5": "the same as row 2"}


def test_of_identical_pictures_with_different_labels_none_stays():
    dataset = dataset_of([(picture(1), 0), (picture(2), 1), (picture(1), 2)])
    assert left_out(dataset) == {
        "row 2": "the same as row 4 of the label wild",
        "row 4": "the same as row 2 of the label calm",
    }


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_training_picture_that_is_repeated_elsewhere_is_left_out_there(split):
    dataset = dataset_of([(picture(1), 0), (picture(2), 1)], **{split: [(picture(2), 1), (picture(3), 1)]})
    assert left_out(dataset) == {"row 3": f"the same as row 4 of the {split} split"}


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_cropped_and_darkened_copy_is_found(mirrored):
    copy = cropped(picture(2)[:, ::-1] if mirrored else picture(2))
    dataset = dataset_of([(picture(n), 0) for n in range(20)], [(picture(30), 0)], [(copy, 0), (picture(31), 1)])
    (near,) = check(dataset).near
    assert (near.row.name, near.original.name, near.mirrored) == ("row 23", "row 4", mirrored)
    assert 0.97 <= near.correlation <= 1
    assert left_out(dataset) == {"row 4": "nearly the same as row 23 of the test split" + ", mirrored" * mirrored}


def test_an_opencv_without_the_descriptors_is_said(monkeypatch):
    monkeypatch.delattr(cv2, "HOGDescriptor")
    with pytest.raises(DatasetError, match=r"none of the descriptors that near copies are found by; .*<5"):
        check(dataset_of([(picture(1), 0)], [(picture(2), 0)]))


def test_copies_between_validation_and_test_are_said_and_stay():
    dataset = dataset_of([(picture(1), 0)], [(picture(2), 0), (picture(3), 0)], [(cropped(picture(3)), 1)])
    (near,) = check(dataset).near
    assert (near.row.split, near.original.split) == ("test", "validation")
    assert left_out(dataset) == {}


def test_blank_pictures_and_error_signs_are_blank_and_nothing_else():
    sign = np.zeros((48, 48), np.uint8)
    sign[16:32, 16:32] = picture(1, 16)
    dim = (picture(2) * 0.2).astype(np.uint8)
    dataset = dataset_of(
        [(np.full((48, 48), 7, np.uint8), 0), (sign, 1), (dim, 0)], test=[(np.zeros((48, 48), np.uint8), 0)]
    )
    found = check(dataset)
    assert [row.name for row in found.blank] == ["row 2", "row 3", "row 5"]
    assert found.near == ()
    assert left_out(dataset) == {"row 2": "blank", "row 3": "blank"}


def test_votes_say_what_is_no_face():
    votes = np.zeros((4, len(ferplus.COLUMNS)), np.int64)
    votes[:, 0], votes[:, -1] = [10, 4, 5, 0], [0, 6, 5, 10]
    dataset = dataset_of([(picture(n), 0) for n in range(3)], [(picture(4), 0)])
    assert [row.name for row in check(dataset, votes).not_faces] == ["row 3", "row 5"]
    assert left_out(dataset, votes) == {"row 3": "not a face by the FER+ votes"}
    with pytest.raises(DatasetError, match=r"3 rows of FER\+ votes are too few for 4 rows"):
        check(dataset, votes[:3])


def test_votes_for_pictures_that_are_no_rows_are_refused(toy_data):
    with pytest.raises(DatasetError, match=r"rows of fer2013\.csv, not to other pictures such as picture 0"):
        check(toy_data, np.zeros((300, 10), np.int64))


def test_colour_pictures_of_another_size_are_checked_as_well():
    images = [colored(picture(n, 96)) for n in range(8)]
    red = np.zeros((96, 96, 3), np.uint8)
    red[..., 0] = 200
    dataset = dataset_of(
        [(image, n % 3) for n, image in enumerate([*images, images[0], red])],
        [(cropped(images[4]), 1)],
        shape=(96, 96, 3),
    )
    found = check(dataset)
    assert [[row.name for row in group] for group in found.identical] == [["row 2", "row 10"]]
    assert [(copy.row.name, copy.original.name) for copy in found.near] == [("row 12", "row 6")]
    assert [row.name for row in found.blank] == ["row 11"]


def test_pictures_on_disk_are_checked_as_well(tmp_path):
    images = np.stack([picture(1), picture(2), picture(1)])
    images.tofile(tmp_path / "images")
    mapped = np.memmap(tmp_path / "images", np.uint8, "r", shape=images.shape)
    empty = Split(np.empty((0, 48, 48), np.uint8), np.empty(0, np.int64), [])
    dataset = Dataset(LABELS, Split(mapped, np.zeros(3, np.int64), ["a/1.png", "a/2.png", "a/3.png"]), empty, empty)
    assert left_out(dataset) == {"a/3.png": "the same as a/1.png"}


def test_a_training_split_that_is_empty_is_no_fault():
    found = check(dataset_of([], [(picture(1), 0)], [(cropped(picture(1)), 0)]))
    assert sum(found.counts["training"]) == 0


def test_the_text_has_the_figures_of_the_json():
    dataset = dataset_of(
        [(picture(1), 0), (picture(1), 1), (picture(2), 2), (picture(3), 2)],
        [(picture(2), 2)],
        [(cropped(picture(3)), 2)],
    )
    found = check(dataset)
    text = as_text(found)
    assert re.search(r"^all +4 +1 +1$", text, re.MULTILINE)
    assert re.search(r"^all +2 +4$", text, re.MULTILINE)
    assert re.search(r"^across splits +1 +2$", text, re.MULTILINE)
    assert re.search(r"^with different labels +1 +2$", text, re.MULTILINE)
    assert re.search(r"^the same in training +0 +1 +0$", text, re.MULTILINE)
    assert re.search(r"^nearly the same in training +0 +0 +1$", text, re.MULTILINE)
    assert "FER+" not in text
    values = json.loads(json.dumps(as_json(found)))
    assert values["counts"]["training"] == {"calm": 1, "tense": 1, "wild": 2}
    assert values["identical"][0][1] == {"split": "training", "name": "row 3", "label": "tense"}
    assert values["near"][0]["row"]["split"] == "test"
    assert values["not_faces"] is None


def test_a_list_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "new" / "leave_out.txt"
    rows = [("row 12", "blank"), ("happy/Müller & co.jpg", "the same as row 3")]
    write_list(rows, path)
    assert path.read_text("utf-8").splitlines()[1:] == ["row 12\tblank", "happy/Müller & co.jpg\tthe same as row 3"]
    assert read_list(path) == {"row 12", "happy/Müller & co.jpg"}
    write_list([], path)
    assert read_list(path) == set()
    assert list(path.parent.iterdir()) == [path]


def test_a_list_by_hand_needs_no_reasons(tmp_path):
    path = tmp_path / "list.txt"
    path.write_bytes("\ufeffrow 2\r\n\r\n# no face\r\n row 3 \tbecause\r\n".encode())
    assert read_list(path) == {"row 2", "row 3"}


@pytest.mark.parametrize("name", ["", " a", "#1.png", "a\tb", "a\nb"])
def test_names_that_fit_on_no_line_are_refused(tmp_path, name):
    with pytest.raises(DatasetError, match="cannot hold the name"):
        write_list([(name, "blank")], tmp_path / "list.txt")
    assert list(tmp_path.iterdir()) == []


def test_lists_that_cannot_be_read_or_written_are_said(tmp_path):
    with pytest.raises(DatasetError, match=r"No such file.*data check --output"):
        read_list(tmp_path / "none.txt")
    with pytest.raises(DatasetError, match="Is a directory"):
        read_list(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match="not a text file"):
        read_list(tmp_path / "binary")
    with pytest.raises(OutputError, match="cannot be written: "):
        write_list([], tmp_path / "binary" / "list.txt")
    with pytest.raises(OutputError, match="cannot be written: "):
        write_list([], tmp_path)


@pytest.fixture(scope="module")
def fer2013(data):
    return load(data("data/fer2013/fer2013.csv.zip"))


def test_the_faults_fer2013_is_known_for_are_found(data, fer2013):
    votes = ferplus.read(data("data/fer2013/fer2013new.csv"))
    none = np.arange(0)
    found = check(replace(fer2013, validation=fer2013.validation.take(none), test=fer2013.test.take(none)), votes)
    assert found.counts["training"] == (3995, 436, 4097, 7215, 4830, 3171, 4965)
    assert (len(found.blank), len(found.not_faces)) == (23, 150)
    groups = copies.identical(fer2013)
    assert (len(groups), sum(map(len, groups))) == (1516, 3369)
    labels = [{fer2013.split(split).labels[number] for split, number in group} for group in groups]
    different = [group for group, mine in zip(groups, labels, strict=True) if len(mine) > 1]
    assert (len(different), sum(map(len, different))) == (57, 160)
    repeated = [group for group in groups if any(split == "training" for split, _ in group)]
    assert sum(split != "training" for group in repeated for split, _ in group) == 568


def test_near_copies_in_fer2013_are_found(fer2013):
    few = replace(
        fer2013,
        training=fer2013.training.take(np.arange(5000)),
        validation=fer2013.validation.take(np.arange(0)),
        test=fer2013.test.take(np.arange(400)),
    )
    pairs = {(copy.row.name, copy.original.name, copy.mirrored) for copy in check(few).near}
    assert 25 <= len(pairs) <= 35  # looked at: thirty, all right
    assert pairs >= {
        ("row 32488", "row 2030", False),
        ("row 32509", "row 1135", False),
        ("row 32356", "row 1764", True),
    }
