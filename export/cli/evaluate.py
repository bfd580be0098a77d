"""`python -m export evaluate`."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from export import evaluate
from export.cli import options as data_options
from export.datasets import SPLITS, Dataset, Source, SplitName
from export.errors import RunError
from ferlite.errors import FerliteError


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "evaluate",
        help="measure a run or a converted model on a split",
        formatter_class=data_options.WithDefaults,
        description="Measure a model: a run folder by Keras, a .tflite or .onnx file by ferlite itself. Choose models "
        "on the validation split only; read the test split once, for the figure that is published.",
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="a run folder, .tflite or .onnx file")
    parser.add_argument(
        "--data", type=Path, metavar="PATH", help=f"{data_options.PATH_HELP} (of a run: as for training)"
    )
    parser.add_argument("--labels", metavar="A,B,…", help="the labels to take of the data (of a file: all)")
    parser.add_argument("--ferplus", type=Path, metavar="CSV", help="take the FER+ votes of this file as labels")
    parser.add_argument(
        "--split", choices=SPLITS, default="validation", help="validation is PublicTest, test PrivateTest"
    )
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="processor threads of the interpreter")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument("--record", action="store_true", help="also write the figures into the model's card")
    parser.set_defaults(command=_evaluate)


def _evaluate(options: argparse.Namespace) -> None:
    if options.model.is_dir():
        if options.record:
            raise FerliteError(f"{options.model} is a run; figures are recorded in the card of a converted model")
        dataset, probabilities = _by_keras(options)
    else:
        dataset, probabilities, weights = by_ferlite(
            options.model, options.data, options.split, options.labels, options.ferplus, options.threads
        )
    result = evaluate.evaluate(probabilities, dataset, options.split)
    if options.json:
        print(json.dumps({"model": str(options.model), **evaluate.as_json(result)}, indent=2))
    else:
        print(evaluate.as_text(result, dataset.labels, options.model.name))
    if options.record:
        evaluate.record(result, weights)


def _by_keras(options: argparse.Namespace) -> tuple[Dataset, np.ndarray]:
    from export import runs

    record = runs.read_config(options.model)
    dataset = data_options.read(data_options.measured(record, options))
    if list(dataset.labels) != record["labels"]:
        raise RunError(f"{options.model} was trained on the labels {record['labels']}; this data has {dataset.labels}")
    logits = runs.predict(runs.load_model(options.model), dataset.split(options.split).images)
    return dataset, evaluate.softmax(logits)


def by_ferlite(
    model: Path,
    data: Path | None,
    split: SplitName,
    labels: str | None = None,
    ferplus: Path | None = None,
    threads: int = 1,
) -> tuple[Dataset, np.ndarray, Path]:
    """The data with a converted model's labels, its probabilities (n, labels) on a split, and its weights' path."""
    from ferlite import EmotionClassifier

    classifier = EmotionClassifier(model, threads)
    card = classifier.card
    if data is None:
        raise FerliteError(f"{model} does not say which data to measure it on; give --data")
    source = Source(
        data,
        card.height,
        "grey" if card.color == "grey" else "rgb",
        None if labels is None else tuple(labels.split(",")),
        ferplus,
        contempt="class" if "contempt" in card.labels else "neutral",
    )
    dataset = data_options.read(source)
    unknown = [label for label in dataset.labels if label not in card.labels]
    if unknown:
        known = [label for label in card.labels if label in dataset.labels]
        raise FerliteError(
            f"{model} does not know {', '.join(unknown)}, which the data has; it knows "
            f"{', '.join(card.labels)}. Leave the others out by --labels {','.join(known)}"
        )
    measured = dataset.split(split)
    places = np.array([card.labels.index(label) for label in dataset.labels])
    dataset = replace(dataset, labels=card.labels, **{split: replace(measured, labels=places[measured.labels])})
    images = measured.images if measured.images.ndim == 3 else measured.images[..., ::-1]  # ferlite takes BGR
    return dataset, classifier.predict(images), card.weights
