"""`ferlite bench`: how long each stage takes on this machine."""

import argparse
import json

from ferlite import bench
from ferlite.cli.options import Commands, add_model_options, make_recognizer, whole
from ferlite.detectors import QUICK


def add_to(commands: Commands) -> None:
    bench_parser = commands.add_parser("bench", help="how long each stage takes on this machine")
    bench_parser.add_argument("--source", metavar="FILE", help="a video (default: the demo's moving portrait)")
    bench_parser.add_argument(
        "--frames", type=_enough_frames, default=200, metavar="N", help="frames to time (default: 200)"
    )
    bench_parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    add_model_options(bench_parser)
    bench_parser.set_defaults(command=_bench)


def _bench(options: argparse.Namespace) -> int:
    options.min_face = options.min_face or QUICK
    recognizer = make_recognizer(options)
    report = bench.measure(recognizer, options.threads, options.source, options.frames)
    print(json.dumps(report, indent=2) if options.json else bench.as_text(report))
    return 0


def _enough_frames(text: str) -> int:
    return whole(text, bench.MIN_FRAMES)
