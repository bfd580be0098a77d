import csv
from dataclasses import replace

import numpy as np
import pytest

from ferlite.errors import OutputError, SettingError
from ferlite.sinks.csv import CsvFile
from ferlite.types import Box


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_one_row_a_face_and_one_for_a_frame_without(tmp_path, face, make_result):
    path = tmp_path / "out.csv"
    first = replace(face, track_id=3)
    second = replace(face, box=Box(-5, 0, 60, 61), score=0.5)
    with CsvFile(path, face.labels) as sink:
        sink.write(replace(make_result(7, 0.25), faces=(first, second), dropped=2))
        sink.write(replace(make_result(8, 0.5), faces=()))
    rows = rows_of(path)
    frame = {"seq": "7", "timestamp": "0.25", "latency": "0.01", "dropped": "2", "faces": "2"}
    assert [{name: row[name] for name in frame} for row in rows[:2]] == [frame, frame]
    places = [[row[name] for name in ("track_id", "x", "y", "w", "h", "score", "label")] for row in rows]
    assert places == [
        ["3", "20", "30", "40", "40", "0.9", "happy"],
        ["", "-5", "0", "60", "61", "0.5", "happy"],
        [""] * 7,
    ]
    assert [rows[0][f"p_{label}"] for label in face.labels] == ["0.05", "0.0", "0.0", "0.8", "0.05", "0.0", "0.1"]
    assert rows[2] == dict.fromkeys(rows[0], "") | {
        "seq": "8",
        "timestamp": "0.5",
        "latency": "0.01",
        "dropped": "0",
        "faces": "0",
    }


def test_the_header_comes_first_and_rows_stand_at_once(tmp_path, face, make_result):
    path = tmp_path / "out.csv"
    with CsvFile(path, ["calm", "tense"]) as sink:
        header = "seq,timestamp,latency,dropped,faces,track_id,x,y,w,h,score,label,p_calm,p_tense\n"
        assert path.read_text() == header
        sink.write(replace(make_result(), faces=()))
        assert path.read_text() == header + "0,0.0,0.01,0,0,,,,,,,,,\n"


def test_labels_with_commas_quotes_and_line_ends_come_back(tmp_path, face, make_result):
    path = tmp_path / "out.csv"
    labels = ('so, "so"', "two\nlines", "glücklich")
    values = np.array([0.5, 0.25, 0.25], np.float32)
    with CsvFile(path, labels) as sink:
        for label in labels:
            odd = replace(face, label=label, labels=labels, probabilities=values, raw=values)
            sink.write(replace(make_result(), faces=(odd,)))
    rows = rows_of(path)
    assert [row["label"] for row in rows] == list(labels)
    assert [rows[0][f"p_{label}"] for label in labels] == ["0.5", "0.25", "0.25"]


def test_standard_output(capfd, face, make_result):
    with CsvFile("-", face.labels) as sink:
        sink.write(make_result())
    rows = list(csv.DictReader(capfd.readouterr().out.splitlines()))
    assert [row["label"] for row in rows] == ["happy"]


def test_a_face_with_other_labels_than_the_header_is_said(tmp_path, make_result):
    path = tmp_path / "out.csv"
    with CsvFile(path, ["calm", "tense"]) as sink:
        with pytest.raises(
            SettingError, match=r"has columns for calm, tense, but a face has the labels angry, disgust"
        ):
            sink.write(make_result())
        assert rows_of(path) == []


def test_places_that_cannot_be_written_are_said(tmp_path, face):
    with pytest.raises(OutputError, match="cannot be written"):
        CsvFile(tmp_path / "none" / "out.csv", face.labels)
    with pytest.raises(OutputError, match="No space left"):
        CsvFile("/dev/full", face.labels)
