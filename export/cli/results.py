"""`python -m export results`."""

import argparse
from pathlib import Path


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "results",
        help="write the table of all systems from run folders",
        description="Write docs/results.md: what the authors of each system claim and what our runs measured. The "
        "runs need their evaluation.json, which `report --record` writes.",
    )
    parser.add_argument("run", type=Path, nargs="+", metavar="RUN", help="run folders")
    parser.add_argument(
        "--output", type=Path, default=Path("docs/results.md"), metavar="FILE", help="where to write it"
    )
    parser.set_defaults(command=_results)


def _results(options: argparse.Namespace) -> None:
    from export.results import write

    write(options.run, options.output)
    print(options.output)
