"""The machine itself: board, system, Python, memory, disk, cache folder, heat and power."""

import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ferlite import __version__, cache, device, processes
from ferlite.doctor.finding import Finding, note, ok, problem

# bytes: following a face took at most 106 MB (benchmarks/reports, resident memory); the system needs some beside
LEAST_MEMORY = 200_000_000
LEAST_DISK = 100_000_000  # bytes: a minute of video or two; outputs end where the disk is full
BITS = 64 if sys.maxsize > 2**32 else 32  # of Python: the kernel may have 64 all the same
HOT = 80.0  # °C from which a Raspberry Pi slows down, says its documentation
SERIOUS = ("under-voltage", "throttled")
POWER = "use the supply made for this board, a short thick cable, and a powered hub for USB devices"
COOLING = "give it a heat sink or a fan, and ferlite less to do: --max-fps 10"


def findings(root: Path) -> Iterator[Finding]:
    here = device.describe(root)
    yield ok("ferlite", f"{__version__}, {Path(__file__).parents[1]}", version=__version__)
    yield ok("board", f"{here['board']}, {here['cores']} cores", board=here["board"], cores=int(here["cores"]))
    yield _system(here)
    yield _python(here)
    yield _memory(root)
    yield from _folders()
    state = device.state(root)
    yield _temperature(state)
    yield _power(state)


def _system(here: dict[str, str]) -> Finding:
    text = f"{here['os']}, {here['system']}"
    if BITS == 32:
        text += ", 32-bit: no LiteRT, tflite-runtime up to Python 3.11 only"
        advice = "a 64-bit system where the board can run one; docs/install.md says more"
        return note("system", text, advice, os=here["os"], bits=BITS)
    return ok("system", text, os=here["os"], bits=BITS)


def _python(here: dict[str, str]) -> Finding:
    text = f"{here['python']}, {sys.executable or 'of unknown place'}"
    data = {"version": here["python"], "executable": sys.executable}
    if not processes.startable():
        advice = "run the doctor with the Python that the program was made from"
        return note("python", f"{text}: a frozen program, nothing can be tried", advice, **data)
    return ok("python", text, **data)


def _memory(root: Path) -> Finding:
    sizes = {}
    try:
        for line in (root / "proc/meminfo").read_text(encoding="ascii", errors="replace").splitlines():
            name, _, size = line.partition(":")
            if name in ("MemTotal", "MemAvailable"):
                sizes[name] = int(size.split()[0]) * 1024  # it says kB and means KiB
        total, free = sizes["MemTotal"], sizes["MemAvailable"]
    except (OSError, ValueError, LookupError):
        return ok("memory", "not known here", total_bytes=None, available_bytes=None)
    text = f"{free / 1e9:.1f} of {total / 1e9:.1f} GB available"
    if free < LEAST_MEMORY:
        advice = f"ferlite needs about {LEAST_MEMORY / 1e6:.0f} MB: end other programs, a desktop first of all"
        return note("memory", text, advice, total_bytes=total, available_bytes=free)
    return ok("memory", text, total_bytes=total, available_bytes=free)


def _folders() -> Iterator[Finding]:
    """What room there is where the cache is, and whether that can be written to."""
    elsewhere = "export FERLITE_CACHE=/a/folder/of/yours"
    try:
        folder = cache.folder().absolute()
    except OSError as error:
        yield problem("cache", str(error).partition(":")[0], elsewhere, folder=None)
        return
    # os.path, for Path raises where a folder is closed
    there = next(place for place in (folder, *folder.parents) if os.path.isdir(place))  # noqa: PTH112
    yield _disk(there)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0")
    except OSError as error:
        text = f"{folder} cannot be written: {error.strerror}: every start tries the engine anew, pull has no place"
        own = os.path.expanduser("~").rstrip("/") + "/"  # noqa: PTH111
        advice = f"sudo chown -R $USER {shlex.quote(str(there))}, or: " if str(there).startswith(own) else ""
        yield problem("cache", text, advice + elsewhere, folder=str(folder))
    else:
        yield ok("cache", f"{folder} can be written", folder=str(folder))


def _disk(folder: Path) -> Finding:
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return ok("disk", "not known here", free_bytes=None)
    text = f"{free / 1e9:.1f} GB free at {folder}"
    if free < LEAST_DISK:
        return note("disk", text, "make room: videos end where the disk is full", free_bytes=free)
    return ok("disk", text, free_bytes=free)


def _temperature(state: device.State) -> Finding:
    data = {"celsius": state.temperature, "throttle_count": state.throttle_count}
    if state.temperature is None:
        return ok("temperature", "not known here", **data)
    text = f"{state.temperature:.0f} °C"
    if state.throttle_count:
        return note("temperature", f"{text}; slowed down {state.throttle_count} times since boot", COOLING, **data)
    if state.temperature >= HOT and state.limits is not None:
        return note("temperature", f"{text}: a Raspberry Pi slows down from {HOT:.0f} °C on", COOLING, **data)
    return ok("temperature", text, **data)


def _power(state: device.State) -> Finding:
    """The limits of a Raspberry Pi: its power supply and its heat."""
    now, before = state.limits, state.limits_since_boot
    if now is None or before is None:
        return ok("power", "not known here: only Raspberry Pis say it", limits=None, limits_since_boot=None)
    data = {"limits": list(now), "limits_since_boot": list(before)}
    advice = POWER if "under-voltage" in (*now, *before) else COOLING
    if any(limit in SERIOUS for limit in now):
        return problem("power", f"now: {', '.join(now)}", advice, **data)
    if now or before:
        said = [f"now: {', '.join(now)}"] if now else []
        said += [f"since boot: {', '.join(before)}"] if before else []
        return note("power", "; ".join(said), advice, **data)
    return ok("power", "neither under-voltage nor throttling since boot", **data)
