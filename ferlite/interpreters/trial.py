"""Whether an engine works on this machine, found out in a process of its own, which it may take down.

A verdict "works" is kept in the cache folder, so that a trial is run once for each engine, file and machine. A fault is
not: it may have passed by the next start.
"""

import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from ferlite import cache, device
from ferlite.cards import sha256
from ferlite.interpreters.registry import Engine

TIME_LIMIT = 60.0  # seconds
_KEPT = 100  # verdicts in the file; older ones are dropped

_works: set[str] = set()


def fault(engine: Engine, weights: Path) -> str | None:
    """A sentence that says what keeps an installed engine from working here.

    None where it works, and where that cannot be found out: without a Python to start, or without the file. A file
    that the engine refuses by an exception is no fault of the engine.
    """
    if not sys.executable or getattr(sys, "frozen", False):
        return None
    try:
        key = _key(engine, weights)
        if key in _works or key in _read():
            return None
        found = _try(engine, weights)
    except OSError:
        return None
    if found is None:
        _remember(key)
    return found


def _try(engine: Engine, weights: Path) -> str | None:
    named = f"{engine.title} {engine.version}"
    home = str(Path(__file__).parents[2])
    # the same modules from the same places as here; not from the current folder, unless it is searched here too
    places = [str(Path(place).absolute()) for place in (sys.path if home in sys.path else [home, *sys.path])]
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "ferlite.interpreters", engine.name, os.fspath(weights)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(places)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIME_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{named} did not finish its trial in {TIME_LIMIT:g} s"
    if done.returncode == 0:
        return None
    if done.returncode < 0:
        names = {known.value: known.name for known in signal.Signals}
        return f"{named} was killed by {names.get(-done.returncode, f'signal {-done.returncode}')} in its trial"
    *_, said = ["", *done.stderr.decode(errors="replace").strip().splitlines()]
    if said.startswith(named):
        return said
    return f"{named} failed its trial with exit code {done.returncode}: {said or 'it said nothing'}"


def _key(engine: Engine, weights: Path) -> str:
    """All that a verdict hangs on."""
    here = device.describe()
    parts = [engine.name, engine.version, str(engine.location), f"numpy {np.__version__}", f"python {here['python']}"]
    return ", ".join([*parts, platform.machine(), here["board"], f"sha256 {sha256(weights)}"])


def _read() -> list[str]:
    try:
        kept = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):  # only a cache: none, or a damaged one, costs one more trial
        return []
    return kept if isinstance(kept, list) else []


def _remember(key: str) -> None:
    _works.add(key)
    try:
        path = _file()
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            new = Path(folder, path.name)
            new.write_text(json.dumps([*_read(), key][-_KEPT:], indent=1), encoding="utf-8")
            new.replace(path)  # whole or not at all, whoever else writes
    except OSError:
        pass  # the next process makes the trial again


def _file() -> Path:
    return cache.folder() / "engines.json"
