import json
import subprocess
import sys

import pytest

from ferlite.errors import OutputError
from ferlite.sinks.jsonl import JsonLines


def test_one_object_a_line_whole_at_any_time(tmp_path, make_result):
    path = tmp_path / "out.jsonl"
    with JsonLines(path) as sink:
        for seq in range(3):
            sink.write(make_result(seq=seq))
            lines = path.read_text().splitlines()  # while it is open: a killed process leaves whole lines
            assert [json.loads(line)["seq"] for line in lines] == list(range(seq + 1))


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


def test_a_disk_that_fills_up_leaves_whole_lines(tmp_path):
    """A limit on the file's size stands for the disk: in a process of its own, as it cannot be lifted again."""
    path = tmp_path / "out.jsonl"
    code = f"""
import resource, signal
import numpy as np
from ferlite import Frame, FrameResult, OutputError
from ferlite.sinks.jsonl import JsonLines
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
with JsonLines({str(path)!r}) as sink:
    try:
        for seq in range(1000):
            sink.write(FrameResult(Frame(seq, seq / 30, np.zeros((1, 1), np.uint8)), (), 0.01))
    except OutputError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "writing stopped" in done.stdout
    content = path.read_text()
    assert 800 < len(content) <= 1000
    assert content.endswith("}\n")
    assert [json.loads(line)["seq"] for line in content.splitlines()] == list(range(content.count("\n")))
