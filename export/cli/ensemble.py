"""`python -m export ensemble`."""

import argparse
from pathlib import Path

from export.cli import options as data_options
from export.runs import read_config


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "ensemble",
        help="join several runs into one network",
        description="Join runs that know the same labels into a run whose logits are the mean of theirs. It converts, "
        "is measured and runs on the device like any other.",
    )
    parser.add_argument("run", type=Path, nargs="+", metavar="RUN", help="the runs to join, two or more")
    parser.add_argument("--name", default="ensemble", help="of the new run's folder")
    parser.add_argument("--runs", type=Path, default=Path("runs"), metavar="FOLDER", help="where run folders lie")
    data_options.add_recorded(parser)
    parser.set_defaults(command=_ensemble)


def _ensemble(options: argparse.Namespace) -> None:
    dataset = data_options.read(data_options.recorded(read_config(options.run[0]), options))
    from export.ensemble import ensemble

    folder = options.runs / options.name
    accuracy = ensemble(options.run, dataset, folder)
    print(f"done: {folder}, {accuracy:.2%} on validation; next: python -m export convert --run {folder}")
