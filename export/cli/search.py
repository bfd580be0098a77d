"""`python -m export search`."""

import argparse
from pathlib import Path

from export.cli import options as data_options
from export.cli import train


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "search",
        help="look for better settings with Optuna",
        formatter_class=data_options.WithDefaults,
        description="Train one run after the other with settings that Optuna suggests, judged by the best validation "
        "accuracy. The study is an SQLite file in runs/NAME/; the same command goes on with an interrupted search.",
    )
    data_options.add_source(parser)
    parser.add_argument("--name", default="search", help="of the search's folder")
    parser.add_argument("--runs", type=Path, default=Path("runs"), metavar="FOLDER", help="where run folders lie")
    parser.add_argument("--trials", type=int, default=20, metavar="N", help="how many runs to train in all")
    parser.add_argument(
        "--over", default="learning-rate,weight-decay,augment", metavar="A,B,…", help="the settings to search over"
    )
    train.add_settings(parser)
    parser.set_defaults(command=_search)


def _search(options: argparse.Namespace) -> None:
    base, source = train.config(options), data_options.source(options)
    from export.search import search

    folder = options.runs / options.name
    over = [name.strip().replace("-", "_") for name in options.over.split(",")]
    study = search(data_options.read(source), base, over, options.trials, folder, source.as_json())
    for trial in sorted(study.trials, key=lambda trial: -(trial.value or 0)):
        settings = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in trial.params.items())
        value = "ended early" if trial.value is None else f"{trial.value:.4f}"
        print(f"{folder / f'trial-{trial.number:03d}'}  {value:>11}  {settings}")
