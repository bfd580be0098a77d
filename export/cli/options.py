"""What several commands ask for: a data set."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from export.datasets import COLORS, VOTES, Dataset, Source, load
from export.errors import DatasetError, RunError

PATH_HELP = (
    "fer2013.csv, icml_face_data.csv, a .zip with one of them, or a folder of pictures: train/LABEL/ and test/LABEL/, "
    "or only LABEL/"
)


class WithDefaults(argparse.ArgumentDefaultsHelpFormatter):
    """Help that names the defaults, where there are any."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default in (None, False, []) else super()._get_help_string(action)


def add_source(parser: argparse.ArgumentParser) -> None:
    """Options that choose a data set and what of it is taken."""
    group = parser.add_argument_group("data")
    group.add_argument("--data", type=Path, metavar="PATH", help=PATH_HELP)
    group.add_argument("--size", type=int, metavar="PIXELS", help="side to make the pictures (default: as they are)")
    group.add_argument("--color", choices=COLORS, default="grey", help="of the pictures")
    group.add_argument("--labels", metavar="A,B,…", help="the labels to take, in this order (default: all)")
    group.add_argument("--ferplus", type=Path, metavar="CSV", help="take the FER+ votes of this file as labels")
    group.add_argument(
        "--votes",
        choices=VOTES,
        default="majority",
        help="of FER+: one label, the shares of all, or these and FER-2013's own labels, half each",
    )
    group.add_argument("--contempt", choices=("neutral", "class"), default="neutral", help="in FER+: counts as neutral")
    group.add_argument(
        "--drop-copies", action="store_true", help="leave out training pictures that stand in another split too"
    )
    group.add_argument("--exclude", type=Path, metavar="LIST", help="leave out the pictures of this list")


def add_recorded(parser: argparse.ArgumentParser) -> None:
    """Options for a data set that a run has recorded."""
    parser.add_argument("--data", type=Path, metavar="PATH", help="where the data is now (default: as for training)")
    parser.add_argument("--ferplus", type=Path, metavar="CSV", help="where the FER+ votes are now (default: likewise)")


def source(options: argparse.Namespace) -> Source:
    """The data set that the options of `add_source` say."""
    if options.data is None:
        raise DatasetError(f"give the data by --data: {PATH_HELP}")
    labels = None if options.labels is None else tuple(part.strip() for part in options.labels.split(","))
    return Source(
        options.data,
        options.size,
        options.color,
        labels,
        options.ferplus,
        options.votes,
        options.contempt,
        options.exclude,
        options.drop_copies,
    )


def recorded(record: dict[str, Any], options: argparse.Namespace) -> Source:
    """The data set of a run, whose files may have moved to where the options of `add_recorded` say."""
    if options.data is not None:
        found = Source.from_json(record["data"] | {"path": options.data})
    elif "path" in record["data"]:
        found = Source.from_json(record["data"])
    else:
        raise RunError("the run has not recorded its data; give --data")
    if options.ferplus is not None and found.ferplus is not None:
        found = replace(found, ferplus=options.ferplus)
    return found


def measured(record: dict[str, Any], options: argparse.Namespace) -> Source:
    """The data set of a run with all of Training, so that what stands there too is a repeat for every run."""
    return replace(recorded(record, options), drop_copies=False)


def read(found: Source) -> Dataset:
    """The data set, after a word to whoever waits for it."""
    print(f"reading {found.path} …", file=sys.stderr)
    return load(found)
