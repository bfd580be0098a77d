"""What the tracked step costs on top of the detector's and the engine's own calls: the target is at most 10 %.

    python -m benchmarks.overhead --detector yunet

A first pass over the frames notes every call that ferlite makes to OpenCV's detector and to the interpreter of the
engine, with its inputs. Then the whole step and these calls alone take turns, block by block, in one thread.
"""

import argparse
import copy
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import cv2

from benchmarks.baselines.tracked import TrackedStep, add_step, follower_settings, make_step
from benchmarks.baselines.worker import CLOCKS
from benchmarks.command import print_machine, run
from ferlite import demo
from ferlite.types import Image

Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]
MOST = 1.1  # the target


class Recorder:
    """Stands in front of an object and notes in `calls` what is called, with copies of the arguments."""

    def __init__(self, real: Any, calls: list[Call]) -> None:
        self._real, self._calls = real, calls

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._real, name)

        def noting(*arguments: Any, **named: Any) -> Any:
            self._calls.append((method, copy.deepcopy(arguments), copy.deepcopy(named)))
            return method(*arguments, **named)

        return noting


@contextmanager
def recording(calls: list[Call]) -> Iterator[None]:
    """Detectors and LiteRT interpreters made inside note their calls."""
    from ai_edge_litert import interpreter

    cascade, engine, network = cv2.CascadeClassifier, interpreter.Interpreter, cv2.FaceDetectorYN

    class Network:
        @staticmethod
        def create(*arguments: Any, **named: Any) -> Recorder:
            return Recorder(network.create(*arguments, **named), calls)

    with (
        patch.object(cv2, "CascadeClassifier", lambda *a, **k: Recorder(cascade(*a, **k), calls)),
        patch.object(cv2, "FaceDetectorYN", Network),
        patch.object(interpreter, "Interpreter", lambda *a, **k: Recorder(engine(*a, **k), calls)),
    ):
        yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_step(parser)
    parser.add_argument("--frames", type=int, default=300, help="(default: 300)")
    parser.add_argument("--block", type=int, default=30, help="(default: 30)")
    parser.add_argument("--rounds", type=int, default=3, help="times the frames are gone through (default: 3)")
    parser.add_argument("--seed", type=int, default=1, help="of the order (default: 1)")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: for a machine that is not idle")
    parser.add_argument("--output", type=Path, metavar="FILE.json")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    print_machine()
    portrait = demo.portrait()
    frames = [demo.moving_picture(portrait, number / demo.FPS) for number in range(options.frames)]

    report = compare(
        partial(make_step, options),
        frames,
        options.block,
        options.rounds,
        random.Random(options.seed),
        CLOCKS[options.clock],
    )
    print(f"{options.detector}, {follower_settings(options)}, {options.frames} frames, {options.rounds} rounds")
    for name, figures in report.items():
        print(f"{name:16}" + "".join(f"{key} {value:8.4f}   " for key, value in figures.items()))
    met = "met" if report["ratio"]["median"] <= MOST else "not met"
    print(f"target: at most {MOST} times the bare calls, {met}")
    if options.output:
        options.output.write_text(json.dumps(report, indent=1) + "\n")


def compare(
    step: Callable[[], TrackedStep],
    frames: list[Image],
    block: int,
    rounds: int,
    order: random.Random,
    now: Callable[[], float],
) -> dict[str, dict[str, float]]:
    """Milliseconds a frame of the whole step and of its bare calls, and their ratio with the spread over blocks."""
    whole_ms: list[list[float]] = []
    bare_ms: list[list[float]] = []
    for _ in range(rounds):
        whole, bare = step(), record(step, frames)
        for first in range(0, len(frames), block):
            for turn in order.sample(("whole", "bare"), 2):
                if turn == "whole":
                    whole_ms.append(timed(whole, frames[first : first + block], now))
                else:
                    bare_ms.append(timed(replay, bare[first : first + block], now))
    flat_whole, flat_bare = list(chain(*whole_ms)), list(chain(*bare_ms))
    ratios = [median(a) / median(b) for a, b in zip(whole_ms, bare_ms, strict=True)]
    return {
        "whole step, ms": {"median": median(flat_whole), "mean": sum(flat_whole) / len(flat_whole)},
        "bare calls, ms": {"median": median(flat_bare), "mean": sum(flat_bare) / len(flat_bare)},
        "ratio": {
            "median": median(flat_whole) / median(flat_bare),
            "mean": sum(flat_whole) / sum(flat_bare),
            "lowest": min(ratios),
            "highest": max(ratios),
        },
    }


def record(step: Callable[[], TrackedStep], frames: list[Image]) -> list[list[Call]]:
    """The calls of every frame."""
    calls: list[Call] = []
    with recording(calls):
        noting = step()
    result = []
    for frame in frames:
        calls.clear()
        noting(frame)
        result.append(list(calls))
    return result


def replay(calls: list[Call]) -> None:
    for method, arguments, named in calls:
        method(*arguments, **named)


def timed(work: Callable[[Any], Any], inputs: list[Any], now: Callable[[], float]) -> list[float]:
    spent = []
    for one in inputs:
        began = now()
        work(one)
        spent.append((now() - began) * 1000)
    return spent


if __name__ == "__main__":
    run(main)
