"""`python -m export data`: fetch and check."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

from export.cli import options as data_options
from export.datasets import ferplus


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("data", help="get FER-2013 and the FER+ votes, or look through a data set")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    show_defaults = data_options.WithDefaults

    fetch = actions.add_parser(
        "fetch",
        help="get FER-2013 and the FER+ votes",
        formatter_class=show_defaults,
        description="Get FER-2013 through the Kaggle client, with credentials of your own and the competition's rules "
        "accepted on its web page, and the FER+ votes from their repository. What is there and right stays.",
    )
    fetch.add_argument("folder", type=Path, nargs="?", default=Path("data"), metavar="FOLDER", help="where to put them")
    fetch.add_argument(
        "--what", nargs="+", choices=("fer2013", "ferplus"), default=["fer2013", "ferplus"], help="what to get"
    )
    fetch.set_defaults(command=_fetch)

    check = actions.add_parser(
        "check",
        help="look through a data set",
        formatter_class=show_defaults,
        description="Count labels, find exact and near duplicates within and across the splits, contradicting labels "
        "and pictures without a face, and write the list of training pictures better left out.",
    )
    data_options.add_source(check)
    check.add_argument("--output", type=Path, metavar="LIST", help="write the pictures to leave out, for --exclude")
    check.add_argument("--json", action="store_true", help="print JSON instead of text")
    check.set_defaults(command=_check)


def _fetch(options: argparse.Namespace) -> None:
    from export.datasets.fetch import fetch

    for path in fetch(options.folder, options.what).values():
        print(path)


def _check(options: argparse.Namespace) -> None:
    from export.datasets import check

    votes = None if options.ferplus is None else ferplus.read(options.ferplus)
    # the votes say here what is no face; the labels stay as they are
    dataset = data_options.read(replace(data_options.source(options), ferplus=None))
    found = check.check(dataset, votes)
    print(json.dumps(check.as_json(found), indent=2) if options.json else check.as_text(found))
    if options.output is not None:
        rows = check.cleaned(found, dataset)
        check.write_list(rows, options.output)
        print(f"{options.output}: {len(rows)} pictures to leave out by --exclude")
