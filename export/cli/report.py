"""`python -m export report`."""

import argparse
import sys
from pathlib import Path

from export.cli import options as data_options
from export.datasets import SPLITS, Dataset
from export.runs import read_config


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "report",
        help="measure runs side by side, as a page",
        formatter_class=data_options.WithDefaults,
        description="Measure one run or several and write report.html, in one file, and report.md with its pictures.",
    )
    parser.add_argument("run", type=Path, nargs="+", metavar="RUN", help="run folders")
    data_options.add_recorded(parser)
    parser.add_argument(
        "--models",
        type=Path,
        nargs="+",
        default=[],
        metavar="PATH",
        help="converted files of the runs, or their folder",
    )
    parser.add_argument(
        "--split", choices=SPLITS, default="validation", help="validation is PublicTest, test PrivateTest"
    )
    parser.add_argument("--output", type=Path, default=Path("report"), metavar="FOLDER", help="where to write it")
    parser.add_argument("--record", action="store_true", help="also write the figures into each run's evaluation.json")
    parser.add_argument("--no-pictures", action="store_true", help="leave out pictures of the data set")
    parser.set_defaults(command=_report)


def _report(options: argparse.Namespace) -> None:
    from export.report import report

    known: dict[str, Dataset] = {}

    def data(run: Path) -> Dataset:
        source = data_options.measured(read_config(run), options)
        key = repr(source)
        if key not in known:
            known[key] = data_options.read(source)
        return known[key]

    page = report(
        options.run,
        data,
        options.output,
        split=options.split,
        models=options.models,
        votes=options.ferplus,
        with_pictures=not options.no_pictures,
        record=options.record,
        command=" ".join(["python -m export", *sys.argv[1:]]),
        progress=lambda text: print(f"{text} …", file=sys.stderr),
    )
    print(page)
