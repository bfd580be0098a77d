import tempfile
from pathlib import Path

import pytest

from ferlite.cli.doctor import _lines
from ferlite.doctor import Status, machine
from tests.doctor.conftest import as_nobody


@pytest.fixture(autouse=True)
def _64_bits(monkeypatch):
    monkeypatch.setattr(machine, "BITS", 64)


def looked(root):
    return {finding.name: finding for finding in machine.findings(root)}


def test_a_raspberry_pi_that_is_well(pi):
    found = looked(pi())
    assert {finding.status for finding in found.values()} == {Status.OK}
    assert found["board"].text.startswith("Raspberry Pi 4 Model B Rev 1.4, ")
    assert found["system"].text.startswith("Debian GNU/Linux 12 (bookworm), ")
    assert found["memory"].text == "2.0 of 4.0 GB available"
    assert found["temperature"].text == "48 °C"
    assert found["power"].text == "neither under-voltage nor throttling since boot"


@pytest.mark.parametrize(
    ("flags", "status", "text", "advice"),
    [
        (0x50005, Status.PROBLEM, "now: under-voltage, throttled", "supply"),
        (0x1, Status.PROBLEM, "now: under-voltage", "supply"),
        (0x50000, Status.NOTE, "since boot: under-voltage, throttled", "supply"),
        (0x40004, Status.PROBLEM, "now: throttled", "fan"),
        (0x80008, Status.NOTE, "now: soft temperature limit; since boot: soft temperature limit", "fan"),
    ],
)
def test_power_and_heat_of_a_raspberry_pi_say_what_to_do(pi, flags, status, text, advice):
    finding = looked(pi(throttled=flags))["power"]
    assert (finding.status, finding.text) == (status, text)
    assert advice in finding.advice


def test_a_hot_board_and_a_full_memory_are_notes(pi):
    found = looked(pi(celsius=82.4, available=150_000))
    assert found["temperature"].status is found["memory"].status is Status.NOTE
    assert found["temperature"].text == "82 °C: a Raspberry Pi slows down from 80 °C on"
    assert found["memory"].data == {"total_bytes": 3884336 * 1024, "available_bytes": 150_000 * 1024}


def test_a_system_that_says_nothing_is_not_unhealthy(tmp_path):
    found = looked(tmp_path / "nothing")
    assert {finding.status for finding in found.values()} == {Status.OK}
    assert found["memory"].text == "not known here"


def test_a_32_bit_system_is_a_note_that_fits_on_the_screen(pi, monkeypatch):
    monkeypatch.setattr(machine, "BITS", 32)
    finding = looked(pi())["system"]
    assert finding.status is Status.NOTE
    assert max(map(len, _lines(finding, colored=False).splitlines())) <= 100


@pytest.mark.parametrize("content", ["MemTotal: lots kB\n", "MemAvailable:\n", "\0\n"])
def test_a_strange_list_of_memory_is_as_none(pi, content):
    root = pi()
    (root / "proc/meminfo").write_text(content)
    assert looked(root)["memory"].text == "not known here"


@pytest.mark.parametrize("folder", ["/proc/nowhere", "/dev/null/cache"])
def test_a_cache_that_cannot_be_written_is_a_problem(pi, monkeypatch, folder):
    monkeypatch.setenv("FERLITE_CACHE", folder)
    finding = looked(pi())["cache"]
    assert finding.status is Status.PROBLEM
    assert finding.text.startswith(f"{folder} cannot be written: ")
    assert finding.advice == "export FERLITE_CACHE=/a/folder/of/yours"  # nobody should own /proc


@pytest.mark.parametrize("closed", [".cache", ".cache/ferlite"])
def test_what_sudo_left_behind_in_the_home_folder_is_given_back(monkeypatch, closed):
    with tempfile.TemporaryDirectory() as home:  # pytest's own folders are closed to nobody
        Path(home).chmod(0o755)
        Path(home, closed).mkdir(parents=True)
        Path(home, closed).chmod(0)
        monkeypatch.setenv("HOME", home)
        monkeypatch.setenv("FERLITE_CACHE", f"{home}/.cache/ferlite")
        with as_nobody():
            finding = looked(Path("/nowhere"))["cache"]
        Path(home, closed).chmod(0o755)
        assert finding.status is Status.PROBLEM
        assert finding.text.startswith(f"{home}/.cache/ferlite cannot be written: Permission denied")
        assert finding.advice == f"sudo chown -R $USER {home}/{closed}, or: export FERLITE_CACHE=/a/folder/of/yours"


def test_a_user_without_a_home_folder_needs_a_cache_elsewhere(pi, monkeypatch):
    monkeypatch.setenv("FERLITE_CACHE", "~no such user")
    finding = looked(pi())["cache"]
    assert finding.status is Status.PROBLEM
    assert finding.text == "there is no home folder for the cache"


def test_looking_leaves_nothing_in_the_cache(pi, monkeypatch, tmp_path):
    folder = tmp_path / "new" / "cache"
    monkeypatch.setenv("FERLITE_CACHE", str(folder))
    assert looked(pi())["cache"].status is Status.OK
    assert list(folder.iterdir()) == []
