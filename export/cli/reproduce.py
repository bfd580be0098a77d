"""`python -m export reproduce`."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from export.cli import options as data_options
from export.convert import FORMATS
from export.datasets import Source
from export.recipes import RECIPES, reproduce


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "reproduce",
        help="make a released model again, teachers included",
        formatter_class=data_options.WithDefaults,
        description="Train a released model from the data alone and convert it. Runs that are there already are "
        "taken, and interrupted ones go on.",
    )
    parser.add_argument("model", choices=RECIPES, help="which model")
    parser.add_argument("--data", type=Path, required=True, default=argparse.SUPPRESS, metavar="PATH", help="FER-2013")
    parser.add_argument(
        "--ferplus", type=Path, required=True, default=argparse.SUPPRESS, metavar="CSV", help="the FER+ votes"
    )
    parser.add_argument("--runs", type=Path, default=Path("runs"), metavar="FOLDER", help="where run folders lie")
    parser.add_argument(
        "--output", type=Path, default=Path("reproduced"), metavar="FOLDER", help="where to write the model's files"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the model; its teachers keep theirs")
    parser.set_defaults(command=_reproduce)


def _reproduce(options: argparse.Namespace) -> None:
    recipe = RECIPES[options.model]
    name = options.model if options.seed == 1 else f"{options.model}-seed-{options.seed}"
    recipe = replace(recipe, student=replace(recipe.student, seed=options.seed))
    source = Source(options.data, ferplus=options.ferplus, votes="blend", drop_copies=True)
    dataset = data_options.read(source)
    run = reproduce(
        name, recipe, dataset, source.as_json(), options.runs, lambda text: print(f"{text} …", file=sys.stderr)
    )
    from export.convert.release import convert

    print(f"converting {run} …", file=sys.stderr)
    found = convert(run, dataset, FORMATS, options.output, options.model, logit_adjustment=recipe.logit_adjustment)
    for file, parity in found.items():
        print(f"{options.output / file}: {parity.summary()}")
