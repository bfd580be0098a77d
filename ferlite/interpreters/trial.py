"""Whether an engine works on this machine with a file, found out in a process of its own, which it may take down.

Both are suspects: an engine built for another processor, and a file made to harm the one that opens it. The process
has limits of time and memory. A verdict "works" is kept in the cache folder, so that a trial is run once for each
engine, file and machine. Anything else is not: it may have passed by the next start.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from ferlite import cache, device, processes
from ferlite.cards import LARGEST_WEIGHTS, sha256
from ferlite.errors import EngineError, ModelError
from ferlite.interpreters.registry import Engine

TIME_LIMIT = 60.0  # seconds
MEMORY_LIMIT = 2 << 30  # bytes; half of the machine's memory where that is less
REFUSED = 65  # the exit code for a file that the engine refuses in words
_KEPT = 100  # verdicts in the file; older ones are dropped

_works: set[str] = set()


def fault(engine: Engine, weights: Path, anew: bool = False, shape: tuple[int, ...] | None = None) -> str | None:
    """A sentence that says what keeps an installed engine from working here.

    None where it works, and where that cannot be found out: without a Python to start, or without the file. With
    `anew` a remembered verdict does not count. `shape` is that of the input, for files that leave it open.
    Raises ModelError, in the engine's words, for a file that it refuses.
    """
    if not processes.startable():
        return None
    try:
        key = _key(engine, weights)
        if not anew and (key in _works or key in _read()):
            return None
        found = _try(engine, weights, shape)
    except OSError:
        return None
    if found is None:
        _remember(key)
    return found


def answer(attempt: Callable[[], object]) -> None:
    """In the process of the trial: make the attempt, within limits, and exit as `fault` understands it."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # dying is an answer here, not worth a core file
        memory = min(MEMORY_LIMIT, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)
        # not of the address space: engines reserve of that what they never use
        most = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(
            resource.RLIMIT_DATA, (memory if most == resource.RLIM_INFINITY else min(memory, most), most)
        )
    try:
        attempt()
    except ModelError as error:
        print(*str(error).split(), file=sys.stderr)
        sys.exit(REFUSED)
    except EngineError as error:
        sys.exit(str(error))


def _try(engine: Engine, weights: Path, shape: tuple[int, ...] | None) -> str | None:
    named = f"{engine.title} {engine.version}"
    try:
        done = processes.run(
            engine.trial, engine.name, os.fspath(weights), *map(str, shape or ()), time_limit=TIME_LIMIT
        )
    except subprocess.TimeoutExpired:
        return f"{named} did not finish its trial in {TIME_LIMIT:g} s"
    if done.returncode == 0:
        return None
    if done.returncode < 0:
        return f"{named} was killed by {processes.killed_by(done.returncode)} in its trial"
    *_, said = ["", *done.stderr.decode(errors="replace").strip().splitlines()]
    if done.returncode == REFUSED and said:
        raise ModelError(said)
    if said.startswith(named):
        return said
    return f"{named} failed its trial with exit code {done.returncode}: {said or 'it said nothing'}"


def _key(engine: Engine, weights: Path) -> str:
    """All that a verdict hangs on."""
    here = device.describe()
    numpy, python = f"numpy {here.get('numpy')}", f"python {here['python']}"
    parts = [engine.name, engine.version, str(engine.location), numpy, python]
    return ", ".join([*parts, platform.machine(), here["board"], f"sha256 {sha256(weights, LARGEST_WEIGHTS)}"])


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
            kept = [*(other for other in _read() if other != key), key]
            new.write_text(json.dumps(kept[-_KEPT:], indent=1), encoding="utf-8")
            new.replace(path)  # whole or not at all, whoever else writes
    except OSError:
        pass  # the next process makes the trial again


def _file() -> Path:
    return cache.folder() / "engines.json"
