import json

import pytest

from ferlite.errors import OutputError
from ferlite.sinks.jsonl import JsonLines


def test_one_object_a_line_whole_at_any_time(tmp_path, make_result):
    path = tmp_path / "out.jsonl"
    with JsonLines(path) as sink:
        for seq in range(3):
            sink.write(make_result(seq=seq))
            lines = path.read_text().splitlines()  # while it is open: a killed process leaves whole lines
            assert [json.loads(line) for line in lines] == [make_result(seq=i).as_dict() for i in range(seq + 1)]
    with pytest.raises(OutputError, match="is closed"):
        sink.write(make_result())


def test_standard_output(capsys, make_result):
    with JsonLines("-") as sink:
        sink.write(make_result())
    assert json.loads(capsys.readouterr().out)["faces"][0]["label"] == "happy"
    print("still open")


def test_places_that_cannot_be_written_are_said(tmp_path, make_result):
    with pytest.raises(OutputError, match="cannot be written"):
        JsonLines(tmp_path / "none" / "out.jsonl")
    with JsonLines("/dev/full") as sink, pytest.raises(OutputError, match="No space left"):
        sink.write(make_result())
