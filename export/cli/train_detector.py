"""`python -m export train-detector` and `convert-detector`."""

import argparse
import dataclasses
from dataclasses import replace
from pathlib import Path

from export.cli.evaluate_detector import DATA_HELP
from export.cli.options import WithDefaults
from export.config import PRECISIONS
from export.detector.config import DetectorConfig
from export.runs import MODEL

FORMATS = ("tflite-int8", "tflite-float32", "onnx-float32")
TEXTS = {
    "width": "how many times the network's usual channels",
    "size": "side of the training scenes in pixels, a multiple of 32",
    "epochs": "how often it is measured on validation",
    "steps": "an epoch has",
    "batch_size": "scenes a step",
    "learning_rate": "the highest",
    "schedule": "how the learning rate falls",
    "warmup": "epochs over which the learning rate rises",
    "weight_decay": "pull of the kernels towards 0",
    "share_empty": "share of scenes without faces",
    "share_extra": "share of the views of faces that show an extra picture, where there are some",
    "mosaic": "share of scenes that are made of four",
    "mining": "epochs from one search for its mistakes to the next, which it is then shown; 0: never",
    "ema": "momentum of the averaged weights",
    "seed": "of everything random",
}


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add both commands to the parser."""
    train = commands.add_parser(
        "train-detector",
        help="train ferlite's face detector into runs/NAME/",
        formatter_class=WithDefaults,
        description="Train the face detector that comes with ferlite, on its own pictures or on yours. Ctrl-C stops "
        "after the step in progress; --resume goes on from there.",
    )
    train.add_argument("--data", type=Path, required=True, metavar="FOLDER", help=DATA_HELP)
    train.add_argument(
        "--extra",
        type=Path,
        metavar="FOLDER",
        help="further pictures of faces, in the same forms, to learn from only: see label-faces",
    )
    train.add_argument("--name", default="face", metavar="NAME", help="of the run's folder")
    train.add_argument("--runs", type=Path, default=Path("runs"), metavar="FOLDER", help="where run folders lie")
    train.add_argument("--resume", action="store_true", help="go on with an interrupted run, under its own settings")
    settings = train.add_argument_group("settings")
    for field in dataclasses.fields(DetectorConfig):
        option = f"--{field.name.replace('_', '-')}"
        if field.name == "precision":
            settings.add_argument(option, choices=PRECISIONS, default=field.default, help="of the arithmetic")
        else:
            kind = type(field.default)
            settings.add_argument(option, type=kind, default=field.default, metavar="X", help=TEXTS[field.name])
    train.set_defaults(command=_train)

    convert = commands.add_parser(
        "convert-detector",
        help="convert a trained face detector for ferlite",
        formatter_class=WithDefaults,
        description="Convert a run of train-detector. A file is only kept if it finds, on ferlite's own engines, what "
        "the trained network finds.",
    )
    convert.add_argument("--run", type=Path, required=True, metavar="RUN", help="folder of the run")
    convert.add_argument("--data", type=Path, required=True, metavar="FOLDER", help=DATA_HELP)
    convert.add_argument(
        "--output", type=Path, default=Path("models/detectors"), metavar="FOLDER", help="for the files"
    )
    convert.add_argument(
        "--formats", nargs="+", choices=FORMATS, default=list(FORMATS), metavar="F", help="which files"
    )
    convert.set_defaults(command=_convert)


def _train(options: argparse.Namespace) -> None:
    names = (field.name for field in dataclasses.fields(DetectorConfig))
    chosen = DetectorConfig(**{name: getattr(options, name) for name in names})
    folder = options.runs / options.name
    import cv2

    from export.datasets import faces
    from export.detector import train
    from export.detector.validation import measure

    cv2.setNumThreads(1)
    if options.resume:
        train.read_config(folder)
    found = faces.read(options.data)
    if options.extra is not None:
        found = replace(found, extra=faces.read(options.extra).training)
    if options.resume:
        train.resume(found, folder, measure)
    else:
        train.start(
            found,
            chosen,
            folder,
            measure,
            {"name": found.name, "pictures": len(found.training), "extra": len(found.extra)},
        )
    print(f"done: {folder / MODEL}; next: python -m export convert-detector --run {folder} --data {options.data}")


def _convert(options: argparse.Namespace) -> None:
    from export.datasets import faces
    from export.detector.convert import convert

    found = convert(options.run, faces.read(options.data), options.formats, options.output)
    for name, figures in found.items():
        precision, recall = figures["average_precision"], figures["recall"]
        print(f"{options.output / name}: average precision {precision:.4f}, recall {recall:.4f} on validation")
