"""The plots of a report, as SVG in the stand-in colours of `ferlite.bench.plots`; needs matplotlib."""

import io
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from export.evaluate import BINS, Figures, wilson
from export.report.content import Plot
from export.report.device import Speed
from export.report.measured import Converted, Measured
from ferlite.bench.plots import FAINT, GRID, INK, PAGE, SERIES, STYLE, WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = "osD^vP"
STRONGEST = 0.62  # how much of its colour a full cell of the confusion matrix has: text has to stay legible


def confusion(found: Measured) -> Plot:
    counts = np.array(found.whole.confusion)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    labels = found.labels

    def draw(axes: "Axes") -> None:
        for (true, predicted), share in np.ndenumerate(shares):
            color = SERIES[0] if true == predicted else SERIES[1]
            place = (predicted - 0.5, true - 0.5)
            axes.add_patch(matplotlib.patches.Rectangle(place, 1, 1, facecolor=color, alpha=STRONGEST * share, lw=0))
            axes.text(predicted, true, f"{100 * share:.0f}", ha="center", va="center", fontsize=11, color=INK)
            axes.text(predicted, true + 0.33, f"{counts[true, predicted]:,}", ha="center", va="center", fontsize=7)
        axes.set_xlim(-0.5, len(labels) - 0.5)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.set_xticks(range(len(labels)), labels, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(labels)), labels)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        axes.tick_params(length=0)
        axes.grid(False)
        axes.spines[:].set_visible(False)

    caption = "Large: per cent of the true label's pictures (a row sums to 100). Small: how many pictures."
    return Plot("Confusion", caption, _drawn(draw, 1.1 + 0.56 * len(labels)))


def reliability(found: Measured) -> Plot:
    c = found.calibration

    def draw(figure: Figure) -> None:
        axes, below = figure.subplots(2, sharex=True, height_ratios=(4, 1))
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=":")
        after = f"÷ {c.temperature:.2f}: ECE {c.error_after:.3f}"
        for bins, color, marker, label in (
            (c.before, SERIES[0], "o", f"as it is: ECE {c.error_before:.3f}"),
            (c.after, SERIES[1], "s", after),
        ):
            axes.plot(bins.confidence, bins.accuracy, color=color, marker=marker, markersize=4, label=label)
        axes.set(ylim=(0, 1), ylabel="share that is right")
        axes.legend(loc="best")  # bins of a picture or two can be anywhere
        below.bar((np.arange(BINS) + 0.5) / BINS, c.before.rows, 0.8 / BINS, color=SERIES[0])
        below.set(xlim=(0, 1), xlabel="probability of the predicted label", ylabel="pictures")
        below.grid(False, axis="x")
        figure.align_ylabels()

    caption = (
        f"On the dotted line a network is right as often as it says. {BINS} bins of equal width; ECE is the expected "
        f"calibration error. Logits divided by {c.temperature:.2f} have the least cross-entropy on validation"
        + (", the pictures shown here." if found.whole.split == "validation" else ".")
    )
    return Plot("Reliability", caption, _drawn(draw, 4.4, whole=True))


def curves(found: Measured) -> Plot:
    """How loss and accuracy went, by epoch."""
    epochs = _column(found, "epoch")
    best = int(np.argmax(_column(found, "val_accuracy")))
    changed = [found.config.get(name) for name in ("mixup", "cutout")] + [found.config.get("augment", "none") != "none"]
    training = "training (as augmented)" if any(changed) else "training"

    def draw(figure: Figure) -> None:
        for axes, name in zip(figure.subplots(2, sharex=True), ("accuracy", "loss"), strict=True):
            axes.plot(epochs, _column(found, name), color=SERIES[1], marker=".", label=training)
            axes.plot(epochs, _column(found, f"val_{name}"), color=SERIES[0], marker=".", label="validation")
            axes.axvline(epochs[best], color=FAINT, linewidth=1, linestyle=":")
            axes.set_ylabel(name)
        figure.axes[0].legend(loc="lower right")
        axes.set_xlabel("epoch")
        axes.locator_params(axis="x", integer=True, min_n_ticks=1)

    caption = f"Dotted: epoch {epochs[best]:.0f}, best on validation, whose weights were kept."
    return Plot("Training", caption, _drawn(draw, 4.4, whole=True))


def all_curves(runs: Sequence[Measured]) -> Plot:
    """Validation accuracy of several runs by epoch."""

    def draw(axes: "Axes") -> None:
        for number, found in enumerate(runs):
            if found.log:
                epochs, values = _column(found, "epoch"), 100 * _column(found, "val_accuracy")
                axes.plot(epochs, values, color=_color(number), linestyle=_dashes(number), marker=".", label=found.name)
        axes.set(xlabel="epoch", ylabel="% right on validation")
        axes.locator_params(axis="x", integer=True, min_n_ticks=1)
        _legend_above(axes, len(runs))

    return Plot("Training", "Accuracy on validation after each epoch.", _drawn(draw, 3.3 + 0.1 * len(runs)))


def accuracies(runs: Sequence[Measured]) -> Plot:
    """Accuracy of several runs, on the split and on the parts and labels that it is also judged by."""
    conditions = (("as it is", SERIES[0], "o"), ("without repeats", SERIES[1], "s"), ("FER+ labels", SERIES[2], "D"))

    def draw(axes: "Axes") -> None:
        for number, (name, color, marker) in enumerate(conditions):
            for place, found in enumerate(runs):
                figures = (found.whole, found.unseen, found.ferplus)[number]
                if isinstance(figures, Figures):
                    height = place + 0.22 * (number - 1)
                    interval = 100 * np.array(figures.accuracy_interval)
                    axes.plot(interval, [height, height], color=color, linewidth=1.5, alpha=0.6)
                    axes.plot([100 * figures.accuracy], [height], marker, color=color, markersize=5)
            axes.plot([], [], marker, color=color, label=name)
        axes.set_yticks(range(len(runs)), [found.name for found in runs])
        axes.set_ylim(len(runs) - 0.5, -0.5)
        axes.set_xlabel("% right")
        axes.grid(False, axis="y")
        _legend_above(axes, 7)

    caption = "Repeats are pictures that also stand in Training. FER+ labels are the majority of votes. 95 % intervals."
    return Plot("Accuracy", caption, _drawn(draw, 1.2 + 0.42 * len(runs)))


def recalls(runs: Sequence[Measured]) -> Plot:
    """Recall by label, for one run or several."""
    labels = list(dict.fromkeys(label for found in runs for label in found.labels))
    step = 0.7 / len(runs)

    def draw(axes: "Axes") -> None:
        for number, found in enumerate(runs):
            rows = dict(zip(found.labels, np.array(found.whole.confusion), strict=True))
            for label, counts in rows.items():
                if not counts.sum():
                    continue
                place = labels.index(label) + step * (number - (len(runs) - 1) / 2)
                hits = counts[found.labels.index(label)]
                interval = 100 * np.array(wilson(int(hits), int(counts.sum())))
                color, marker = _color(number), MARKERS[number % len(MARKERS)]
                axes.plot(interval, [place, place], color=color, linewidth=1.5, alpha=0.6)
                axes.plot([100 * hits / counts.sum()], [place], marker, color=color, markersize=5)
            axes.plot([], [], MARKERS[number % len(MARKERS)], color=_color(number), label=found.name)
        axes.set_yticks(range(len(labels)), labels)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.set_xlim(0, 100)
        axes.set_xlabel("recall, %")
        axes.grid(False, axis="y")
        for line in np.arange(len(labels) - 1) + 0.5:
            axes.axhline(line, color=GRID, linewidth=0.6)
        if len(runs) > 1:
            _legend_above(axes, len(runs))

    height = 1.2 + len(labels) * max(0.3, 0.13 * len(runs)) + 0.12 * len(runs)
    caption = "Share of each label's pictures that are recognised, with 95 % intervals."
    return Plot("Recall by label", caption, _drawn(draw, height))


def conversion(found: Measured) -> Plot:
    """What conversion does to the recall of each label."""
    step = 0.7 / len(found.converted)

    def draw(axes: "Axes") -> None:
        for number, one in enumerate(found.converted):
            places = np.arange(len(found.labels)) + step * (number - (len(found.converted) - 1) / 2)
            values = [100 * ((one.figures.recall[n] or 0) - (found.whole.recall[n] or 0)) for n in found.labels]
            axes.barh(places, values, 0.85 * step, color=_color(number), label=one.name)
        axes.axvline(0, color=FAINT, linewidth=1)
        axes.set_yticks(range(len(found.labels)), found.labels)
        axes.set_ylim(len(found.labels) - 0.5, -0.5)
        low, high = axes.get_xlim()
        axes.set_xlim(min(low, -1.2), max(high, 1.2))
        axes.set_xlabel("change of recall, percentage points")
        axes.grid(False, axis="y")
        _legend_above(axes, len(found.converted))

    height = 1.4 + len(found.labels) * max(0.3, 0.14 * len(found.converted)) + 0.12 * len(found.converted)
    return Plot("What conversion costs", "Recall on the device against the trained network.", _drawn(draw, height))


def plane(models: Sequence[tuple[str, Converted, Speed]]) -> Plot:
    """Accuracy against time; the area of a dot is the size of the file. Models come with the name of their run."""
    runs = list(dict.fromkeys(run for run, _, _ in models))
    largest = max(one.megabytes for _, one, _ in models)
    times = [speed.median for _, _, speed in models]

    def draw(axes: "Axes") -> None:
        for run, one, speed in models:
            color = _color(runs.index(run))
            accuracy = 100 * one.figures.accuracy
            axes.plot([speed.median] * 2, 100 * np.array(one.figures.accuracy_interval), color=color, lw=1, alpha=0.6)
            area = 18 + 500 * one.megabytes / largest
            axes.scatter([speed.median], [accuracy], area, color=color, alpha=0.75, edgecolor=PAGE, zorder=3)
        _label_dots(axes, models)
        axes.set_xscale("log")
        axes.set_xlim(min(times) / 2.2, max(times) * 2.6)
        low, high = axes.get_xlim()
        marks = [m * 10.0**e for e in range(-4, 6) for m in (1, 2, 5) if low <= m * 10.0**e <= high]
        axes.set_xticks(marks, [f"{mark:g}" for mark in marks])
        axes.minorticks_off()
        axes.set_xlabel("ms for one face, one thread, logarithmic")
        axes.set_ylabel("% right")

    caption = "Area of a dot: size of the file. Line: 95 % interval of the accuracy."
    return Plot("Size, time and accuracy", caption, _drawn(draw, max(4.0, 1.0 + 0.35 * len(models))))


def _label_dots(axes: "Axes", models: Sequence[tuple[str, Converted, Speed]]) -> None:
    """Names beside the dots, pushed apart where dots of like accuracy and time would share a line."""
    low = min(one.figures.accuracy_interval[0] for _, one, _ in models)
    high = max(one.figures.accuracy_interval[1] for _, one, _ in models)
    gap = (high - low) / max(14, 1.2 * len(models))
    last = -1.0
    for _, one, speed in sorted(models, key=lambda model: model[1].figures.accuracy):
        height = max(one.figures.accuracy, last + gap)
        last = height
        axes.annotate(
            f"{one.name}, {one.megabytes:.2g} MB",
            (speed.median, 100 * one.figures.accuracy),
            (18, 100 * height),
            textcoords=("offset points", "data"),
            va="center",
            fontsize=8,
            arrowprops={"arrowstyle": "-", "lw": 0.5, "alpha": 0.5, "shrinkA": 0, "shrinkB": 3},
        )


def _column(found: Measured, name: str) -> np.ndarray:
    return np.array([row[name] for row in found.log])


def _color(number: int) -> str:
    return SERIES[number % len(SERIES)]


def _dashes(number: int) -> str:
    return ("-", "--", ":", "-.")[number // len(SERIES) % 4]


def _legend_above(axes: "Axes", count: int) -> None:
    columns = 2 if count < 7 else 3
    axes.legend(loc="lower center", bbox_to_anchor=(0.42, 1.0), ncols=columns, fontsize=8, columnspacing=1)


def _drawn(draw: Callable[[Any], None], height: float, whole: bool = False) -> str:
    """What `draw` makes of fresh axes, or of the `whole` figure, as an SVG element."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure if whole else figure.add_subplot())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    return re.sub(r"font: (\S+) [^;\"]*", r"font: \1 system-ui, sans-serif", svg)
