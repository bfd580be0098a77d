"""All measurements that have a target, one after the other, in one report: what is aimed at, and what was measured.

    python -m benchmarks.targets --yunet face_detection_yunet_2023mar.onnx --photos photos/ --faces faces/ \\
        --fer2013 fer2013.csv.zip --output benchmarks/reports/

The machine should have nothing else to do. With `--quick` each one runs for seconds, to see that it works. What needs
pictures that are not given is left out; `--only` measures what has these words in its title.
"""

import argparse
import datetime
import re
import shlex
import string
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tqdm import tqdm

from benchmarks.command import run
from ferlite import device
from ferlite.errors import OutputError

# by title: the module to run with its arguments, and what a quick run changes, None where there is no quick one;
# {yunet}, {photos}, {faces} and {fer2013} are the user's files, {scratch} is a folder
MEASUREMENTS = {
    "Against what could be used instead": (
        "benchmarks.baselines --yunet {yunet}",
        "--baselines --settings haar --rounds 1 --block 4",
    ),
    "Overhead": ("benchmarks.overhead", "--frames 20 --block 10 --rounds 1"),
    "Overhead, YuNet": (
        "benchmarks.overhead --detector yunet --detector-model {yunet}",
        "--frames 20 --block 10 --rounds 1",
    ),
    "Share of the int8 peak": ("benchmarks.peak", None),
    "More faces, pixels and threads": ("benchmarks.scaling", "--frames 8 --block 4 --rounds 1 --video-frames 20"),
    "More faces, pixels and threads, YuNet": (
        "benchmarks.scaling --detector yunet --detector-model {yunet}",
        "--frames 8 --block 4 --rounds 1 --video-frames 20",
    ),
    "Start, memory and growth": (
        "benchmarks.growth --detector yunet --detector-model {yunet}",
        "--frames 20 --starts 1",
    ),
    "Age of frames": ("benchmarks.frame_age", "--seconds 3"),
    "Face detectors: faces found and false boxes": (
        "export evaluate-detector haar ferlite yunet={yunet} --data {faces} --output {scratch}/detectors",
        None,
    ),
    "Face detectors: photos, and time by turns": (
        "benchmarks.detectors --photos {photos} --yunet {yunet} --race",
        None,
    ),
    "Face detectors: emotions on their crops": (
        "benchmarks.found_crops --data {fer2013} --faces {faces} --yunet {yunet}",
        None,
    ),
    "Face detectors: the whole loop": (
        "benchmarks.baselines --yunet {yunet} --baselines hand --settings ferlite ferlite-30-3 yunet-30-3 --clock cpu",
        None,
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yunet", required=True, metavar="FILE", help="YuNet's file")
    parser.add_argument("--photos", metavar="FOLDER", help="annotated photos, as for benchmarks.detectors")
    parser.add_argument("--faces", metavar="FOLDER", help="pictures with boxes, as for evaluate-detector")
    parser.add_argument("--fer2013", metavar="FILE", help="the data")
    parser.add_argument("--only", metavar="WORDS", default="", help="in the titles of what to measure")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="where to write the report (default: print it)")
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes; measures nothing of worth")
    options = parser.parse_args()
    if options.output and not options.output.is_dir():
        raise OutputError(f"{options.output}: no such folder")
    machine = device.describe()
    parts = []
    given = {name: getattr(options, name) for name in ("yunet", "photos", "faces", "fer2013")}
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch, "out")
        out.mkdir()
        files = {name: path for name, path in given.items() if path is not None} | {"scratch": str(out)}
        for title, (line, quick) in tqdm(MEASUREMENTS.items(), unit="measurement", disable=None):
            needed = {name for _, name, _, _ in string.Formatter().parse(line) if name}
            if options.only in title and needed <= set(files) and not (options.quick and quick is None):
                parts.append(part(title, f"{line} {quick}" if options.quick else line, files))
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    head = f"# Targets, {today}\n\n" + ", ".join(f"{name} {value}" for name, value in machine.items())
    report = "\n\n".join([head, *parts]) + "\n"
    if options.output is None:
        print(report)
        return
    path = options.output / f"{today}-{commit()}-{re.sub('[^A-Za-z0-9]+', '-', machine['board'])}-targets.md"
    path.write_text(report, encoding="utf-8")
    print(path)


def part(title: str, command: str, files: Mapping[str, str]) -> str:
    """Run `command` on the `files` by name; returns what it said, under the title."""
    arguments = shlex.split(command.format_map({name: shlex.quote(path) for name, path in files.items()}))
    done = subprocess.run([sys.executable, "-m", *arguments], stdout=subprocess.PIPE)
    shown = command.format_map({name: Path(path).name for name, path in files.items()})
    if done.returncode != 0:
        raise OutputError(f"python -m {shown}: failed with exit code {done.returncode}")
    said = done.stdout.decode().strip()
    for path in files.values():
        said = said.replace(path, Path(path).name)
    return f"## {title}\n\n`python -m {shown}`\n\n```\n{said}\n```"


def commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    run(main)
