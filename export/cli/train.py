"""`python -m export train`."""

import argparse
import dataclasses
import os
import sys
from pathlib import Path

from export import cluster, distribution
from export.architectures import ARCHITECTURES
from export.cli import options as data_options
from export.config import AUGMENTATIONS, BALANCES, OPTIMIZERS, PRECISIONS, SCHEDULES, Config
from export.errors import RunError
from export.runs import MODEL, check_free, read_config

NUMBERS = {
    "width": (float, "of deep, nano and the mobilenets: how many times their usual channels"),
    "epochs": (int, "passes over the training pictures"),
    "batch_size": (int, "pictures a step"),
    "warmup": (float, "epochs over which the learning rate rises"),
    "label_smoothing": (float, "share of the truth given to all labels alike"),
    "distill": (float, "share of the teacher's answers in the targets"),
    "views": (int, "epochs after which the random changes come again, and the teacher is not asked anew; 0: never"),
    "ema": (float, "momentum of the averaged weights; 0 takes the weights as they are"),
    "early_stopping": (int, "end after so many epochs without a better validation accuracy; 0: never"),
    "seed": (int, "of everything random"),
}
BY_OTHERS = {  # what they are by default depends on another setting
    "learning_rate": ", ".join(f"{rate:g} for {name}" for name, (rate, _) in OPTIMIZERS.items()),
    "weight_decay": ", ".join(f"{decay:g} for {name}" for name, (_, decay) in OPTIMIZERS.items()),
    "mixup": "0.5 for strong, else 0",
    "cutout": "0.5 for strong, 0.3 for light, else 0",
}
TEXTS = {
    "learning_rate": "the highest",
    "weight_decay": "pull of the kernels towards 0",
    "mixup": "share of the batches that are blended",
    "cutout": "share of the pictures with a hole",
}
CHOICES = {
    "arch": (ARCHITECTURES, "the network"),
    "optimizer": (OPTIMIZERS, "how the weights follow the gradients"),
    "schedule": (SCHEDULES, "how the learning rate falls"),
    "augment": (AUGMENTATIONS, "random changes to the pictures"),
    "balance": (BALANCES, "of unequal labels: by weights in the loss, or by how often their pictures are drawn"),
    "precision": (PRECISIONS, "of the arithmetic"),
}
FEW = 500  # steps, in which the averages of batch normalisation forget 99 % of their start


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "train",
        help="train a network into runs/NAME/",
        formatter_class=data_options.WithDefaults,
        description="Train a network. Ctrl-C stops after the step in progress; --resume goes on from there. The "
        "Keras backend is chosen by KERAS_BACKEND (tensorflow, jax or torch).",
    )
    data_options.add_source(parser)
    parser.add_argument("--name", metavar="NAME", help="of the run's folder; the architecture's without")
    parser.add_argument("--runs", type=Path, default=Path("runs"), metavar="FOLDER", help="where run folders lie")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted run, under its own settings")
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes on this machine that share every batch"
    )
    parser.add_argument("--tensorboard", action="store_true", help="also log into the run's folder for TensorBoard")
    add_settings(parser)
    parser.set_defaults(command=_train)


def add_settings(parser: argparse.ArgumentParser) -> None:
    """An option for each field of Config."""
    default = Config()
    group = parser.add_argument_group("settings")
    for name, (known, text) in CHOICES.items():
        group.add_argument(_option(name), choices=list(known), default=getattr(default, name), help=text)
    for name, (kind, text) in NUMBERS.items():
        group.add_argument(_option(name), type=kind, default=getattr(default, name), metavar="X", help=text)
    for name, usual in BY_OTHERS.items():
        text = f"{TEXTS[name]} (default: {usual})"
        group.add_argument(_option(name), type=float, default=argparse.SUPPRESS, metavar="X", help=text)
    group.add_argument(
        "--teacher",
        type=_absolute,
        metavar="T",
        help="folder of a trained run, or a converted model, to learn what it says",
    )
    group.add_argument(
        "--weights",
        type=_weights,
        metavar="W",
        help="to start from: the folder of a run of the same network; of a backbone also imagenet, or a file",
    )
    group.add_argument(
        "--trainable", default=default.trainable, metavar="N", help="of a backbone: all, head, or its last N layers"
    )


def config(options: argparse.Namespace) -> Config:
    """The settings that the options of `add_settings` say."""
    names = (field.name for field in dataclasses.fields(Config))
    return Config(**{name: getattr(options, name) for name in names if hasattr(options, name)})


def _absolute(path: str) -> str:
    return str(Path(path).resolve())  # the working folder may change before a run is resumed


def _weights(text: str) -> str:
    return text if text == "imagenet" else _absolute(text)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _warn_of_few_steps(pictures: int, settings: Config) -> None:
    steps = settings.epochs * max(pictures // settings.batch_size, 1)
    if steps < FEW:
        print(
            f"{pictures} pictures make {steps} step{'s' * (steps != 1)}, too few for a network to settle: a smaller "
            "--batch-size or more --epochs make more",
            file=sys.stderr,
        )


def _train(options: argparse.Namespace) -> None:
    if options.workers < 1:
        raise RunError(f"workers is {options.workers}; it has to be 1 or more")
    folder = options.runs / (options.name or options.arch)
    # what can be wrong is said before the long reading and loading
    if options.resume:
        source = data_options.recorded(read_config(folder), options)
    else:
        check_free(folder)
        chosen, source = config(options), data_options.source(options)
    if options.workers > 1 and "TF_CONFIG" not in os.environ:
        raise SystemExit(cluster.launch(options.workers, [sys.executable, "-m", "export", *sys.argv[1:]]))
    together = distribution.workers()
    dataset = data_options.read(source)
    if together.is_chief and not options.resume:
        _warn_of_few_steps(len(dataset.training), chosen)
    on_epoch = None
    if options.tensorboard:
        from export.tensorboard import writer

        on_epoch = writer(folder)
    from export import train

    if options.resume:
        train.resume(dataset, folder, on_epoch, together)
    else:
        train.start(dataset, chosen, folder, source.as_json(), on_epoch, together)
    if together.is_chief:
        print(f"done: {folder / MODEL}; next: python -m export convert --run {folder}")
