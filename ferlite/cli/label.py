"""`ferlite label`: one table of all faces in very many pictures and videos."""

import argparse
import functools
import sys
import time
from contextlib import nullcontext

from tqdm import tqdm

from ferlite.cli.options import (
    Commands,
    add_model_options,
    make_recognizer,
    native_stderr_hidden,
    positive_int,
    thread_count,
)
from ferlite.cli.progress import progress_bar
from ferlite.labelling import Progress, Summary, label


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "label", help="a table of all faces in a folder of pictures and videos, by all cores or a cluster"
    )
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="folder, with all below it, pattern, video, or text file with one path a line",
    )
    parser.add_argument(
        "--output",
        required=True,
        metavar="FILE.parquet",
        help="the table: one row a face, and one for each picture without; the same command goes on after an "
        "interruption",
    )
    parser.add_argument("--jobs", type=thread_count, metavar="N", help="processes (default: one for each core)")
    parser.add_argument(
        "--every", type=positive_int, default=1, metavar="N", help="take every N-th frame of videos (default: 1)"
    )
    parser.add_argument("--restart", action="store_true", help="label all anew, whatever is there")
    parser.add_argument(
        "--as-listed",
        action="store_true",
        help="go on with the files that were listed when it began, whatever has come and gone since",
    )
    parser.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="let a Ray cluster do it: auto, HOST:PORT or ray://HOST:PORT; its nodes have to see the same files",
    )
    add_model_options(parser)
    parser.set_defaults(command=_label)


def _label(options: argparse.Namespace) -> int:
    options.backend = make_recognizer(options).classifier.backend  # chosen once, not in each process
    with native_stderr_hidden() if options.ray else nullcontext(), _Bar() as bar:  # Ray says there what is raised too
        summary = label(
            options.source,
            options.output,
            functools.partial(make_recognizer, options),
            options.jobs,
            options.every,
            options.restart,
            options.as_listed,
            options.ray,
            bar,
        )
    _sum_up(summary, options.output)
    return 1 if summary.unreadable else 0


class _Bar:
    """How far it is, with the time that is left; and where it goes on, in words."""

    def __init__(self) -> None:
        self._bar: tqdm[None] | None = None
        self._began = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        if self._bar is None:
            if progress.before:
                files = f"{progress.before:,} of {progress.files:,} files"
                print(f"going on: {files} were done before; --restart labels them anew", file=sys.stderr)
            shape = "{percentage:5.1f} %|{bar}| {desc} [{elapsed}<{remaining}]"
            self._bar = progress_bar(total=progress.files, initial=progress.before, bar_format=shape)
            self._began = time.monotonic()
        rate = progress.pictures / max(time.monotonic() - self._began, 0.001)
        self._bar.n = progress.done
        self._bar.desc = f"{int(progress.done):,} of {progress.files:,} files, {rate:.1f} pictures/s"
        self._bar.refresh()

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
            if kind is not None:
                print("stopped: what is finished is kept, the same command goes on from there", file=sys.stderr)


def _sum_up(summary: Summary, output: str) -> None:
    if summary.passed_over:
        shown = sorted(summary.passed_over.items(), key=lambda item: (-item[1], item[0]))[:8]
        print(
            f"passed over, being no picture and no video: {', '.join(f'{suffix} {n:,}' for suffix, n in shown)}",
            file=sys.stderr,
        )
    if not summary.pictures:
        print(f"{output} is there already, of the same files and settings; --restart labels them anew")
        return
    if summary.unreadable:
        print(f"{summary.unreadable:,} could not be read: see the column `error`", file=sys.stderr)
    rate = f": {summary.labelled / summary.seconds:.1f} pictures/s" if summary.labelled else ""
    print(
        f"{output}: {summary.pictures:,} pictures, {summary.faces:,} faces; "
        f"{summary.labelled:,} labelled now, in {summary.seconds:.1f} s{rate}"
    )
