"""The fault injection itself: each of its scenarios once, and whether it finds what should not be."""

import random
import signal

import pytest

from benchmarks.reliability import faults, running

SEEDS = {"stream": 2, "start": 3, "sink": 1, "consumer": 1, "cache": 1}


@pytest.mark.parametrize("name", faults.SCENARIOS)
def test_nothing_hangs_and_nothing_is_left(name, monkeypatch):
    monkeypatch.setattr(faults, "FAULTS", {"killed and restarted": faults.FAULTS["killed and restarted"]})
    _, found = faults.play(SEEDS[name], 0, [name])
    assert "FINDING" not in found


def test_a_round_is_made_again_by_its_seed_and_number(monkeypatch):
    told = []
    for name in faults.SCENARIOS:
        monkeypatch.setitem(faults.SCENARIOS, name, lambda rng, _, name=name: f"{name} {rng.random()}")
    for _ in range(2):
        told.append([faults.play(7, number, list(faults.SCENARIOS)) for number in range(20)])
    assert told[0] == told[1]
    assert len(set(told[0])) == 20


def test_what_is_wrong_is_found(tmp_path):
    with faults._camera() as server:
        child = running.Child(tmp_path, server.url)
        child.wait_for_lines(2)
        child.process.send_signal(signal.SIGTERM)
        child.process.wait(20)
        with pytest.raises(running.FindingError, match="SIGINT ended it with 143"):
            child.stop(signal.SIGINT)
        (tmp_path / "faces.jsonl").write_text('{"seq": 1}\n{"seq": ')
        with pytest.raises(running.FindingError, match="half a line"):
            child.check_files(killed=False)
        (tmp_path / "faces.jsonl").write_text('{"seq": 1}\n{"se}\n')
        with pytest.raises(running.FindingError, match="a bad line"):
            child.check_files(killed=True)
        (tmp_path / "faces.jsonl").write_text('{"seq": 1}\n{"seq": 1}\n')
        with pytest.raises(running.FindingError, match="not in order"):
            child.check_files(killed=False)


def test_a_process_that_hangs_or_is_left_is_found(monkeypatch, tmp_path):
    monkeypatch.setattr(running, "LIMIT", 0.5)
    monkeypatch.setattr(faults, "_CONSUMER", "import time; time.sleep(30)")
    with pytest.raises(running.FindingError, match=r"did not end within 0\.5 s"):
        faults.consumer(random.Random(1), tmp_path)
    monkeypatch.setattr(running, "LIMIT", 20.0)
    monkeypatch.setattr(running, "MOMENT", 0.2)
    monkeypatch.setattr(faults, "_CONSUMER", _LEAVES_A_CHILD)
    with pytest.raises(running.FindingError, match="processes are left"):
        faults.consumer(random.Random(1), tmp_path)


_LEAVES_A_CHILD = """
import subprocess, sys
nothing = subprocess.DEVNULL
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"], stdout=nothing, stderr=nothing)
print("nothing left")
"""
