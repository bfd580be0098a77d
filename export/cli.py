"""The command `python -m export`."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from export.config import PRECISIONS, Config
from export.convert import FORMATS
from export.datasets import SPLITS, Dataset, load
from ferlite.errors import FerliteError

# Everything with TensorFlow in it is imported by the command that needs it: --help and the evaluation of a released
# model work without.

# what a device has no need of, and may lack
WORKSTATION = ("tensorflow", "keras", "jax", "torch", "tf2onnx", "matplotlib")

DATA_HELP = "fer2013.csv, a .zip with it, or a folder with train/<emotion>/ and test/<emotion>/"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
        return 0
    except KeyboardInterrupt as stop:
        print(f"\n{stop or 'interrupted'}", file=sys.stderr)
        return 130
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in WORKSTATION:
            raise
        print(f"export: the package {error.name} is missing; {_remedy(error.name)}", file=sys.stderr)
        return 1
    except FerliteError as error:
        print(f"export: {error}", file=sys.stderr)
        return 1


def _remedy(package: str) -> str:
    if package in ("jax", "torch"):
        return f"pip install {package}, or choose another backend by KERAS_BACKEND"
    return "install the extra: pip install -e '.[export]'"


def _train(options: argparse.Namespace) -> None:
    from export import train

    folder = options.runs / options.name
    if options.resume:
        train.read_config(folder)  # before the data set, which takes longer
        train.resume(_data(options), folder)
    else:
        config = Config(**{name: getattr(options, name) for name in Config.__dataclass_fields__})
        train.start(_data(options), config, folder)
    print(f"done: {folder / train.MODEL}; next: python -m export convert --run {folder} --data {options.data}")


def _convert(options: argparse.Namespace) -> None:
    from export.convert.release import convert

    found = convert(options.run, _data(options), options.format, options.output, options.name)
    for file, parity in found.items():
        print(
            f"{options.output / file}: {parity.accuracy:.2%} on {parity.rows} validation rows (trained network "
            f"{parity.trained_accuracy:.2%}), same label for {parity.agreement:.2%}"
        )


def _evaluate(options: argparse.Namespace) -> None:
    from export import evaluate

    if options.model.is_dir() and options.record:
        raise FerliteError(f"{options.model} is a run; figures are recorded in the card of a converted model")
    dataset = _data(options)
    images = dataset.split(options.split).images
    if options.model.is_dir():
        from keras import ops

        from export.train import load_model, predict

        probabilities = ops.convert_to_numpy(ops.softmax(predict(load_model(options.model), images)))
    else:
        from ferlite import EmotionClassifier

        classifier = EmotionClassifier(options.model, options.threads)
        if classifier.labels != dataset.labels:
            raise FerliteError(f"{options.model} knows {classifier.labels}, the data has {dataset.labels}")
        probabilities = classifier.predict(images)
    result = evaluate.evaluate(probabilities, dataset, options.split)
    if options.json:
        print(json.dumps({"model": str(options.model), **evaluate.as_json(result)}, indent=2))
    else:
        print(evaluate.as_text(result, dataset.labels, options.model.name))
    if options.record:
        evaluate.record(result, classifier.card.weights)


def _data(options: argparse.Namespace) -> Dataset:
    print(f"reading {options.data} …", file=sys.stderr)
    return load(options.data)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m export",
        description="Train a network on FER-2013, convert it for ferlite, and measure it. "
        "Training and conversion need the extra `export`: pip install -e '.[export]'",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    show_defaults = argparse.ArgumentDefaultsHelpFormatter

    train = commands.add_parser(
        "train",
        help="train a network into runs/NAME/",
        formatter_class=show_defaults,
        description="Train a network. Ctrl-C stops after the step in progress; --resume goes on from there. The "
        "Keras backend is chosen by KERAS_BACKEND (tensorflow, jax or torch).",
    )
    _add_data(train)
    train.add_argument("--name", default="deep", help="name of the run's folder")
    train.add_argument("--runs", type=Path, default=Path("runs"), metavar="FOLDER", help="where run folders lie")
    train.add_argument("--resume", action="store_true", help="go on with an interrupted run, under its own settings")
    settings = Config()
    group = train.add_argument_group("settings")
    group.add_argument("--arch", default=settings.arch, help="the network, a name out of export/architectures")
    for name, kind, text in (
        ("epochs", int, "passes over the training pictures"),
        ("batch_size", int, "pictures a step"),
        ("learning_rate", float, "at the start; falls to 0 as a cosine"),
        ("weight_decay", float, "pull of the kernels towards 0"),
        ("label_smoothing", float, "share of the truth given to all labels alike"),
        ("mixup", float, "share of the batches that are blended"),
        ("ema", float, "momentum of the averaged weights"),
        ("seed", int, "of everything random"),
    ):
        option = f"--{name.replace('_', '-')}"
        group.add_argument(option, type=kind, default=getattr(settings, name), metavar="X", help=text)
    group.add_argument("--precision", default=settings.precision, choices=PRECISIONS, help="of the arithmetic")
    train.set_defaults(command=_train)

    convert = commands.add_parser(
        "convert",
        help="turn a run into files for the device",
        formatter_class=show_defaults,
        description="Convert the model of a run. Every file is run by ferlite over the whole validation split and "
        "compared with the trained network; outside of the tolerance nothing is written.",
    )
    _add_data(convert)
    convert.add_argument(
        "--run",
        type=Path,
        required=True,
        default=argparse.SUPPRESS,
        metavar="FOLDER",
        help="the run, for example runs/deep",
    )
    convert.add_argument("--format", nargs="+", choices=FORMATS, default=list(FORMATS), help="what to write")
    convert.add_argument("--output", type=Path, default=Path("models"), metavar="FOLDER", help="where to write it")
    convert.add_argument("--name", help="what the files' names begin with (default: the architecture)")
    convert.set_defaults(command=_convert)

    evaluate = commands.add_parser(
        "evaluate",
        help="measure a run or a converted model on a split",
        formatter_class=show_defaults,
        description="Measure a model: a run folder by Keras, a .tflite or .onnx file by ferlite itself. Choose models "
        "on the validation split only; read the test split once, for the figure that is published.",
    )
    _add_data(evaluate)
    evaluate.add_argument("model", type=Path, metavar="MODEL", help="a run folder, .tflite or .onnx file")
    evaluate.add_argument(
        "--split", choices=SPLITS, default="validation", help="validation is PublicTest, test PrivateTest"
    )
    evaluate.add_argument("--threads", type=int, default=1, metavar="N", help="processor threads of the interpreter")
    evaluate.add_argument("--json", action="store_true", help="print JSON instead of text")
    evaluate.add_argument("--record", action="store_true", help="also write the figures into the model's card")
    evaluate.set_defaults(command=_evaluate)
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, default=argparse.SUPPRESS, metavar="PATH", help=DATA_HELP)
