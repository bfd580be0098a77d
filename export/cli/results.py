"""`python -m export results`."""

import argparse
import sys
from pathlib import Path


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "results",
        help="write the table of all systems from run folders",
        description="Write the table of docs/results.md for these runs: what the authors of each system claim and what "
        "the runs measured. They need their evaluation.json, which `report --record` writes, of PrivateTest with "
        "--split test.",
    )
    parser.add_argument("run", type=Path, nargs="+", metavar="RUN", help="run folders")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("results.md"),
        metavar="FILE",
        help="where to write it (default: results.md)",
    )
    parser.set_defaults(command=_results)


def _results(options: argparse.Namespace) -> None:
    from export.evaluate import recorded
    from export.results import write

    write(options.run, options.output)
    for run in options.run:
        if not recorded(run):
            print(f"{run}: nothing measured; python -m export report {run} --record does it", file=sys.stderr)
    print(options.output)
