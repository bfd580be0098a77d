"""How ferlite's time grows with faces and pixels, and what a second thread brings.

    python -m benchmarks.scaling --detector yunet

faces   the tracked step on drawn scenes of 640×480 with 1 to 3 faces of one size, and 4 to 7 smaller ones: the cost of
        one more face is the slope of the medians. Target: at most 1.1 times its own classification.
pixels  the same scene with one face in 1920×1080 against 640×480. Target: at most 1.6 times.
threads `Pipeline` over a video file against the same work in one loop, with one thread for the engine and OpenCV, and
        with two. Target: two threads bring 1.6 times as many frames a second as the loop with one.

All that is compared takes turns in one process, in another order each round; ratios are of medians.
"""

import argparse
import json
import os
import random
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OPENCV_FFMPEG_THREADS", "1")  # or decoding a video takes all cores itself

import cv2
import numpy as np
from tqdm import tqdm

from benchmarks.baselines.tracked import FPS, TrackedStep, add_step, follower_settings, make_recognizer, make_step
from benchmarks.baselines.worker import CLOCKS
from benchmarks.command import print_machine, run
from ferlite import Pipeline, Recognizer, VideoFile, synthetic
from ferlite.errors import OutputError
from ferlite.types import Image

SMALL, LARGE = (640, 480), (1920, 1080)
SIZES = ((1, 2, 3), (4, 5, 6, 7))  # numbers of faces that are drawn in one size
ONE_MORE, PIXELS, THREADS = 1.1, 1.6, 1.6  # the targets

Work = tuple[Callable[[Any], Any], Sequence[Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_step(parser)
    parser.add_argument("--only", choices=("faces", "pixels", "threads"), help="(default: all three)")
    parser.add_argument("--frames", type=int, default=60, help="of each scene (default: 60)")
    parser.add_argument("--block", type=int, default=20, help="frames in a row (default: 20)")
    parser.add_argument("--rounds", type=int, default=5, help="times the frames are gone through (default: 5)")
    parser.add_argument("--video-frames", type=int, default=600, help="of the video file (default: 600)")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="of faces and pixels (default: wall)")
    parser.add_argument("--output", type=Path, metavar="FILE.json")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    print_machine()
    print(f"{options.detector}, {follower_settings(options)}")
    measurements = {"faces": by_faces, "pixels": by_pixels, "threads": by_threads}
    chosen = [options.only] if options.only else list(measurements)
    report = {name: measurements[name](options) for name in chosen}
    if options.output:
        options.output.write_text(json.dumps(report, indent=1) + "\n")


def by_faces(options: argparse.Namespace) -> dict[str, Any]:
    work: dict[str, Work] = {}
    counted: dict[str, list[int]] = {}
    for faces in chain(*SIZES):
        counted[f"{faces} faces"] = []
        frames = scenes(options.frames, faces, SMALL)
        work[f"{faces} faces"] = (_counting(make_step(options), counted[f"{faces} faces"]), frames)
        if faces in (SIZES[0][0], SIZES[1][0]):
            work[f"classifying 1 of {faces}"] = classifying(make_recognizer(options), frames)
    spent = in_turns(work, options)
    milliseconds = {name: median(chain(*blocks)) for name, blocks in spent.items()}
    print("\nfaces")
    for name, value in milliseconds.items():
        found = f"{np.mean(counted[name]):8.2f} found" if name in counted else ""
        print(f"  {name:20}{value:8.3f} ms{found}")
    report: dict[str, Any] = {"milliseconds": milliseconds}
    for numbers in SIZES:
        own = spent[f"classifying 1 of {numbers[0]}"]
        costs = [slope(numbers, [spent[f"{n} faces"][i] for n in numbers]) / median(own[i]) for i in range(len(own))]
        more = slope(numbers, [list(chain(*spent[f"{n} faces"])) for n in numbers])
        ratio = more / milliseconds[f"classifying 1 of {numbers[0]}"]
        report[f"one more of {numbers[0]} to {numbers[-1]}"] = {"ms": more, "ratio": ratio}
        print(f"  one more face of {numbers[0]} to {numbers[-1]}: {more:.3f} ms, {ratio:.2f} times its classification "
              f"({min(costs):.2f} … {max(costs):.2f}); target: {ONE_MORE}, {_met(ratio <= ONE_MORE)}")  # fmt: skip
    return report


def by_pixels(options: argparse.Namespace) -> dict[str, Any]:
    work: dict[str, Work] = {}
    for size in (SMALL, LARGE):
        work[f"{size[0]}x{size[1]}"] = (make_step(options), scenes(options.frames, 1, size))
    spent = in_turns(work, options)
    small, large = spent.values()
    ratio = median(chain(*large)) / median(chain(*small))
    means = float(np.mean(large) / np.mean(small))
    print("\npixels")
    for name, blocks in spent.items():
        print(f"  {name:12}{median(chain(*blocks)):8.3f} ms, mean {np.mean(blocks):.3f} ms")
    print(f"  {ratio:.2f} times ({_spread(large, small)}), of means {means:.2f}; "
          f"target: at most {PIXELS}, {_met(ratio <= PIXELS)}")  # fmt: skip
    return {"ratio": ratio, "ratio_of_means": means}


def by_threads(options: argparse.Namespace) -> dict[str, Any]:
    recognizers = {threads: make_recognizer(options, threads) for threads in (1, 2)}
    ways: dict[str, tuple[Callable[[Path, Recognizer, dict[str, Any]], int], int]] = {
        "loop, 1 thread": (loop, 1),
        "loop, 2 threads": (loop, 2),
        "Pipeline, 1 thread": (pipeline, 1),
        "Pipeline, 2 threads": (pipeline, 2),
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    order = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "scene.mp4")
        write_video(path, options.video_frames)
        for number in tqdm(range(options.rounds + 1), "threads", leave=False):
            for name in order.sample(list(ways), len(ways)):
                way, threads = ways[name]
                cv2.setNumThreads(threads)
                began = time.perf_counter()
                frames = way(path, recognizers[threads], follower_settings(options))
                if number:  # the first round warms up
                    spent[name].append((time.perf_counter() - began) / frames)
    cv2.setNumThreads(1)
    print("\nthreads of the engine and of OpenCV; `Pipeline` has two of its own")
    alone = spent["loop, 1 thread"]
    ratios = {}
    for name, seconds in spent.items():
        each = [a / b for a, b in zip(alone, seconds, strict=True)]
        ratios[name] = median(alone) / median(seconds)
        print(f"  {name:22}{median(seconds) * 1000:8.3f} ms a frame, {ratios[name]:.2f} times as fast as the first "
              f"({min(each):.2f} … {max(each):.2f})")  # fmt: skip
    best = max(ratios["Pipeline, 1 thread"], ratios["Pipeline, 2 threads"])
    print(f"  target: at least {THREADS} times, {_met(best >= THREADS)}")
    return {"milliseconds": {name: median(seconds) * 1000 for name, seconds in spent.items()}, "ratios": ratios}


def loop(path: Path, recognizer: Recognizer, settings: dict[str, Any]) -> int:
    """One pass over a video; gives its number of frames."""
    step = TrackedStep(recognizer, **settings)
    with VideoFile(path) as source:
        for frame in source:
            step(frame.image)
    return source.seen


def pipeline(path: Path, recognizer: Recognizer, settings: dict[str, Any]) -> int:
    with Pipeline(path, recognizer, **settings) as results:
        return sum(1 for _ in results)


def write_video(path: Path, frames: int) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), FPS, SMALL)
    if not writer.isOpened():
        raise OutputError(f"{path}: OpenCV cannot write this video")
    for number in range(frames):
        writer.write(synthetic.scene(number / FPS, 1, SMALL))
    writer.release()


def scenes(count: int, faces: int, size: tuple[int, int]) -> list[Image]:
    return [synthetic.scene(number / FPS, faces, size) for number in range(count)]


def classifying(recognizer: Recognizer, frames: list[Image]) -> Work:
    """The classification of the largest face of each frame, alone; of frames where the detector finds one."""
    inputs = [(frame, found[:1]) for frame in frames if (found := recognizer.detect(frame))]
    return (lambda one: recognizer.classifier.predict_faces(*one)), inputs


def in_turns(work: Mapping[str, Work], options: argparse.Namespace) -> dict[str, list[list[float]]]:
    """Milliseconds by block: each work on a block of its inputs, then the next; the first round warms up."""
    now, order = CLOCKS[options.clock], random.Random(1)
    spent: dict[str, list[list[float]]] = {name: [] for name in work}
    for number in tqdm(range(options.rounds + 1), "rounds", leave=False):
        for first in range(0, options.frames - options.block + 1, options.block):
            for name in order.sample(list(work), len(work)):
                do, inputs = work[name]
                block = []
                for place in range(first, first + options.block):
                    began = now()
                    do(inputs[place % len(inputs)])
                    block.append((now() - began) * 1000)
                if number:
                    spent[name].append(block)
    return spent


def slope(numbers: Sequence[int], milliseconds: Sequence[list[float]]) -> float:
    """Milliseconds more for each further one."""
    return float(np.polyfit(numbers, [median(values) for values in milliseconds], 1)[0])


def _counting(step: TrackedStep, counts: list[int]) -> Callable[[Image], None]:
    return lambda image: counts.append(len(step(image)))


def _spread(some: list[list[float]], others: list[list[float]]) -> str:
    ratios = [median(a) / median(b) for a, b in zip(some, others, strict=True)]
    return f"{min(ratios):.2f} … {max(ratios):.2f}"


def _met(is_met: bool) -> str:
    return "met" if is_met else "not met"


if __name__ == "__main__":
    run(main)
