"""What machine this is, and what holds it back at the moment: clock, heat, power. For reports.

Every figure comes from a file or command that some systems have and others do not; what is not there is left out and
never an error. `root` is the folder these are looked for in: another one than "/" in tests.
"""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path("/")
OPENCV = ("opencv-python", "opencv-python-headless")  # the same module, with and without windows
PATIENCE = 2.0  # seconds for vcgencmd, which hangs where the firmware does
# bits of `vcgencmd get_throttled`, Raspberry Pi documentation; the same ones 16 places higher mean "since boot"
LIMITS = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}


def describe(root: Path = ROOT) -> dict[str, str]:
    """Board or processor, cores, system, and the versions of what does the work."""
    return {
        "board": _board(root),
        "processor": _processor(root) or "unknown",
        "cores": str(cores()),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "os": _os(root),
        "python": platform.python_version(),
    } | versions("ferlite", "numpy", *OPENCV, "ai-edge-litert", "tflite-runtime", "onnxruntime")


def cores() -> int:
    """Processor cores that this process may use, 1 where nobody knows."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def versions(*packages: str) -> dict[str, str]:
    """The versions of those of the packages that are installed."""
    found = {}
    for name in packages:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


@dataclass(frozen=True, slots=True)
class State:
    """The machine at one moment; None and () where it does not say.

    `clock` and `clock_max` are in MHz, those of the fastest core, `temperature` in °C, that of the hottest sensor.
    `limits` are the Raspberry Pi's reasons to slow down that hold now, `limits_since_boot` those that held at any time.
    `throttle_count` counts how often an Intel processor was slowed down for its heat. `load` is the number of processes
    that wanted to run, averaged over a minute.
    """

    governors: tuple[str, ...] = ()
    clock: float | None = None
    clock_max: float | None = None
    temperature: float | None = None
    limits: tuple[str, ...] | None = None
    limits_since_boot: tuple[str, ...] | None = None
    throttle_count: int | None = None
    load: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """The state as plain JSON values."""
        return {
            "governors": list(self.governors),
            "clock_mhz": self.clock,
            "clock_max_mhz": self.clock_max,
            "temperature_c": self.temperature,
            "limits": None if self.limits is None else list(self.limits),
            "limits_since_boot": None if self.limits_since_boot is None else list(self.limits_since_boot),
            "throttle_count": self.throttle_count,
            "load": self.load,
        }


def state(root: Path = ROOT) -> State:
    """Clock, heat and limits now. Takes a few milliseconds, on a Raspberry Pi some tens."""
    clocks = root / "sys/devices/system/cpu"
    flags = _throttled(root)
    governors = {_text(path) for path in clocks.glob("cpu*/cpufreq/scaling_governor")} - {""}
    return State(
        governors=tuple(sorted(governors)),
        clock=_largest(clocks.glob("cpu*/cpufreq/scaling_cur_freq"), 1000),
        clock_max=_largest(clocks.glob("cpu*/cpufreq/cpuinfo_max_freq"), 1000),
        temperature=_temperature(root),
        limits=None if flags is None else throttling(flags),
        limits_since_boot=None if flags is None else throttling(flags >> 16),
        throttle_count=_throttle_count(clocks),
        load=_load(root),
    )


def throttling(flags: int) -> tuple[str, ...]:
    """The words for the four lowest bits of what `vcgencmd get_throttled` says."""
    return tuple(name for bit, name in LIMITS.items() if flags >> bit & 1)


def slowed(states: Sequence[State]) -> list[str]:
    """What slowed the machine down while these states were seen, one after another; empty where nothing did."""
    first, last = states[0], states[-1]
    reasons = {limit for state in states for limit in state.limits or ()}
    reasons |= set(last.limits_since_boot or ()) - set(first.limits_since_boot or ())
    if (last.throttle_count or 0) > (first.throttle_count or 0):
        reasons.add("processor slowed down for its heat")
    return sorted(reasons)


def _board(root: Path) -> str:
    # where Raspberry Pis and most other boards say what they are
    return _text(root / "proc/device-tree/model") or _processor(root) or platform.machine() or "unknown"


def _processor(root: Path) -> str | None:
    for line in _text(root / "proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return None


def _os(root: Path) -> str:
    for line in _text(root / "etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip("\"'")
    return platform.system() or "unknown"


def _temperature(root: Path) -> float | None:
    hottest = _largest(root.glob("sys/class/thermal/thermal_zone*/temp"), 1000)
    if hottest is not None:
        return hottest
    answer = _vcgencmd(root, "measure_temp")  # temp=48.3'C
    with suppress(ValueError):
        return float(answer.partition("=")[2].rstrip("'C"))
    return None


def _throttled(root: Path) -> int | None:
    answer = _vcgencmd(root, "get_throttled")  # throttled=0x50005
    with suppress(ValueError):
        return int(answer.partition("=")[2], 16)
    return None


def _throttle_count(clocks: Path) -> int | None:
    counts = [_number(path) for path in clocks.glob("cpu*/thermal_throttle/package_throttle_count")]
    known = [count for count in counts if count is not None]
    return int(max(known)) if known else None


def _load(root: Path) -> float | None:
    with suppress(ValueError, IndexError):
        return float(_text(root / "proc/loadavg").split()[0])
    return None


def _vcgencmd(root: Path, question: str) -> str:
    folders = os.pathsep.join(str(root / folder) for folder in ("usr/bin", "usr/local/bin", "opt/vc/bin"))
    command = shutil.which("vcgencmd", path=folders)
    if command is None:
        return ""
    try:
        done = subprocess.run([command, question], capture_output=True, text=True, timeout=PATIENCE, check=False)
    except (OSError, subprocess.SubprocessError, ValueError):
        return ""
    return done.stdout.strip()


def _largest(paths: Iterable[Path], unit: float) -> float | None:
    numbers = [number for path in paths if (number := _number(path)) is not None]
    return round(max(numbers) / unit, 1) if numbers else None


def _number(path: Path) -> float | None:
    with suppress(ValueError):
        return float(_text(path))
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n ")
    except OSError:  # sensors that are there and do not answer give one too
        return ""
