"""How loss and accuracy of a run go, by epoch: the plot in its folder."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from export.config import Config

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def curves(rows: Sequence[Mapping[str, Any]], config: Config) -> "Figure":
    """The rows of a run's log as a figure, training beside validation."""
    from matplotlib.figure import Figure  # takes long to import

    changed = config.augment != "none" or config.mixup or config.cutout
    words = [*["as augmented"] * bool(changed), *["smoothed labels"] * (config.label_smoothing > 0)]
    training = f"training ({', '.join(words)})" if words else "training"
    validation = "validation (averaged weights)" if config.ema else "validation"
    figure = Figure(figsize=(9, 4), layout="constrained")
    epochs = [int(row["epoch"]) for row in rows]
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        axes.plot(epochs, [float(row[name]) for row in rows], marker=".", label=training)  # one epoch is no line
        axes.plot(epochs, [float(row[f"val_{name}"]) for row in rows], marker=".", label=validation)
        axes.set(xlabel="epoch", ylabel=name)
        axes.locator_params(axis="x", integer=True, min_n_ticks=1)
        axes.grid(alpha=0.3)
        axes.legend()
    return figure
