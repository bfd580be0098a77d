"""A module of ours in a Python process of its own, which it may take down, and how to say what became of it."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

NOT_STARTED = 127  # the exit code where the program could not be


def startable() -> bool:
    """Whether there is a Python to start: not inside of a frozen program, whose executable is the program itself."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


def run(module: str, *arguments: str, time_limit: float) -> subprocess.CompletedProcess[bytes]:
    """`python -m MODULE ARGUMENTS`, which finds the same modules as this process does.

    Raises subprocess.TimeoutExpired after `time_limit` seconds, OSError where no process can be started.
    """
    home = str(Path(__file__).parents[1])
    # the same modules from the same places as here; not from the current folder, unless it is searched here too
    places = [str(Path(place).absolute()) for place in (sys.path if home in sys.path else [home, *sys.path])]
    done = subprocess.run(
        [sys.executable, "-P", "-m", module, *arguments],
        # one thread: the memory of more would count, on a machine with many cores
        env=os.environ | {"PYTHONPATH": os.pathsep.join(places), "OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=time_limit,
        check=False,
    )
    # POSIX lets posix_spawn say so by the exit code alone, as it does in an emulated process
    if done.returncode == NOT_STARTED and not done.stderr:
        raise OSError(errno.ENOEXEC, f"{sys.executable} cannot be started")
    return done


def killed_by(returncode: int) -> str | None:
    """The name of the signal that ended a process; None for one that has ended by itself."""
    if returncode >= 0:
        return None
    names = {known.value: known.name for known in signal.Signals}
    return names.get(-returncode, f"signal {-returncode}")
