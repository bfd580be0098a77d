import platform

import pytest

from ferlite import device
from ferlite.device import State


@pytest.fixture
def pi(tmp_path):
    """The files of a Raspberry Pi, and its vcgencmd."""

    def write(path, text):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    write("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0")
    write("proc/loadavg", "0.25 0.10 0.05 1/150 999\n")
    write("etc/os-release", 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
    for core, clock in enumerate((600000, 1800000)):
        folder = f"sys/devices/system/cpu/cpu{core}/cpufreq"
        write(f"{folder}/scaling_governor", "ondemand\n")
        write(f"{folder}/scaling_cur_freq", f"{clock}\n")
        write(f"{folder}/cpuinfo_max_freq", "1800000\n")
    write("sys/class/thermal/thermal_zone0/temp", "48312\n")
    answers = 'case $1 in measure_temp) echo "temp=51.5\'C";; get_throttled) echo throttled=0x50001;; esac\n'
    write("usr/bin/vcgencmd", f"#!/bin/sh\n{answers}").chmod(0o755)
    return tmp_path


def test_says_what_a_report_needs():
    machine = device.describe()
    assert machine["board"]
    assert int(machine["cores"]) >= 1
    assert {"system", "os", "python", "numpy", "ferlite"} <= set(machine)


def test_a_board_is_named_by_its_device_tree(pi):
    machine = device.describe(pi)
    assert machine["board"] == "Raspberry Pi 4 Model B Rev 1.4"
    assert machine["os"] == "Debian GNU/Linux 12 (bookworm)"


def test_the_state_of_a_raspberry_pi(pi):
    assert device.state(pi) == State(
        governors=("ondemand",),
        clock=1800.0,
        clock_max=1800.0,
        temperature=48.3,
        limits=("under-voltage",),
        limits_since_boot=("under-voltage", "throttled"),
        load=0.25,
    )


def test_vcgencmd_knows_the_temperature_where_no_file_does(pi):
    (pi / "sys/class/thermal/thermal_zone0/temp").unlink()
    assert device.state(pi).temperature == 51.5


@pytest.mark.parametrize("answer", ["exit 1", "echo nonsense", "echo temp=; echo throttled=0xzz", "kill $$"])
def test_a_vcgencmd_that_fails_is_one_that_is_not_there(pi, answer):
    (pi / "usr/bin/vcgencmd").write_text(f"#!/bin/sh\n{answer}\n")
    (pi / "sys/class/thermal/thermal_zone0/temp").write_text("?\n")
    state = device.state(pi)
    assert state.temperature is None
    assert state.limits is None


def test_a_system_that_says_nothing_is_no_error(tmp_path):
    assert device.state(tmp_path) == State()
    assert device.describe(tmp_path)["board"]
    assert device.state(tmp_path).as_dict()["clock_mhz"] is None


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (0x0, ()),
        (0x1, ("under-voltage",)),
        (0x6, ("frequency capped", "throttled")),
        (0x80008, ("soft temperature limit",)),
        (0x50000, ()),
    ],
)
def test_throttle_flags_in_words(flags, words):
    assert device.throttling(flags) == words


def test_what_slowed_a_run_down_is_what_holds_during_it_or_is_new_after_it():
    calm = State(limits=(), limits_since_boot=("under-voltage",), throttle_count=3)
    assert device.slowed([calm, calm]) == []
    capped = State(limits=("frequency capped",), limits_since_boot=("under-voltage", "frequency capped"))
    assert device.slowed([calm, capped, calm]) == ["frequency capped"]
    assert device.slowed([calm, State(limits=(), limits_since_boot=("throttled", "under-voltage"))]) == ["throttled"]
    assert device.slowed([calm, State(throttle_count=4)]) == ["processor slowed down for its heat"]
    assert device.slowed([State(), State()]) == []


def test_no_process_is_started_to_describe_a_board_that_says_nothing(monkeypatch, tmp_path):
    """As `platform.processor` does, by `uname -p`."""
    monkeypatch.setattr("subprocess.Popen", None)
    monkeypatch.setattr(platform, "_uname_cache", None)
    assert device.describe(tmp_path)["board"] == platform.machine()
