"""ferlite against what a user could pick instead: frames in memory, one thread, one core, all in one run.

    python -m benchmarks.baselines --output race.json

usual   Haar (default cascade, scaleFactor 1.32, minNeighbors 5) on the full frame, Keras `model.predict` for every face
fer     the `fer` package, `FER().detect_emotions(frame)`
hand    YuNet on a 320 pixels wide frame and a network of mini-XCEPTION's shape in LiteRT, one loop
ferlite `ferlite.Follower`, what the pipeline's threads do in one loop, with each of the settings below

The networks of `usual` and `hand` have random weights, which changes nothing about their speed. Each baseline runs in
an environment of its own, made on first use: 10 GB with TensorFlow and what `fer` asks for. The processes take turns
block by block, in another order each round.

A frame counts as found where a face reported as seen in that very frame overlaps the largest face that a thorough
search by YuNet finds in it. Ratios are of medians, with the lowest and the highest of a round; a median leaves out
what is done in a few frames only, as the searches of whole frames are, so the ratios of means stand beside them.
"""

import argparse
import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any

from benchmarks.baselines import environments
from benchmarks.baselines.race import Entry, race
from benchmarks.baselines.report import as_markdown, summary
from benchmarks.baselines.worker import CLOCKS
from benchmarks.command import run
from ferlite import VideoFile, YuNetDetector, demo, device, downloads
from ferlite.errors import SettingError, SourceError
from ferlite.types import Box, Image

TARGETS = {"hand": 5, "fer": 50, "usual": 100}
# settings of tracked.make; "yunet" also gets the path of its file
FERLITE: dict[str, dict[str, Any]] = {
    "haar": {"detector": "haar"},
    "ferlite": {"detector": "ferlite"},
    "ferlite-30-3": {"detector": "ferlite", "search_every": 30, "classify_every": 3},
    "yunet": {"detector": "yunet"},
    "yunet-30": {"detector": "yunet", "search_every": 30},
    "yunet-30-3": {"detector": "yunet", "search_every": 30, "classify_every": 3},
    "yunet-30-3-64": {"detector": "yunet", "search_every": 30, "classify_every": 3, "least": 64},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--baselines", nargs="*", choices=list(TARGETS), default=list(TARGETS), help="(default: all)")
    parser.add_argument("--settings", nargs="+", choices=FERLITE, default=FERLITE, help="of ferlite (default: all)")
    parser.add_argument("--rounds", type=int, default=10, help="(default: 10)")
    parser.add_argument("--block", type=int, default=30, help="frames in a row (default: 30)")
    parser.add_argument("--seed", type=int, default=1, help="of the order (default: 1)")
    cores = sorted(os.sched_getaffinity(0))
    parser.add_argument("--core", type=int, choices=cores, default=cores[-1], help="(default: the last)")
    parser.add_argument(
        "--clock", choices=CLOCKS, default="wall", help="cpu: for a machine that is not idle (default: wall)"
    )
    parser.add_argument("--video", type=Path, help="(default: the demo's moving portrait)")
    parser.add_argument("--yunet", type=Path, metavar="FILE", help="YuNet's file (default: the pulled one)")
    parser.add_argument(
        "--envs", type=Path, default=environments.FOLDER, metavar="FOLDER", help="(default: %(default)s)"
    )
    parser.add_argument("--output", type=Path, metavar="FILE.json", help="the report; the table goes beside it as .md")
    options = parser.parse_args()
    if options.rounds < 1 or options.block < 1:
        raise SettingError(f"{options.rounds} rounds of {options.block} frames; both have to be 1 or more")
    yunet = (options.yunet or downloads.path("yunet")).resolve()
    thorough = YuNetDetector(yunet)
    machine = device.describe()  # before the race, which leaves this process one core
    taking_part = entries(options, str(yunet))
    frames = pictures(options.video, (options.rounds + 1) * options.block)
    times = race(taking_part, frames, options.block, options.seed, options.core, options.clock)
    truth = [largest(thorough, frame) for frame in frames[options.block :]]
    report = {
        "command": f"python -m benchmarks.baselines {shlex.join(sys.argv[1:])}".strip(),
        "machine": machine,
        "source": str(options.video or "the demo's moving portrait"),
        "size": f"{frames[0].shape[1]}x{frames[0].shape[0]}",
        "frames": options.rounds * options.block,
        "with_face": len(truth) - truth.count(None),
        "rounds": options.rounds,
        "seed": options.seed,
        "core": options.core,
        "threads": 1,
        "clock": options.clock,
        "load": os.getloadavg()[0],
        "contestants": summary(times, truth),
    }
    print(as_markdown(report))
    if options.output:
        options.output.write_text(json.dumps(report, indent=1) + "\n")
        options.output.with_suffix(".md").write_text(as_markdown(report) + "\n")


def entries(options: argparse.Namespace, yunet: str) -> list[Entry]:
    """The contestants, their environments made."""
    found = []
    for name in options.settings:
        own = FERLITE[name]
        title = ", ".join(["ferlite", own["detector"], *(f"{key}={own[key]}" for key in own if key != "detector")])
        files = {"detector_model": yunet} if own["detector"] == "yunet" else {}
        found.append(Entry(title, Path(sys.executable), "tracked", own | files))
    for name in options.baselines:
        python = environments.python(name, options.envs)
        module, settings = name, {}
        if name == "fer":
            module = "fer_package"  # `fer` would hide the package itself
        elif name == "hand":
            settings = {"detector": yunet, "network": str(environments.network("mini_xception", options.envs))}
        found.append(Entry(name, python, module, settings, TARGETS[name]))
    return found


def pictures(video: Path | None, count: int) -> list[Image]:
    if video is None:
        portrait = demo.portrait()
        return [demo.moving_picture(portrait, number / demo.FPS) for number in range(count)]
    with VideoFile(video) as source:
        frames = [frame.image for _, frame in zip(range(count), source, strict=False)]
    if len(frames) < count:
        raise SourceError(f"{video}: {len(frames)} frames, {count} are needed; lower --rounds or --block")
    return frames


def largest(detector: YuNetDetector, frame: Image) -> Box | None:
    boxes = [found.box for found in detector(frame)]
    return max(boxes, key=lambda box: box.w * box.h, default=None)


if __name__ == "__main__":
    run(main)
