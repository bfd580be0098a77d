"""`python -m export label-faces`."""

import argparse
from pathlib import Path

from export.cli import options as data_options

MIN_FACE = 0.2  # of the enlarged picture, most of which is face


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "label-faces",
        help="make pictures of single faces into ones to train a face detector on",
        formatter_class=data_options.WithDefaults,
        description="Let a face detector with landmarks say where the face is in every picture of a data set of "
        "emotions, and write those with one sure face as a folder for train-detector --extra.",
    )
    data_options.add_source(parser)
    parser.add_argument("detector", metavar="NAME=FILE", help="what finds the faces: yunet=FILE, or ferlite")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="for the pictures and boxes")
    parser.set_defaults(command=_label)


def _label(options: argparse.Namespace) -> None:
    from export.detector import evaluate
    from export.detector.labelling import label

    detector = evaluate.candidate(options.detector, MIN_FACE).usual
    dataset = data_options.read(data_options.source(options))
    labelled, looked = label(dataset, detector, options.output)
    print(f"{options.output}: {labelled} of {looked} pictures; next: python -m export train-detector --extra")
