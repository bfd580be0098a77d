"""Whether anything grows while ferlite runs for a very long time.

    python -m benchmarks.reliability.soak unpaced --frames 1000000 --output soak-unpaced
    python -m benchmarks.reliability.soak paced --frames 1000000 --fps 400 --output soak-paced

A process of its own runs a `Pipeline` with an outcome for every frame written as JSON Lines to nowhere. `unpaced`
feeds it pictures as fast as it takes them, each in memory of its own, as a file does; `paced` reads them as a camera's
MJPEG stream over HTTP from another process. One face is there most of the time, and for a twelfth of it none, so
that tracks begin and end. Sampled are resident memory, threads, open files, child processes and the age of the frames;
the first tenth counts as warming up. Flat is what the slope of a straight line through the rest says: less than 1 KB of
memory for 1,000 frames, where there are 100,000 or more, and no thread, file or child more than before. Writes
OUTPUT.json and the plot OUTPUT.svg.
"""

import argparse
import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from tqdm import tqdm

from benchmarks.baselines.tracked import Pictures
from benchmarks.command import add_detector, make_detector, print_machine, run
from benchmarks.growth import resident
from benchmarks.mjpeg import MjpegServer
from ferlite import Camera, JsonLines, Pipeline, Recognizer, demo, device
from ferlite.capture import Source
from ferlite.errors import FerliteError, SettingError
from ferlite.types import Image

SAMPLES = 400
WARM = 0.1  # part of the run
STEEPEST = 1.0  # KB of memory for 1,000 frames
JUDGED = 100_000  # frames from which on memory is judged: of 2,000 the slope was 117, all of it warming up
CYCLE = 360  # pictures that come again and again
GONE = 30  # of them without a face


class Sample(NamedTuple):
    frames: int
    seconds: float
    memory: float  # MB
    threads: int
    files: int
    children: int
    age: float  # ms, the median since the last sample
    oldest: float  # ms, likewise


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", choices=("unpaced", "paced"))
    parser.add_argument("--frames", type=int, default=1_000_000, help="(default: 1000000)")
    parser.add_argument("--fps", type=float, default=30.0, help="of the paced stream (default: 30)")
    parser.add_argument("--size", type=int, nargs=2, default=(320, 240), metavar=("W", "H"), help="(default: 320 240)")
    parser.add_argument("--output", type=Path, metavar="NAME", help="write NAME.json and NAME.svg")
    add_detector(parser)
    options = parser.parse_args()
    if options.frames < 100:
        raise SettingError(f"{options.frames} frames; at least 100 are needed")
    print_machine()
    samples = watch(options)
    print(f"{'frames':>10}{'seconds':>9}{'MB':>8}{'threads':>9}{'files':>7}{'children':>9}{'age':>8}{'oldest':>8}")
    for sample in samples[:: max(1, len(samples) // 12)]:
        print("{:10d}{:9.0f}{:8.1f}{:9d}{:7d}{:9d}{:8.2f}{:8.1f}".format(*sample))
    slope, faults = verdict(samples)
    target = f"target: below {STEEPEST:g}" if samples[-1].frames >= JUDGED else f"not judged below {JUDGED:,} frames"
    print(f"memory: {slope:+.3f} KB for 1,000 frames, by {len(samples)} samples; {target}")
    if options.output:
        report = {"machine": device.describe(), "options": {k: str(v) for k, v in vars(options).items()}}
        report |= {"slope_kb_per_1000_frames": slope, "faults": faults, "samples": [s._asdict() for s in samples]}
        options.output.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        plot(samples, slope, options.output.with_suffix(".svg"))
    if faults:
        raise FerliteError("; ".join(faults))
    print("nothing grows" if samples[-1].frames >= JUDGED else "nothing else grows")


def verdict(samples: list[Sample]) -> tuple[float, list[str]]:
    """The slope of the memory in KB for 1,000 frames once warm, and what has grown, in words."""
    warm = [sample for sample in samples if sample.frames >= WARM * samples[-1].frames]
    slope = float(np.polyfit([s.frames for s in warm], [s.memory for s in warm], 1)[0]) * 1e6
    grows = slope >= STEEPEST and samples[-1].frames >= JUDGED
    faults = [f"memory grows by {slope:.3f} KB for 1,000 frames"] if grows else []
    for name in ("threads", "files", "children"):
        first, last = getattr(warm[0], name), max(getattr(sample, name) for sample in warm)
        if last > first:
            faults.append(f"{name} grew from {first} to {last}")
    quarters = np.array_split([sample.age for sample in warm], 4)
    if np.median(quarters[3]) > 2 * np.median(quarters[0]) + 1:
        faults.append(
            f"the age of the frames grew from {np.median(quarters[0]):.1f} to {np.median(quarters[3]):.1f} ms"
        )
    return slope, faults


def watch(options: argparse.Namespace) -> list[Sample]:
    """The samples of a process that runs the pipeline."""
    context = get_context("spawn")
    here, there = context.Pipe(duplex=False)
    url, server = None, None
    if options.source == "paced":
        server_here, server_there = context.Pipe(duplex=False)
        server = context.Process(target=serve, args=(server_there, options.fps, tuple(options.size)), daemon=True)
        server.start()
        url = server_here.recv()
    process = context.Process(target=work, args=(there, url, options), daemon=True)
    process.start()
    there.close()
    samples: list[Sample] = []
    try:
        with tqdm(total=options.frames, unit="frame", unit_scale=True, disable=None, leave=False) as bar:
            while True:
                samples.append(here.recv())
                bar.update(samples[-1].frames - bar.n)
    except EOFError:
        process.join()
    finally:
        if server is not None:
            server.terminate()
    if process.exitcode or len(samples) < 3:
        raise FerliteError(f"the pipeline's process ended with code {process.exitcode}, it says above why")
    return samples


def work(pipe: Connection, url: str | None, options: argparse.Namespace) -> None:
    cv2.setNumThreads(1)
    often, began = max(1, options.frames // SAMPLES), time.monotonic()
    source: Source = Camera(url) if url else Pictures(pictures(tuple(options.size)))
    recognizer = Recognizer(detector=make_detector(options))
    ages: list[float] = []
    with Pipeline(source, recognizer) as pipeline, JsonLines(os.devnull) as lines:
        for number, result in enumerate(itertools.islice(pipeline, options.frames), start=1):
            lines.write(result)
            ages.append(1000 * result.latency)
            if number % often == 0:
                pipe.send(_sample(number, time.monotonic() - began, ages))
                ages.clear()


def serve(pipe: Connection, fps: float, size: tuple[int, int]) -> None:
    parts = [cv2.imencode(".jpg", picture)[1].tobytes() for picture in _cycle(size)]
    parent = os.getppid()
    with MjpegServer(lambda number: parts[number % CYCLE], fps) as server:
        pipe.send(server.url)
        while os.getppid() == parent:  # it is terminated, or its parent was killed
            time.sleep(1)


def pictures(size: tuple[int, int]) -> Iterator[Image]:
    for picture in itertools.cycle(_cycle(size)):  # without an end: at that, memory falls
        yield picture.copy()


def plot(samples: list[Sample], slope: float, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 7), layout="constrained")
    rows = figure.subplots(3, 1, sharex=True)
    frames = [sample.frames / 1000 for sample in samples]
    memory = [sample.memory for sample in samples]
    rows[0].plot(frames, memory, lw=1)
    rows[0].set(ylabel="resident memory, MB", title=f"{slope:+.3f} KB for 1,000 frames once warm")
    rows[0].set(ylim=(0, 1.2 * max(memory)))
    for name in ("threads", "files", "children"):
        rows[1].plot(frames, [getattr(sample, name) for sample in samples], lw=1, label=name)
    rows[1].set(ylabel="count", ylim=(-0.5, None))
    rows[1].legend(loc="center right")
    rows[2].plot(frames, [sample.age for sample in samples], lw=1, label="median")
    rows[2].plot(frames, [sample.oldest for sample in samples], lw=0.7, alpha=0.6, label="oldest")
    rows[2].set(ylabel="age of a frame, ms", xlabel="frames, thousands", yscale="log")
    rows[2].legend(loc="upper right")
    for axes in rows:
        axes.axvspan(0, WARM * frames[-1], color="0.93")
        axes.grid(alpha=0.3)
    figure.savefig(path)


def _sample(frames: int, seconds: float, ages: list[float]) -> Sample:
    files = len(list(Path("/proc/self/fd").iterdir()))
    children = len(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())
    age, oldest = float(np.median(ages)), max(ages)
    return Sample(frames, seconds, resident(), threading.active_count(), files, children, age, oldest)


def _cycle(size: tuple[int, int]) -> list[Image]:
    portrait = demo.portrait()
    made = [cv2.resize(demo.moving_picture(portrait, number / 30), size) for number in range(CYCLE - GONE)]
    return [*made, *[np.full_like(made[0], 90)] * GONE]


if __name__ == "__main__":
    sys.exit(run(main))
