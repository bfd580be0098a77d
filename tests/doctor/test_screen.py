"""What stands on the screen."""

import os
import pty
import subprocess

from ferlite.cli.doctor import _lines
from ferlite.doctor import Status, software
from ferlite.doctor.finding import note, ok


def test_all_of_it_fits_on_one_screen(ferlite):
    done = ferlite("doctor")
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert lines[-1] == "healthy"
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100
    assert {line.split()[0] for line in lines[:-2] if line[0] != " "} <= {"ok", "note"}
    assert "\033" not in done.stdout


def test_the_last_line_counts_the_problems(ferlite, bare_python):
    assert ferlite("doctor", python=bare_python).stdout.endswith("\n\n4 problems\n")


def test_long_findings_are_wrapped_and_commands_are_not():
    text = " ".join(["word"] * 60)
    lines = _lines(note("camera", text, f"sudo {text}"), colored=False).splitlines()
    assert max(map(len, lines[:-1])) <= 100
    assert lines[0].startswith("note     camera          word word")
    assert lines[-1] == f"{'':25}→ sudo {text}"


def test_advice_that_is_no_command_fits_too(monkeypatch):
    monkeypatch.setattr(software, "probe", lambda name, backend: {"ms": 1700.0, "model": "flagship-int8.tflite"})
    finding = software._reading("litert")
    assert finding.status is Status.NOTE
    assert max(map(len, _lines(finding, colored=False).splitlines())) <= 100


def test_colour_is_for_terminals_only_and_can_be_declined(bare_python, alone):
    for settings, colored in (({}, True), ({"NO_COLOR": "1"}, False)):
        ours, theirs = pty.openpty()
        environment = os.environ | {"PYTHONPATH": str(alone), "TERM": "xterm"} | settings
        with subprocess.Popen(
            [bare_python, "-m", "ferlite", "doctor"], stdout=theirs, stderr=theirs, env=environment
        ) as process:
            os.close(theirs)
            said = b""
            while True:
                try:
                    said += os.read(ours, 65536)
                except OSError:  # the end, on Linux
                    break
        os.close(ours)
        assert process.returncode == 1
        assert (b"\033[31mproblem  \033[0mnumpy" in said) is colored
    assert _lines(ok("cache", "x"), colored=True).startswith("\033[32mok")
