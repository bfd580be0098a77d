import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.datasets import EMOTIONS, Dataset, DatasetError, load

PIXELS = " ".join(str(number % 256) for number in range(48 * 48))
ROWS = [f"{code},{PIXELS},{usage}" for usage in ("Training", "PublicTest", "PrivateTest") for code in range(7)]


def write(path, rows, header="emotion,pixels,Usage"):
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_reads_the_official_split(tmp_path):
    dataset = load(write(tmp_path / "fer2013.csv", ROWS))
    assert dataset.labels == EMOTIONS
    for name in ("training", "validation", "test"):
        split = dataset.split(name)
        assert split.images.shape == (7, 48, 48)
        assert split.images.dtype == np.uint8
        assert split.labels.tolist() == list(range(7))
        assert split.images[0].ravel()[:300].tolist() == [number % 256 for number in range(300)]


def test_a_file_that_a_spreadsheet_has_saved_is_read(tmp_path):
    path = write(tmp_path / "fer2013.csv", ROWS)
    path.write_bytes("\ufeff".encode() + path.read_bytes())
    assert load(path).labels == EMOTIONS


def test_columns_and_labels_go_by_name(tmp_path):
    rows = [f" {usage},{name},{PIXELS}" for usage in ("Training", "PublicTest", "PrivateTest") for name in EMOTIONS]
    dataset = load(write(tmp_path / "icml.csv", rows, header="Usage, emotion, pixels"))
    assert dataset.test.labels.tolist() == list(range(7))


def test_reads_a_zip(tmp_path):
    plain = write(tmp_path / "fer2013.csv", ROWS)
    path = tmp_path / "fer2013.csv.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(plain, "challenge/fer2013.csv")
    assert np.array_equal(load(path).training.images, load(plain).training.images)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other.csv", "x")
    with pytest.raises(DatasetError, match=r"no fer2013\.csv or icml_face_data\.csv inside; found other\.csv"):
        load(path)
    for flag_or_method, at in ((b"\x01\x00", 6), (b"\x63\x00", 8)):  # a password; a compression nobody knows
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(plain, "fer2013.csv")
        content = bytearray(path.read_bytes())
        directory = content.index(b"PK\x01\x02")  # says the same two bytes further on than the entry itself
        for place in (at, directory + at + 2):
            content[place : place + 2] = flag_or_method
        path.write_bytes(content)
        with pytest.raises(DatasetError, match="not a readable zip"):
            load(path)
    path.write_bytes(b"PK no zip")
    with pytest.raises(DatasetError, match="not a readable zip"):
        load(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_zip_is_said_whatever_it_was_packed_by(tmp_path, method):
    path = tmp_path / "fer2013.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("fer2013.csv", "\n".join(["emotion,pixels,Usage", *ROWS]))
    whole, labels = path.read_bytes(), load(path).training.labels.tolist()
    refused = []
    for start in (*range(30, 90, 4), len(whole) - 10, len(whole) - 5):  # its contents, and where the directory lies
        path.write_bytes(whole[:start] + b"\xff\xff" + whole[start + 2 :])
        try:
            assert load(path).training.labels.tolist() == labels  # not every byte counts
        except DatasetError as error:
            refused.append(str(error))
    assert len(refused) > 2
    assert all(reason.startswith(f"{path}: ") for reason in refused)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (f"7,{PIXELS},Training", "row 4: unknown emotion '7'"),
        (f"joy,{PIXELS},Training", "row 4: unknown emotion 'joy'"),
        (f"3,{PIXELS},Holdout", "row 4: unknown Usage 'Holdout'"),
        (f"3,{PIXELS} 1,Training", r"row 4: 2305 pixels instead of 2304 \(48×48\)"),
        ("3,,Training", "row 4: 0 pixels"),
        ("3,1 2 3,Training", "row 4: 3 pixels"),
        (f"3,{PIXELS[:-3]}256,Training", r"row 4: .*\b256\b"),
        (f"3,{PIXELS[:-3]} -1,Training", "row 4: .*-1"),
        (f"3,{PIXELS} x,Training", "row 4: pixels are not all whole numbers"),
        (f"3,{PIXELS.replace(' ', ';')},Training", "row 4: pixels are not all whole numbers"),
        (f"3,{PIXELS}", "row 4: 2 fields instead of 3"),
    ],
)
def test_a_damaged_row_is_named(tmp_path, row, message):
    with pytest.raises(DatasetError, match=rf"fer2013\.csv: {message}"):
        load(write(tmp_path / "fer2013.csv", [*ROWS[:2], row, *ROWS[2:]]))


def test_all_damaged_rows_are_named_at_once(tmp_path):
    rows = [*ROWS[:2], f"7,{PIXELS},Training", *ROWS[2:], "3,1 2 3,PrivateTest", f"2,{PIXELS[:400]}"]  # cut in mid-row
    with pytest.raises(DatasetError) as error:
        load(write(tmp_path / "fer2013.csv", rows))
    lines = str(error.value).splitlines()
    assert lines[0].endswith("fer2013.csv: 3 problems:")
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["row 4", "row 24", "row 25"]


def test_a_missing_column_or_split_is_named(tmp_path):
    with pytest.raises(DatasetError, match="row 1: missing column Usage"):
        load(write(tmp_path / "a.csv", ["3,1"], header="emotion,pixels"))
    with pytest.raises(DatasetError, match="missing column emotion, pixels, Usage"):
        load(write(tmp_path / "a.csv", [], header=""))
    with pytest.raises(DatasetError, match="no row with Usage PrivateTest"):
        load(write(tmp_path / "a.csv", ROWS[:14]))


def test_other_paths_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="no such file"):
        load(tmp_path / "none.csv")
    (tmp_path / "data.parquet").touch()
    with pytest.raises(DatasetError, match=r"expected a \.csv"):
        load(tmp_path / "data.parquet")


@given(start=st.integers(0, 9300), content=st.binary(max_size=12))
def test_any_damage_gives_a_data_set_or_one_clear_error(tmp_path_factory, start, content):
    path = tmp_path_factory.getbasetemp() / "damaged.csv"
    whole = "\n".join(["emotion,pixels,Usage", *ROWS[6:15:4]]).encode()
    path.write_bytes(whole[:start] + content + whole[start + 6 :])
    try:
        assert isinstance(load(path), Dataset)
    except DatasetError as error:
        assert str(error).startswith(str(path))  # noqa: PT017 - either outcome is right


def test_the_real_file(data):
    dataset = load(data("data/fer2013/fer2013.csv.zip"))
    counts = {name: np.bincount(dataset.split(name).labels).tolist() for name in ("training", "validation", "test")}
    assert counts == {  # as published with the challenge
        "training": [3995, 436, 4097, 7215, 4830, 3171, 4965],
        "validation": [467, 56, 496, 895, 653, 415, 607],
        "test": [491, 55, 528, 879, 594, 416, 626],
    }
