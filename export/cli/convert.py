"""`python -m export convert`."""

import argparse
from pathlib import Path

from export.cli import options as data_options
from export.convert import FORMATS
from export.runs import read_config


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "convert",
        help="turn a run into files for the device",
        formatter_class=data_options.WithDefaults,
        description="Convert the model of a run. Every file is run by ferlite over the whole validation split and "
        "compared with the trained network; outside of the tolerance nothing is written.",
    )
    parser.add_argument(
        "--run",
        type=Path,
        required=True,
        default=argparse.SUPPRESS,
        metavar="FOLDER",
        help="the run, for example runs/deep",
    )
    data_options.add_recorded(parser)
    parser.add_argument("--format", nargs="+", choices=FORMATS, default=list(FORMATS), help="what to write")
    parser.add_argument("--output", type=Path, default=Path("models"), metavar="FOLDER", help="where to write it")
    parser.add_argument("--name", help="what the files' names begin with; the run's own name without")
    parser.add_argument(
        "--margin",
        type=float,
        metavar="X",
        help="part of a detected face's side that your pictures show on every side around it (FER-2013: as measured)",
    )
    parser.add_argument(
        "--logit-adjustment",
        type=float,
        default=0.0,
        metavar="X",
        help="0…1: how much less to favour the labels that training has more often",
    )
    parser.add_argument(
        "--seeds",
        type=Path,
        nargs="+",
        default=[],
        metavar="RUN",
        help="runs that differ in their seeds alone: the card says how far these are apart",
    )
    parser.set_defaults(command=_convert)


def _convert(options: argparse.Namespace) -> None:
    dataset = data_options.read(data_options.recorded(read_config(options.run), options))
    from export.convert.release import convert

    about = (options.output, options.name, options.margin, options.logit_adjustment, options.seeds)
    found = convert(options.run, dataset, options.format, *about)
    for file, parity in found.items():
        print(f"{options.output / file}: {parity.summary()}")
