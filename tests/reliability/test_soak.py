"""The soak in short: whether it runs, and whether it tells what grows from what does not."""

import contextlib
import json
import sys

import pytest

from benchmarks.reliability import soak
from benchmarks.reliability.soak import Sample
from ferlite.errors import FerliteError


def samples(name="memory", by=0.0):
    """A hundred samples of a run of 100,000 frames; the named figure grows by so much over the run."""
    flat = Sample(0, 0.0, 90.0, 5, 10, 0, 4.0, 20.0)
    value = getattr(flat, name)
    return [flat._replace(frames=1000 * n, **{name: value + type(value)(by * n / 100)}) for n in range(1, 101)]


def test_what_is_flat_has_no_fault():
    slope, faults = soak.verdict(samples())
    assert (round(slope, 6), faults) == (0.0, [])


@pytest.mark.parametrize(
    ("name", "by", "fault"),
    [
        ("memory", 0.2, "memory grows by 2.000 KB"),
        ("threads", 3, "threads grew from 5 to 8"),
        ("files", 2, "files grew from 10 to 12"),
        ("children", 1, "children grew from 0 to 1"),
        ("age", 40, "the age of the frames grew"),
    ],
)
def test_what_grows_is_told(name, by, fault):
    (found,) = soak.verdict(samples(name, by))[1]
    assert fault in found


def test_the_memory_of_a_short_run_is_not_judged():
    short = [sample._replace(frames=sample.frames // 50) for sample in samples("memory", 0.2)]
    slope, faults = soak.verdict(short)
    assert slope > soak.STEEPEST
    assert faults == []


@pytest.mark.parametrize("source", [["unpaced"], ["paced", "--fps", "120"]])
def test_both_sources_run_and_are_written_down(source, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["soak", *source, "--frames", "200", "--output", str(tmp_path / "soak")])
    with contextlib.suppress(FerliteError):  # so early the age of the frames says nothing
        soak.main()
    report = json.loads((tmp_path / "soak.json").read_text())
    assert report["samples"][-1]["frames"] == 200
    assert (tmp_path / "soak.svg").stat().st_size > 10_000
    assert "not judged below 100,000 frames" in capsys.readouterr().out
