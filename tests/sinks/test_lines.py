import os
import subprocess
import sys
import threading

import pytest

from ferlite.errors import OutputError
from ferlite.sinks.lines import LineFile

# A limit on the size of files stands for a disk that fills up: in a process of its own, as it cannot be lifted again.
FILL = """
import resource, signal, sys
from ferlite.errors import OutputError
from ferlite.sinks.lines import LineFile
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
lines = LineFile(sys.argv[1])
try:
    while True:
        lines.write("one\\ntwo, a longer one\\n")
except OutputError as error:
    print(error, file=sys.stderr)
"""


def test_lines_stand_as_soon_as_they_are_written(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("what was there before")
    lines = LineFile(path)
    lines.write("één\n")
    lines.write("two\nthree\n")
    assert path.read_text(encoding="utf-8") == "één\ntwo\nthree\n"
    lines.close()
    lines.close()
    with pytest.raises(OutputError, match=r"out\.txt: is closed"):
        lines.write("four\n")


@pytest.mark.parametrize("name", ["out.txt", "-"])
def test_a_disk_that_fills_up_leaves_whole_writes(tmp_path, name):
    path = tmp_path / "out.txt"
    with path.open("wb") as standard_output:
        argument = str(path) if name != "-" else "-"
        command = [sys.executable, "-c", FILL, argument]
        done = subprocess.run(command, stdout=standard_output, stderr=subprocess.PIPE, text=True, check=True)
    assert done.stderr == f"{argument}: writing stopped: File too large\n"
    assert path.read_text() == "one\ntwo, a longer one\n" * (1000 // 22)


def test_a_named_pipe_waits_for_its_reader_and_says_when_it_has_gone(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read: list[str] = []
    opened, leave = threading.Event(), threading.Event()

    def reader():
        with path.open() as pipe:
            opened.set()
            read.append(pipe.readline())
            leave.wait(10)

    thread = threading.Thread(target=reader)
    thread.start()
    lines = LineFile(path)
    lines.write("one\n")
    assert opened.wait(10)
    leave.set()
    thread.join(10)
    assert read == ["one\n"]
    with pytest.raises(OutputError, match="pipe: writing stopped: Broken pipe"):
        lines.write("two\n")
    lines.close()


def test_a_reader_of_standard_output_that_has_left_is_no_fault_of_the_output():
    code = """
import sys
from ferlite.sinks.lines import LineFile
lines = LineFile("-")
sys.stdin.readline()
try:
    lines.write("one\\n")
except BrokenPipeError as error:
    print(type(error).__name__, file=sys.stderr)
"""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        process.stdin.write(b"go\n")
        process.stdin.close()
        assert process.stderr.read() == b"BrokenPipeError\n"
    assert process.returncode == 0


def test_standard_output_that_does_not_wait_for_its_reader_is_said():
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    code = """
import sys
from ferlite.errors import OutputError
from ferlite.sinks.lines import LineFile
try:
    LineFile("-").write("x" * 10_000_000)
except OutputError as error:
    print(error, file=sys.stderr)
"""
    try:
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=True)
    finally:
        os.close(reading)
        os.close(writing)
    assert done.stderr == "-: writing stopped: its reader is too slow, and it is set not to wait\n"


def test_standard_output_stays_open(capfd):
    lines = LineFile("-")
    lines.write("one\n")
    assert capfd.readouterr().out == "one\n"
    lines.close()
    print("two")
    assert capfd.readouterr().out == "two\n"


def test_places_that_cannot_be_written_are_said(tmp_path):
    for path in (tmp_path / "none" / "out.txt", tmp_path):
        with pytest.raises(OutputError, match="cannot be written"):
            LineFile(path)
    full = LineFile("/dev/full")
    with pytest.raises(OutputError, match="/dev/full: writing stopped: No space left"):
        full.write("one\n")
    full.close()
