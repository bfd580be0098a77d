"""Cases of a fuzzing target in a process of their own, so that a crash or a hang is one more finding.

A target is a function that is given a folder to write in and returns what runs one case. That takes a `random.Random`,
makes its input of it, and raises FerliteError for a refusal or anything else for a finding. Nothing of ferlite is
imported here: the guided mode has to see those imports.
"""

import faulthandler
import importlib
import itertools
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

Case = Callable[[random.Random], None]

RESULT, ERROR, FINDING = "result", "error", "finding"
READY = -1  # takes the place of a case's number once the target is prepared
PREPARING = 120.0  # seconds
MEMORY = 8 << 30  # bytes of address space: a picture that claims to be giant is to end here, not the machine
LONGEST_MESSAGE = 4000  # characters; only lists of damaged rows may be longer
LONGEST_LOG = 1 << 20  # bytes


class TargetError(Exception):
    """A target that cannot be prepared here."""


class Outcome(NamedTuple):
    """How a case ended: with RESULT, with ERROR and its kind, or with FINDING and its traceback.

    `data` is the file with the input of a finding of the guided mode.
    """

    case: int
    how: str
    text: str = ""
    data: Path | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """The cases `first` to `last` of a target, whose function `place` names as MODULE:FUNCTION.

    `limit` is for one case, in seconds. With `guided`, a folder, atheris makes the inputs and keeps them there; with
    `data`, a file that was kept so, that is the input.
    """

    place: str
    seed: int
    first: int
    last: int
    limit: float = 20.0
    guided: Path | None = None
    data: Path | None = None

    def source(self, case: int) -> random.Random:
        """What a case is made of."""
        if self.data is not None:
            return Bytes(self.data.read_bytes())
        return random.Random(f"{self.seed} {self.place} {case}")


class Bytes(random.Random):
    """Random numbers read from bytes, zeros at their end: how a fuzzer that makes bytes chooses among cases."""

    def __init__(self, data: bytes) -> None:
        super().__init__(0)
        self._data, self._place = data, 0

    def getrandbits(self, k: int) -> int:
        size = -(-k // 8)
        taken = self._data[self._place : self._place + size]
        self._place += size
        return int.from_bytes(taken.ljust(size, b"\0"), "big") >> (8 * size - k)

    def random(self) -> float:
        return self.getrandbits(32) / 2**32


def outcomes(task: Task) -> Iterator[Outcome]:
    """How each case ended, one after the other; behind a crash or hang the next process goes on.

    Raises TargetError where the target cannot be prepared.
    """
    case = task.first
    with tempfile.TemporaryDirectory(prefix="ferlite-fuzz-") as name:
        while case < task.last:
            for outcome in _of_one_process(task, case, Path(name)):
                yield outcome
                case = outcome.case + 1


def _of_one_process(task: Task, first: int, folder: Path) -> Iterator[Outcome]:
    context = get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(there, task, first, folder), daemon=True)
    process.start()
    there.close()
    case, limit = READY, PREPARING
    try:
        while case < task.last:
            if not here.poll(limit):
                yield _broken_off(task, case, folder, _stop(process, limit))
                return
            try:
                outcome = here.recv()
            except (EOFError, OSError):  # cut off, also in the middle of a message
                process.join()
                yield _broken_off(task, case, folder, _end(process.exitcode))
                return
            if outcome.case != READY:
                yield outcome
            case, limit = max(first, outcome.case + 1), task.limit
    finally:
        here.close()  # one that still works ends by itself at its next message
        process.join(1)
        process.kill()
        process.join()
        process.close()


def _stop(process: BaseProcess, limit: float) -> str:
    """End a process that hangs, once it has written where."""
    with suppress(ProcessLookupError):
        os.kill(process.pid or 0, signal.SIGUSR1)
    time.sleep(0.3)
    process.kill()
    return f"no end after {limit:g} seconds"


def _end(code: int | None) -> str:
    if code is not None and code < 0:
        return f"the process was ended by {signal.Signals(-code).name}"
    return f"the process ended with exit code {code}"


def _broken_off(task: Task, case: int, folder: Path, how: str) -> Outcome:
    log = (folder / "log").read_text(errors="replace")[-5000:] if (folder / "log").exists() else ""
    if case == READY:
        raise TargetError(f"{task.place} cannot be prepared: {how}\n{log}")
    kept = None if task.guided is None else _kept(task, case, (folder / "input").read_bytes())
    return Outcome(case, FINDING, f"{log.rstrip()}\n{how}", kept)


def _work(pipe: Connection, task: Task, first: int, folder: Path) -> None:
    log = os.open(folder / "log", os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_WRONLY, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("error")
    with suppress(BrokenPipeError):  # the parent has gone
        if task.guided is not None:
            _guided(pipe, task, first, folder, task.guided)
        run = _prepared(task.place, folder)
        pipe.send(Outcome(READY, RESULT))
        for case in range(first, task.last):
            pipe.send(_attempt(run, case, task.source(case)))
            if os.fstat(log).st_size > LONGEST_LOG:
                os.ftruncate(log, 0)


def _guided(pipe: Connection, task: Task, first: int, folder: Path, kept: Path) -> None:
    """The same with inputs that atheris makes, until the process is ended."""
    import atheris

    current = (folder / "input").open("wb", buffering=0)
    numbers = itertools.count(first)

    def one(data: bytes) -> None:
        current.seek(0)
        current.truncate()
        current.write(data)
        outcome = _attempt(run, next(numbers), Bytes(data))
        if outcome.how == FINDING:
            outcome = outcome._replace(data=_kept(task, outcome.case, data))
        pipe.send(outcome)

    with atheris.instrument_imports(include=["ferlite", "export"]):
        run = _prepared(task.place, folder)
    pipe.send(Outcome(READY, RESULT))
    corpus = kept / task.place.replace(":", ".")
    corpus.mkdir(exist_ok=True)
    # time and memory are watched by our own limits
    settings = ["-timeout=1000000", "-rss_limit_mb=0", "-handle_usr1=0", "-max_len=4096", f"-seed={task.seed + first}"]
    atheris.Setup([sys.argv[0], *settings, f"-artifact_prefix={folder}/", str(corpus)], one)
    atheris.Fuzz()


def _kept(task: Task, case: int, data: bytes) -> Path:
    assert task.guided is not None
    path = task.guided / f"{task.place.replace(':', '.')}-{task.seed}-{case}.bin"
    path.write_bytes(data)
    return path


def _prepared(place: str, folder: Path) -> Case:
    module, function = place.split(":")
    run: Case = getattr(importlib.import_module(module), function)(folder)
    return run


def _attempt(run: Case, number: int, source: random.Random) -> Outcome:
    from ferlite.errors import FerliteError

    try:
        run(source)
    except FerliteError as error:
        if len(str(error)) > LONGEST_MESSAGE and type(error).__name__ != "DatasetError":
            words = f"{type(error).__name__} of {len(str(error))} characters: {error!s:.300}"
            return Outcome(number, FINDING, _printable(words))
        return Outcome(number, ERROR, _printable(_kind(error)))
    except (Exception, SystemExit):
        return Outcome(number, FINDING, _printable(traceback.format_exc().rstrip()))
    return Outcome(number, RESULT)


def _kind(error: Exception) -> str:
    """An error's message without the values in it."""
    text, before = " ".join(str(error)[:1000].split()), ""
    while text != before:  # from the innermost brackets outwards
        text, before = re.sub(r"(?<!\w)(['\"]).*?\1|\([^()]*\)|\[[^][]*\]|\{[^{}]*\}", "…", text), text
    text = re.sub(r"\S*/\S*|-?\d[\d.,×]*", "…", re.split(r"[\[({'\"]", text)[0])
    return f"{type(error).__name__}: {text[:70].strip()}"


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() or character == "\n" else "�" for character in text)
