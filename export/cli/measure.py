"""`python -m export measure`."""

import argparse
import sys
from pathlib import Path

from export import evaluate, modelcard
from export.cli import options as data_options
from export.cli.evaluate import by_ferlite
from export.datasets import SplitName
from export.errors import RunError
from ferlite import cards
from ferlite.device import describe
from ferlite.errors import FerliteError

MEASURED: tuple[SplitName, ...] = ("validation", "test")


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "measure",
        help="measure all models of a folder again, and compare with their cards",
        formatter_class=data_options.WithDefaults,
        description="Measure every model of a folder by ferlite itself on FER-2013's validation and test split, one "
        "thread. Without --record it says where a card has other figures, and ends with 1 if one has.",
    )
    parser.add_argument("folder", type=Path, nargs="?", default=Path("models"), metavar="FOLDER", help="the models")
    parser.add_argument("--data", type=Path, required=True, default=argparse.SUPPRESS, metavar="PATH", help="FER-2013")
    parser.add_argument(
        "--record",
        action="store_true",
        help="write the figures and the temperature that validation asks for into the cards, and MODEL_CARD.md",
    )
    parser.set_defaults(command=_measure)


def _measure(options: argparse.Namespace) -> None:
    found = [path for path in sorted(options.folder.glob("*")) if path.suffix in cards.SUFFIXES]
    if not found:
        raise RunError(f"{options.folder} has no models; convert some by `python -m export convert`")
    changed = []
    for weights in found:
        before = cards.find(weights).notes.get("accuracy", {})
        for split in MEASURED:
            dataset, probabilities, _ = by_ferlite(weights, options.data, split)
            is_chosen_on = options.record and split == "validation"
            if is_chosen_on and evaluate.calibrate(probabilities, dataset.split(split).labels, weights):
                dataset, probabilities, _ = by_ferlite(weights, options.data, split)
            result = evaluate.evaluate(probabilities, dataset, split)
            same = before.get(split) == evaluate.as_json(result)
            if options.record:
                evaluate.record(result, weights)
            elif not same:
                changed.append(f"{weights.name} on {split}")
            said = "" if same or options.record else f" (its card: {before.get(split, {}).get('accuracy', 'nothing')})"
            print(f"{weights.name} on {split}: {result.accuracy:.2%} of {result.rows} rows{said}", flush=True)
    if options.record:
        known = ("processor", "python", "numpy", "ai-edge-litert", "onnxruntime")
        machine = {name: value for name, value in describe().items() if name in known}
        command = f"python -m export measure --data {options.data.name}"
        print(modelcard.write(options.folder, command, machine), file=sys.stderr)
    elif changed:
        raise FerliteError(f"other figures than the cards have: {', '.join(changed)}")
