"""All measurements that have a target, one after the other, in one report: what is aimed at, and what was measured.

    python -m benchmarks.targets --yunet face_detection_yunet_2023mar.onnx --output benchmarks/reports/

The machine should have nothing else to do. With `--quick` each one runs for seconds, to see that it works.
"""

import argparse
import datetime
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tqdm import tqdm

from benchmarks.command import run
from ferlite import device
from ferlite.errors import OutputError

# by title: what to run, and what a quick run changes; {yunet} is YuNet's file
MEASUREMENTS = {
    "Against what could be used instead": (
        "baselines --yunet {yunet}",
        "--baselines --settings haar --rounds 1 --block 4",
    ),
    "Overhead, Haar": ("overhead", "--frames 20 --block 10 --rounds 1"),
    "Overhead, YuNet": ("overhead --detector yunet --detector-model {yunet}", "--frames 20 --block 10 --rounds 1"),
    "Share of the int8 peak": ("peak", None),
    "More faces, pixels and threads, Haar": ("scaling", "--frames 8 --block 4 --rounds 1 --video-frames 20"),
    "More faces, pixels and threads, YuNet": (
        "scaling --detector yunet --detector-model {yunet}",
        "--frames 8 --block 4 --rounds 1 --video-frames 20",
    ),
    "Start, memory and growth": ("growth --detector yunet --detector-model {yunet}", "--frames 20 --starts 1"),
    "Age of frames": ("frame_age", "--seconds 3"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yunet", required=True, metavar="FILE", help="YuNet's file")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="where to write the report (default: print it)")
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes; measures nothing of worth")
    options = parser.parse_args()
    if options.output and not options.output.is_dir():
        raise OutputError(f"{options.output}: no such folder")
    machine = device.describe()
    parts = []
    for title, (line, quick) in tqdm(MEASUREMENTS.items(), unit="measurement", disable=None):
        if options.quick and quick is None:
            continue  # needs TensorFlow once, to make what it measures
        command = f"{line} {quick}" if options.quick else line
        parts.append(part(title, command, options.yunet))
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    head = f"# Targets, {today}\n\n" + ", ".join(f"{name} {value}" for name, value in machine.items())
    report = "\n\n".join([head, *parts]) + "\n"
    if options.output is None:
        print(report)
        return
    path = options.output / f"{today}-{commit()}-{re.sub('[^A-Za-z0-9]+', '-', machine['board'])}-targets.md"
    path.write_text(report, encoding="utf-8")
    print(path)


def part(title: str, command: str, yunet: str) -> str:
    arguments = shlex.split(command.format(yunet=shlex.quote(yunet)))
    done = subprocess.run([sys.executable, "-m", f"benchmarks.{arguments[0]}", *arguments[1:]], stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise OutputError(f"python -m benchmarks.{command}: failed with exit code {done.returncode}")
    said = done.stdout.decode().strip().replace(yunet, Path(yunet).name)
    return f"## {title}\n\n`python -m benchmarks.{command.format(yunet=Path(yunet).name)}`\n\n```\n{said}\n```"


def commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    run(main)
