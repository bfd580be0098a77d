"""The log of a run for TensorBoard, beside `log.csv`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tensorboardX import SummaryWriter

from export.runs import TENSORBOARD

SCALARS = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")


def writer(run: Path) -> Callable[[dict[str, Any]], None]:
    """What writes a row of the log into `run/tensorboard/`; show it by `tensorboard --logdir RUNS`."""

    def write(row: dict[str, Any]) -> None:
        # a file an epoch: nothing to flush at a kill, and `purge_step` drops what an interrupted run wrote too much
        with SummaryWriter(str(run / TENSORBOARD), purge_step=row["step"]) as file:
            for name in SCALARS:
                file.add_scalar(name, row[name], row["step"])

    return write
