"""The command `python -m export`: one module for each of its commands.

What has TensorFlow or Keras in it is imported by the command that needs it: --help and the evaluation of a released
model work without.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from export.cli import (
    convert,
    data,
    ensemble,
    evaluate,
    evaluate_detector,
    label_faces,
    measure,
    report,
    reproduce,
    results,
    search,
    train,
    train_detector,
)
from ferlite.errors import FerliteError

# what a device has no need of, and may lack
WORKSTATION = {"tensorflow", "keras", "jax", "torch", "tf2onnx", "matplotlib", "optuna", "tensorboardX", "kaggle"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # left off by TensorFlow where a processor has no VNNI; there too it trains `deep` 1.3 times as fast
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    # each epoch measures a model of its own, which TensorFlow takes for a fault of the program from the fifth on
    logging.getLogger("tensorflow").addFilter(lambda record: "tf.function retracing" not in str(record.msg))
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m export",
        description="Train networks on FER-2013 or pictures of your own, convert them for ferlite, and measure them. "
        "Training and conversion need the extra `export`: pip install -e '.[export]'",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    emotions = (data, train, search, ensemble, reproduce, convert, evaluate, measure, report, results)
    for command in (*emotions, label_faces, train_detector, evaluate_detector):
        command.add_to(commands)
    return parser
