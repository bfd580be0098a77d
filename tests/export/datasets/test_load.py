from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from export.datasets import EMOTIONS, DatasetError, Source, load
from export.datasets.ferplus import COLUMNS


@pytest.fixture
def votes(toy_csv, tmp_path):
    """Votes for the rows of the toy csv: eight for the row's own emotion, two for contempt."""
    own = [line.split(",")[0] for line in toy_csv.read_text().splitlines()[1:]]
    columns = [
        COLUMNS.index(name) for name in ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
    ]
    rows = [",".join(["Usage", "Image name", *COLUMNS])]
    for code in map(int, own):
        counts = np.zeros(len(COLUMNS), int)
        counts[columns[code]], counts[COLUMNS.index("contempt")] = 8, 2
        rows.append(",".join(["Training", "", *map(str, counts)]))
    path = tmp_path / "fer2013new.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def test_labels_are_taken_in_the_order_asked_for(toy_csv):
    dataset = load(Source(toy_csv, labels=("neutral", "happy")))
    assert dataset.labels == ("neutral", "happy")
    whole = load(toy_csv)
    for name in ("training", "validation", "test"):
        split, before = dataset.split(name), whole.split(name)
        assert len(split) == (before.labels == 6).sum() + (before.labels == 3).sum()
        for image, label, row in zip(split.images, split.labels, split.names, strict=True):
            at = list(before.names).index(row)
            assert np.array_equal(image, before.images[at])
            assert EMOTIONS[before.labels[at]] == dataset.labels[label]


def test_size_and_colour_are_as_asked_for(toy_csv):
    dataset = load(Source(toy_csv, size=64, color="rgb"))
    assert dataset.training.images.shape == (112, 64, 64, 3)
    assert (dataset.size, dataset.color) == (64, "rgb")


def test_votes_by_majority_are_labels(toy_csv, votes):
    dataset, plain = load(Source(toy_csv, ferplus=votes)), load(toy_csv)
    assert np.array_equal(dataset.training.labels, plain.training.labels)
    assert dataset.training.votes is None
    assert dataset.name == "FER-2013 with FER+ majority labels"


def test_votes_by_distribution_are_shares(toy_csv, votes):
    dataset = load(Source(toy_csv, ferplus=votes, votes="distribution"))
    rows = dataset.training.votes
    assert np.allclose(rows.sum(1), 1)
    happy = rows[dataset.training.labels == 3]
    assert np.allclose(happy[0], [0, 0, 0, 0.8, 0, 0, 0.2])  # contempt counts as neutral


def test_contempt_can_be_a_class_of_its_own(toy_csv, votes):
    # two votes of ten are too few to win, so as a majority label it is never given
    with pytest.raises(DatasetError, match="no training picture of the label contempt"):
        load(Source(toy_csv, ferplus=votes, contempt="class"))
    dataset = load(Source(toy_csv, ferplus=votes, votes="distribution", labels=("happy", "sad")))
    assert dataset.training.votes.shape[1] == 2
    assert np.allclose(dataset.training.votes.sum(1), 1)


def test_blended_votes_stand_beside_the_labels_of_training_alone(toy_csv, votes):
    dataset, plain = load(Source(toy_csv, ferplus=votes, votes="blend")), load(toy_csv)
    for name in ("training", "validation", "test"):
        assert np.array_equal(dataset.split(name).labels, plain.split(name).labels)
    assert dataset.training.votes.shape == (112, 7)
    assert np.array_equal(dataset.training.votes.argmax(1), plain.training.labels)
    assert dataset.validation.votes is None
    with pytest.raises(DatasetError, match="cannot have a class contempt"):
        Source(toy_csv, ferplus=votes, votes="blend", contempt="class")


def test_training_pictures_that_stand_in_another_split_are_dropped(toy_csv):
    lines = toy_csv.read_text().splitlines()
    first = {
        usage: next(i for i, line in enumerate(lines) if line.endswith(usage))
        for usage in ("PublicTest", "PrivateTest")
    }
    pixels = lines[first["PrivateTest"]].split(",")[1]
    for row in (3, 5):
        emotion, _, usage = lines[row].split(",")
        lines[row] = f"{emotion},{pixels},{usage}"
    toy_csv.write_text("\n".join(lines))
    plain, dropped = load(toy_csv), load(Source(toy_csv, drop_copies=True))
    assert sorted(set(plain.training.names) - set(dropped.training.names)) == ["row 4", "row 6"]
    assert (len(dropped.validation), len(dropped.test)) == (70, 70)


def test_votes_that_belong_to_other_rows_are_said(toy_csv, votes, tmp_path):
    short = tmp_path / "short.csv"
    short.write_text("\n".join(votes.read_text().splitlines()[:-5]))
    with pytest.raises(DatasetError, match="247 rows of votes for 252 rows of pictures"):
        load(Source(toy_csv, ferplus=short))


def test_pictures_of_a_list_are_left_out(toy_csv, tmp_path):
    listed = tmp_path / "leave_out.txt"
    listed.write_text("# reason\nrow 2\tblank\nrow 5\tcopy of row 7\n")
    dataset = load(Source(toy_csv, exclude=listed))
    assert len(dataset.training) == 110
    assert not {"row 2", "row 5"} & set(dataset.training.names)
    listed.write_text("row 2\trow\nrow 9999\tno\n")
    with pytest.raises(DatasetError, match="row 9999: no such picture in the data"):
        load(Source(toy_csv, exclude=listed))


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"size": 4}, "size is 4"),
        ({"color": "cmyk"}, "color is 'cmyk'"),
        ({"votes": "all"}, "votes is 'all'"),
        ({"contempt": "no"}, "contempt is 'no'"),
        ({"labels": ("happy",)}, "at least two"),
        ({"labels": ("happy", "happy")}, "each once"),
    ],
)
def test_choices_that_cannot_be_are_said(choice, message):
    with pytest.raises(DatasetError, match=message):
        Source(Path("fer2013.csv"), **choice)


def test_unknown_labels_are_said(toy_csv):
    with pytest.raises(DatasetError, match="unknown label joy, rage; the data has angry"):
        load(Source(toy_csv, labels=("happy", "joy", "rage")))


def test_a_source_is_the_same_after_json(tmp_path):
    source = Source(tmp_path / "a.csv", 64, "rgb", ("happy", "sad"), tmp_path / "votes.csv", exclude=tmp_path / "list")
    assert Source.from_json(source.as_json()) == source
    assert Source.from_json(replace(source, exclude=None, labels=None).as_json()).labels is None


def test_the_other_name_of_the_file_is_read_too(toy_csv, tmp_path):
    lines = [line.split(",") for line in toy_csv.read_text().splitlines()]
    other = tmp_path / "icml_face_data.csv"
    other.write_text("emotion, Usage, pixels\n" + "\n".join(f"{e}, {u}, {p}" for e, p, u in lines[1:]))
    assert np.array_equal(load(other).test.images, load(toy_csv).test.images)
