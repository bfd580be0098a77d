import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.datasets import EMOTIONS, DatasetError, ferplus, load
from export.datasets.ferplus import COLUMNS

HEADER = ",".join(["Usage", "Image name", *COLUMNS])


def counts(**votes):
    """One row of votes, ten columns."""
    row = np.zeros(len(COLUMNS), np.int64)
    for name, count in votes.items():
        row[COLUMNS.index(name)] = count
    return row


def write(path, *rows, header=HEADER):
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def shares(treated="neutral", **votes):
    """The shares of one row by label, without those of zero, and whether it can be used."""
    (row,), (usable,) = ferplus.shares(counts(**votes)[None], treated)
    named = dict(zip(ferplus.labels_of(treated), row.tolist(), strict=True))
    return {label: pytest.approx(share) for label, share in named.items() if share}, usable


def test_votes_are_read_in_the_order_of_the_columns(tmp_path):
    path = write(
        tmp_path / "votes.csv", "Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0", "PublicTest,,0,0,0,0,0,0,0,0,0,10"
    )
    votes = ferplus.read(path)
    assert votes.dtype == np.int64
    assert votes.tolist() == [[4, 0, 0, 1, 3, 2, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 10]]


def test_columns_go_by_name(tmp_path):
    path = write(tmp_path / "votes.csv", "9,8,7,6,5,4,3,2,1,0", header=" , ".join(reversed(COLUMNS)))
    assert ferplus.read(path).tolist() == [list(range(10))]


def test_a_missing_column_is_named(tmp_path):
    path = write(tmp_path / "votes.csv", header="Usage,Image name,neutral,happiness")
    with pytest.raises(DatasetError, match=r"votes\.csv, row 1: missing column surprise, .*NF; found 'Usage"):
        ferplus.read(path)
    (tmp_path / "empty.csv").touch()
    with pytest.raises(DatasetError, match=r"empty\.csv, row 1: missing column neutral"):
        ferplus.read(tmp_path / "empty.csv")


@pytest.mark.parametrize("count", ["9" * 30, "9223372036854775807", "-1", "1000001"])
def test_a_count_that_nobody_can_have_is_named(tmp_path, count):
    path = write(tmp_path / "votes.csv", f"Training,fer0000000.png,4,0,{count},1,3,2,0,0,0,0")
    with pytest.raises(DatasetError, match=r"votes\.csv: row 2: expected 10 vote counts"):
        ferplus.read(path)


def test_all_damaged_rows_are_named(tmp_path):
    good = "Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0"
    path = write(tmp_path / "votes.csv", good, "Training,a.png,4,x,0,1,3,2,0,0,0,0", good, "Training,b.png,1,2")
    with pytest.raises(DatasetError, match=r"2 problems:\n.*row 3: expected 10 vote counts.*\n.*row 5: "):
        ferplus.read(path)


def test_files_that_cannot_be_read_are_said(tmp_path):
    with pytest.raises(DatasetError, match=r"none\.csv: No such file or directory; get fer2013new\.csv by"):
        ferplus.read(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(DatasetError, match=r"binary\.csv: damaged: "):
        ferplus.read(tmp_path / "binary.csv")


def test_votes_become_shares_in_the_order_of_the_emotions():
    assert ferplus.labels_of("neutral") == EMOTIONS
    expected = {"neutral": 0.4, "angry": 0.3, "disgust": 0.3}
    assert shares(neutral=4, anger=3, disgust=3) == (expected, True)
    assert shares(happiness=10) == ({"happy": 1}, True)
    assert shares(sadness=5, fear=5) == ({"sad": 0.5, "fear": 0.5}, True)


def test_a_single_vote_is_noise():
    assert shares(happiness=8, surprise=1, NF=1) == ({"happy": 1}, True)
    assert shares(neutral=1, happiness=1, surprise=1, unknown=1) == ({}, False)


def test_contempt_counts_as_neutral_or_is_a_class_of_its_own():
    votes = {"neutral": 4, "contempt": 4, "sadness": 2}
    assert shares(**votes) == ({"neutral": 0.8, "sad": 0.2}, True)
    assert shares("class", **votes) == ({"neutral": 0.4, "contempt": 0.4, "sad": 0.2}, True)
    assert ferplus.labels_of("class") == (*EMOTIONS, "contempt")


@pytest.mark.parametrize(
    ("votes", "usable"),
    [
        ({"unknown": 6, "happiness": 4}, False),
        ({"NF": 10}, False),
        ({"unknown": 5, "sadness": 5}, False),
        ({"unknown": 4, "sadness": 6}, True),
        ({"NF": 3, "sadness": 3, "fear": 4}, True),
    ],
)
def test_rows_where_nobody_knows_or_sees_a_face_are_not_used(votes, usable):
    assert shares(**votes)[1] == usable


def test_a_majority_is_one_label_ahead_of_all_others():
    rows, _ = ferplus.shares(np.stack([counts(fear=6, sadness=4), counts(fear=5, sadness=5), counts(happiness=10)]))
    assert ferplus.majority(rows).tolist() == [True, False, True]


@given(st.lists(st.lists(st.integers(0, 10), min_size=10, max_size=10), min_size=1), st.sampled_from(ferplus.CONTEMPT))
def test_shares_of_usable_rows_sum_to_one(votes, contempt):
    rows, usable = ferplus.shares(np.array(votes), contempt)
    assert rows.dtype == np.float32
    assert rows.shape == (len(votes), len(ferplus.labels_of(contempt)))
    assert np.isfinite(rows).all()
    assert (rows >= 0).all()
    assert np.allclose(rows[usable].sum(1), 1, atol=1e-6)


def test_the_official_votes_agree_with_the_labels_as_often_as_is_known(data):
    pictures = load(data("data/fer2013/fer2013.csv.zip"))
    emotions = np.concatenate([pictures.split(name).labels for name in ("training", "validation", "test")])
    votes = ferplus.read(data("data/fer2013/fer2013new.csv"))
    assert votes.shape == (35_887, 10)
    assert (votes.sum(1) != 10).sum() == 1
    shares, usable = ferplus.shares(votes)
    assert [part.sum() for part in np.split(usable, [28_709, 32_298])] == [28_174, 3_526, 3_527]
    single = usable & ferplus.majority(shares)
    assert [part.sum() for part in np.split(single, [28_709, 32_298])] == [27_008, 3_405, 3_386]
    agrees = shares.argmax(1) == emotions
    assert agrees[single].mean() == pytest.approx(0.652, abs=0.001)
    assert (agrees & single).mean() == pytest.approx(0.614, abs=0.001)  # of all rows, the others counted as wrong
    assert ferplus.shares(votes, "class")[1].sum() == 35_198


def test_blended_votes_are_translated_into_the_labels_of_fer2013():
    votes = np.stack([counts(neutral=10)] * 4 + [counts(happiness=10), counts(NF=10)])
    labels = np.array([EMOTIONS.index(name) for name in ("sad", "sad", "sad", "neutral", "happy", "fear")])
    targets = ferplus.blend(*ferplus.shares(votes), labels)
    assert targets.dtype == np.float32
    named = [{EMOTIONS[i]: float(row[i]) for i in np.flatnonzero(row)} for row in targets]
    # of the faces that voters call neutral three quarters are sad to FER-2013
    assert named[0] == {"sad": 0.5 + 0.375, "neutral": 0.125}
    assert named[3] == {"sad": 0.375, "neutral": 0.5 + 0.125}
    assert named[4] == {"happy": 1}
    assert named[5] == {"fear": 1}  # no vote can be used


@given(st.lists(st.lists(st.integers(0, 10), min_size=10, max_size=10), min_size=1), st.data())
def test_blended_targets_sum_to_one(votes, chosen):
    labels = np.array(chosen.draw(st.lists(st.integers(0, 6), min_size=len(votes), max_size=len(votes))))
    targets = ferplus.blend(*ferplus.shares(np.array(votes)), labels)
    assert (targets >= 0).all()
    assert np.allclose(targets.sum(1), 1, atol=1e-5)
