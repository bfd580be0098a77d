"""Processes that label shards, and what becomes of those that die.

A picture can crash OpenCV, fill the memory or never end. So each is read in a process of its own beside others, which
says by shared numbers where it is. Who dies at a file, or makes no step for `PATIENCE` seconds, is replaced and the
shard begun again; a file that does it twice is left out, and said so in its row.
"""

import os
import signal
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import Any

import cv2

from ferlite.errors import EngineError, FerliteError
from ferlite.labelling.shard import At, Deadly, Done, Labeller, Make

POLL = 0.2  # seconds between two looks at where the workers are
PATIENCE = 600.0  # seconds for a picture or frame; one of 100 million pixels takes a small board a minute
START = 600.0  # seconds for a process to start, and to finish its file
MOST_DEATHS = 200  # in one shard: beyond, it is not the files

Watch = Callable[[float, int], None]
"""Told the files and the pictures that have been read of the shards under way."""

_context = get_context("spawn")  # a fork would copy the threads' locks, and what the engines hold


class Crew:
    """`jobs` processes, each with a recognizer of its own, in a `with` block."""

    def __init__(self, folder: Path, make: Make, jobs: int) -> None:
        self._folder, self._make = folder, make
        self._workers: list[_Worker | None] = [None] * jobs

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            if worker is not None:
                worker.kill()

    def run(self, numbers: Iterable[int], watch: Watch) -> Iterator[Done]:
        """Label these shards, in whatever order they get done. Raises what a worker raises, and EngineError where the
        workers die without anything they could have died of."""
        waiting = deque(numbers)
        deaths: Counter[tuple[int, int]] = Counter()
        deadly: dict[int, dict[int, Deadly]] = {}
        while waiting or any(self._busy()):
            for place, worker in enumerate(self._workers):
                if waiting and (worker is None or worker.number is None):
                    if worker is None:
                        worker = self._workers[place] = _Worker(self._folder, self._make)
                    number = waiting.popleft()
                    worker.give(number, deadly.get(number, {}))
            busy = list(self._busy())
            connection.wait([end for worker in busy for end in worker.ends], POLL)
            for worker in busy:
                done = worker.look()
                if done is not None:
                    yield done
                elif worker.death is not None:
                    number = worker.number or 0
                    self._bury(worker, number, deaths, deadly.setdefault(number, {}))
                    waiting.appendleft(number)
            watch(
                sum(worker.at[At.FILES] for worker in self._busy()),
                round(sum(worker.at[At.PICTURES] for worker in self._busy())),
            )

    def _busy(self) -> "Iterator[_Worker]":
        return (worker for worker in self._workers if worker is not None and worker.number is not None)

    def _bury(
        self, worker: "_Worker", number: int, deaths: Counter[tuple[int, int]], deadly: dict[int, Deadly]
    ) -> None:
        """Note what a worker died of. Raises EngineError where that is nothing it was given, or too much of it."""
        worker.kill()
        self._workers[self._workers.index(worker)] = None
        path = int(worker.at[At.PATH])
        deaths[number, path] += 1
        if deaths[number, path] < 2:
            return
        if path == At.NOWHERE or sum(count for (shard, _), count in deaths.items() if shard == number) > MOST_DEATHS:
            raise EngineError(
                f"the processes at work end again and again, the last one {worker.death}: is the memory enough for "
                f"{len(self._workers)} at a time (--jobs)? What is finished is kept"
            )
        reason = f"the process that read it {worker.death}, twice; it is left out from here on"
        deadly[path] = Deadly(int(worker.at[At.FRAME]), reason)


class _Worker:
    """One process, seen from outside. `number` is the shard it is at, `death` what became of it."""

    def __init__(self, folder: Path, make: Make) -> None:
        self.number: int | None = None
        self.death: str | None = None
        self.at = _context.RawArray("d", At.COUNT)
        self._pipe, theirs = _context.Pipe()
        self._process = _context.Process(target=_work, args=(folder, make, theirs, self.at), daemon=True)
        with _signals_waiting():
            self._process.start()
        theirs.close()
        self._seen, self._since = list(self.at), time.monotonic()

    @property
    def ends(self) -> list[Any]:
        """What to wait for: an answer or the end."""
        return [self._pipe, self._process.sentinel]

    def give(self, number: int, deadly: dict[int, Deadly]) -> None:
        self.number = number
        self.at[:] = [At.NOWHERE, 0, 0, 0]
        self._since = time.monotonic()
        with suppress(OSError):  # where it is dead already, which `look` sees
            self._pipe.send((number, deadly))

    def look(self) -> Done | None:
        """What it has finished. Raises the error it has met."""
        try:
            if self._pipe.poll():
                answer = self._pipe.recv()
                if isinstance(answer, FerliteError):
                    raise answer
                self.number = None
                self.at[:] = [At.NOWHERE, 0, 0, 0]
                return Done(*answer)
        except (EOFError, ConnectionError):
            self._process.join()
        code = self._process.exitcode
        if code is not None:
            self.death = f"was killed by {_name(-code)}" if code < 0 else f"ended with exit code {code}"
        elif list(self.at) != self._seen:
            self._seen, self._since = list(self.at), time.monotonic()
        elif time.monotonic() - self._since > (patience := START if self.at[At.PATH] == At.NOWHERE else PATIENCE):
            self.death = f"made no step for {patience:g} s"
        return None

    def kill(self) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _work(folder: Path, make: Make, pipe: "connection.Connection", at: Any) -> None:
    """In the process: label what comes through the pipe, until it is closed or the other end is dead."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # Ctrl-C stays with the other end, which kills us
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _hide_native_stderr()
    cv2.setNumThreads(1)
    try:
        labeller = Labeller(folder, make)
        while True:
            number, deadly = pipe.recv()
            pipe.send(labeller(number, deadly, at))
    except EOFError:
        pass
    except FerliteError as error:
        pipe.send(error)
        pipe.poll(None)  # until it has been read


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
    os._exit(1)


def _hide_native_stderr() -> None:
    """What libraries print past Python about damaged pictures is said by our own rows."""
    if sys.stderr is None:
        return
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


@contextmanager
def _signals_waiting() -> Iterator[None]:
    """Signals come when the block is left; processes started in it, which inherit that, are spared Ctrl-C."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _name(number: int) -> str:
    return next((known.name for known in signal.Signals if known == number), f"signal {number}")
