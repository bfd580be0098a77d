"""What ferlite takes from a machine: the time to its first result, its memory, and whether that grows.

    python -m benchmarks.growth --frames 100000

The first result is timed in fresh processes, from `import ferlite` to the faces of a photo of 640×480; the very first
one on a machine also tries the engine out, which is kept. Memory is that of a fresh process with a running `Pipeline`:
pictures of 640×480 with one face come as a camera gives them, each in memory of its own. Targets: 0.5 s, 120 MB, and
nothing that grows from the second quarter of the run to the last.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from tqdm import tqdm

from benchmarks.baselines.tracked import FPS, Pictures, add_step, follower_settings, make_recognizer
from benchmarks.command import print_machine, run
from ferlite import Pipeline, demo, downloads
from ferlite.errors import FerliteError, SettingError
from ferlite.types import Image

START, MEMORY, GROWTH = 0.5, 120.0, 0.5  # the targets: seconds, and MB; less growth than this is noise
COME_AND_GO = (100, 0, 0)  # objects, threads, files: faces and results under way are objects
SAMPLES, LEAST = 200, 20
FIRST = """
import sys, time
began = time.perf_counter()
import ferlite
imported = time.perf_counter()
path, model, yunet = sys.argv[1:]
recognizer = ferlite.Recognizer(model or None, ferlite.YuNetDetector(yunet) if yunet else "haar")
faces = recognizer(ferlite.read_image(path))
print(imported - began, time.perf_counter() - began, len(faces))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_step(parser)
    parser.add_argument("--frames", type=int, default=100_000, help="(default: 100000)")
    parser.add_argument("--starts", type=int, default=9, help="fresh processes (default: 9)")
    parser.add_argument("--output", type=Path, metavar="FILE.json")
    options = parser.parse_args()
    if options.frames < LEAST or options.starts < 1:
        raise SettingError(f"{options.frames} frames, {options.starts} starts; at least {LEAST} and 1 are needed")
    if options.detector == "yunet":  # looked up here: the very first start has a cache of its own
        options.detector_model = options.detector_model or str(downloads.path("yunet"))
    print_machine()
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder, "photo.jpg")
        cv2.imwrite(str(photo), demo.moving_picture(demo.portrait(), 0.0))
        ever = first_result(photo, options, os.environ | {"XDG_CACHE_HOME": folder})[1]
        starts = [first_result(photo, options, dict(os.environ)) for _ in range(options.starts + 1)][1:]
    imports, results = (median(column) for column in zip(*starts, strict=True))
    print(f"import ferlite {imports * 1000:.0f} ms; import and first result {results:.2f} s, median of {len(starts)}")
    print(f"the very first one {ever:.2f} s; target: {START} s, {_met(results <= START)}")
    samples = np.array(watch(options), np.float64)
    quarters = np.array_split(samples[:-1], 4)  # at the last sample all threads have ended
    grown = float(np.median(quarters[3][:, 1]) - np.median(quarters[1][:, 1]))
    print(f"{'frames':>10}{'MB':>8}{'objects':>9}{'threads':>9}{'files':>7}")
    for row in samples[:: max(1, len(samples) // 10)]:
        print(f"{row[0]:10.0f}{row[1]:8.1f}{row[2]:9.0f}{row[3]:9.0f}{row[4]:7.0f}")
    most = float(samples[:, 1].max())
    print(f"resident memory: at most {most:.1f} MB; target: {MEMORY:g} MB, {_met(most <= MEMORY)}")
    steady = grown < GROWTH and bool((samples[-2, 2:] <= quarters[1][0, 2:] + COME_AND_GO).all())
    print(f"from the second to the last quarter of {options.frames} frames its median changed by {grown:+.2f} MB")
    print(f"target: nothing grows, {_met(steady)}")
    if options.output:
        report = {"import_s": imports, "first_result_s": results, "very_first_s": ever, "samples": samples.tolist()}
        options.output.write_text(json.dumps(report, indent=1) + "\n")


def first_result(photo: Path, options: argparse.Namespace, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds of the import, and until the first result, in a process of its own."""
    command = [sys.executable, "-c", FIRST, str(photo), options.model or "", options.detector_model or ""]
    said = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    assert int(said[2]) >= 1, "no face found"
    return float(said[0]), float(said[1])


def watch(options: argparse.Namespace) -> list[list[float]]:
    """Frames, MB, Python objects, threads and open files of a process that runs the pipeline."""
    context = get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(there, options), daemon=True)
    process.start()
    there.close()
    samples = []
    with tqdm(total=options.frames, unit=" frames", leave=False) as bar:
        try:
            while True:
                samples.append(here.recv())
                bar.update(samples[-1][0] - bar.n)
        except EOFError:
            process.join()
    if process.exitcode:
        raise FerliteError(f"the pipeline's process ended with code {process.exitcode}, it says above why")
    return samples


def work(pipe: Connection, options: argparse.Namespace) -> None:
    cv2.setNumThreads(1)
    often = max(1, options.frames // SAMPLES)
    pictures = Pictures(moving_pictures(options.frames))
    with Pipeline(pictures, make_recognizer(options), **follower_settings(options)) as pipeline:
        for number, _ in enumerate(pipeline, start=1):
            if number % often == 0:
                gc.collect()
                files = len(list(Path("/proc/self/fd").iterdir()))
                pipe.send([number, resident(), len(gc.get_objects()), threading.active_count(), files])


def moving_pictures(count: int) -> Iterator[Image]:
    portrait = demo.portrait()
    for number in range(count):
        yield demo.moving_picture(portrait, number / FPS)


def resident() -> float:
    """MB of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _met(is_met: bool) -> str:
    return "met" if is_met else "not met"


if __name__ == "__main__":
    run(main)
