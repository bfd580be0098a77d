"""Contestants in processes of their own, timed in turn on the same blocks of frames, all pinned to one core.

Whatever slows the machine for a while slows all of them, so ratios hold where milliseconds do not.
"""

import json
import os
import random
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from tqdm import tqdm

from benchmarks.baselines.environments import ONE_THREAD, ROOT
from ferlite.errors import EngineError
from ferlite.types import Box, Image


@dataclass(frozen=True)
class Entry:
    """Who takes part: a module of this folder with a `make` that takes `settings`, run by `python`.

    `target` is how many times faster than it ferlite's fastest setting is to be.
    """

    name: str
    python: Path
    module: str
    settings: dict[str, Any] = field(default_factory=dict)
    target: int | None = None


@dataclass
class Times:
    """A contestant's milliseconds and boxes of every frame, by round."""

    entry: Entry
    versions: dict[str, str]
    milliseconds: list[list[float]] = field(default_factory=list)
    boxes: list[list[list[Box]]] = field(default_factory=list)


def race(
    entries: Sequence[Entry], frames: Sequence[Image], block: int, seed: int, core: int, clock: str
) -> list[Times]:
    """Time all on every block of frames, in another order each time; the first block warms up and is left out.

    Raises EngineError where a contestant fails.
    """
    order = random.Random(seed)
    os.sched_setaffinity(0, {core})  # the contestants inherit it, and see one core when they make their threads
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        path = Path(folder, "frames.npy")
        np.save(path, np.stack(frames))
        names = tqdm(entries, "start", leave=False)
        workers = [stack.enter_context(_Worker(entry, path, clock)) for entry in names]
        times = [Times(worker.entry, worker.versions) for worker in workers]
        for first in tqdm(range(0, len(frames) - block + 1, block), "rounds", leave=False):
            for place in order.sample(range(len(workers)), len(workers)):
                milliseconds, boxes = workers[place].run(first, first + block)
                if first:
                    times[place].milliseconds.append(milliseconds)
                    times[place].boxes.append([[Box(*box) for box in faces] for faces in boxes])
    return times


class _Worker:
    def __init__(self, entry: Entry, frames: Path, clock: str) -> None:
        self.entry = entry
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed in __exit__)
        arguments = [entry.module, json.dumps(entry.settings), str(frames), clock]
        self._process = subprocess.Popen(
            [entry.python, "-m", "benchmarks.baselines.worker", *arguments],
            cwd=ROOT,
            env=os.environ | ONE_THREAD,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        try:
            self.versions: dict[str, str] = self._answer()
        except BaseException:
            self.__exit__()
            raise

    def run(self, first: int, last: int) -> tuple[list[float], list[list[list[int]]]]:
        assert self._process.stdin
        with suppress(BrokenPipeError):  # why it ended is said below
            print(json.dumps([first, last]), file=self._process.stdin, flush=True)
        milliseconds, boxes = self._answer()
        return milliseconds, boxes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def _answer(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            self._errors.seek(0)
            said = self._errors.read().strip()[-2000:]
            raise EngineError(f"{self.entry.name}: its process ended with code {code} and said:\n{said}")
        return json.loads(line)
