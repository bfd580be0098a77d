"""The report's plots as inline SVG whose colours are CSS variables, so that the page decides between light and dark.

Needs matplotlib, which is imported when a plot is drawn.
"""

import io
import re
from collections.abc import Callable, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from ferlite.bench.text import Report, at_first, count, first, size_order
from ferlite.errors import EngineError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = dict[str, Any]

WIDTH = 5.4  # inches of 72 points: about a phone's width, so that nothing has to shrink there
# colours that stand for variables of the page's style sheet
INK, FAINT, GRID, PAGE = "#010101", "#020202", "#030303", "#040404"
SERIES = ("#050505", "#060606", "#070707", "#080808", "#090909")
VARIABLES = {INK: "ink", FAINT: "faint", GRID: "grid", PAGE: "page"} | {c: f"s{i}" for i, c in enumerate(SERIES, 1)}
STAGES = {"search": SERIES[0], "look": SERIES[2], "match": SERIES[4], "classify": SERIES[1]}
LINES = {"tracked": "-", "searching": "--"}
STYLE: Any = {
    "svg.fonttype": "none",  # text stays text: it can be read aloud, searched and copied
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": FAINT,
    "axes.edgecolor": GRID,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 2,
    "lines.markersize": 6,
}


class Plot(NamedTuple):
    """A drawn plot with its title, and what it shows in words."""

    title: str
    caption: str
    svg: str


def check() -> None:
    """Raises EngineError where plots cannot be drawn."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        advice = "pip install 'ferlite[report]'; without it JSON and Markdown are written"
        raise EngineError(f"the page with plots needs matplotlib: {advice}") from error


def plots(report: Report) -> list[Plot]:
    """All plots that the report has figures for. Raises EngineError without matplotlib."""
    check()
    import matplotlib

    drawn: list[Plot] = []
    with matplotlib.rc_context(STYLE):
        for make in (_latencies, _stages, _faces, _sizes, _accuracy):
            plot = make(report, f"plot{len(drawn)}")
            if plot is not None:
                drawn.append(plot)
    return drawn


def _latencies(report: Report, name: str) -> Plot | None:
    base = first(report)
    rows = [
        row
        for row in report["steps"]
        if at_first(report, row)
        and (_network(row) == _network(base) or all(row[key] == base[key] for key in ("step", "threads")))
    ]
    rows.sort(key=lambda row: row["latency_ms"]["p50"])
    labels = [_label(row, base) for row in rows]

    def draw(axes: "Axes") -> None:
        for place, row in enumerate(rows):
            p50, p95, p99 = (row["latency_ms"][p] for p in ("p50", "p95", "p99"))
            color = _step_color(row["step"])
            axes.plot([p50, p99], [place, place], color=color, linewidth=3, solid_capstyle="round")
            axes.plot([p95], [place], "|", color=color, markersize=11, markeredgewidth=2)
            axes.plot([p50], [place], "o", color=color, markersize=8)
            axes.annotate(f"{p50:.3g}", (p50, place), (-8, 0), textcoords="offset points", ha="right", va="center")
        axes.set_yticks(range(len(rows)), labels)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        _logarithmic(axes, [row["latency_ms"][p] for row in rows for p in ("p50", "p99")])
        axes.set_xlabel("ms, logarithmic")
        axes.grid(False, axis="y")

    live = report["capture"] is not None
    return Plot(
        "How old results are" if live else "Latency of a frame",
        "Dot: half of the frames are faster (p50). Stroke: 95 % are (p95). End of the line: 99 % are (p99).",
        _drawn(draw, 0.9 + 0.27 * len(rows), name),
    )


def _stages(report: Report, name: str) -> Plot | None:
    rows = [row for row in _first_network(report) if row.get("stages_ms") and at_first(report, row)]
    if not rows:
        return None
    rows.sort(key=lambda row: sum(row["stages_ms"].values()))
    stages = [stage for stage in STAGES if any(stage in row["stages_ms"] for row in rows)]

    def draw(axes: "Axes") -> None:
        left = [0.0] * len(rows)
        for stage in stages:
            values = [row["stages_ms"].get(stage) or 0.0 for row in rows]
            axes.barh(range(len(rows)), values, 0.6, left, color=STAGES[stage], label=stage, edgecolor=PAGE)
            left = [a + b for a, b in zip(left, values, strict=True)]
        for place, total in enumerate(left):
            axes.annotate(f"{total:.3g} ms", (total, place), (5, 0), textcoords="offset points", va="center")
        axes.set_yticks(range(len(rows)), [f"{row['detector']}, {row['step']}" for row in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(0, 1.18 * max(left))
        axes.set_xlabel("ms, mean of all frames")
        axes.grid(False, axis="y")
        axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=len(stages), columnspacing=1, handlelength=1)

    return Plot(
        "Where the time goes",
        "search: the whole picture; look: around known faces; match: which face is which; classify: crops, "
        "network and smoothing.",
        _drawn(draw, 1.3 + 0.36 * len(rows), name),
    )


def _faces(report: Report, name: str) -> Plot | None:
    size = first(report)["size"]
    rows = [row for row in _first_network(report) if row["size"] == size and row["step"] in LINES]
    counts = sorted({row["faces"] for row in rows}, key=lambda count: count or 0)
    if len(counts) < 2:
        return None

    def draw(axes: "Axes") -> None:
        _lines(axes, rows, "faces", counts)
        axes.set_xticks(counts, [str(count) for count in counts])
        axes.set_xlabel("faces in the picture")

    caption = f"Mean time of a {size} frame by the number of faces, one network."
    return Plot("More faces", caption, _drawn(draw, 3.2, name))


def _sizes(report: Report, name: str) -> Plot | None:
    faces = first(report)["faces"]
    rows = [row for row in _first_network(report) if row["faces"] == faces and row["step"] in LINES]
    sizes = sorted({row["size"] for row in rows}, key=size_order)
    if len(sizes) < 2:
        return None

    def draw(axes: "Axes") -> None:
        _lines(axes, rows, "size", sizes)
        axes.set_xticks(range(len(sizes)), [size.replace("x", "×") for size in sizes])
        axes.set_xlabel("frame size")

    caption = f"Mean time of a frame with {count(faces)} by its size, one network."
    return Plot("Larger frames", caption, _drawn(draw, 3.2, name))


def _accuracy(report: Report, name: str) -> Plot | None:
    accuracies = {model["model"]: model["accuracy"] for model in report["models"]}
    split = "test" if any("test" in by_split for by_split in accuracies.values()) else "validation"
    threads = first(report)["threads"]
    rows = [row for row in report["classifier"] if row["faces"] == 1 and row["threads"] == threads]
    rows = [row for row in rows if split in accuracies[row["model"]]]
    if not rows:
        return None
    several = len({row["engine"] for row in rows}) > 1
    titles = [f"{row['model']}, {row['engine']}" if several else row["model"] for row in rows]
    values = [100 * accuracies[row["model"]][split] for row in rows]
    times = [row["latency_ms"]["p50"] for row in rows]

    def draw(axes: "Axes") -> None:
        for place, (x, y, title) in enumerate(zip(times, values, titles, strict=True)):
            axes.plot([x], [y], "o", color=SERIES[place % len(SERIES)], markersize=10)
            above = place % 2 == 0  # neighbours of the same accuracy must not write over each other
            axes.annotate(title, (x, y), (0, 10 if above else -18), textcoords="offset points", ha="center")
        _logarithmic(axes, [min(times) / 1.7, max(times) * 1.7])
        axes.set_ylim(min(values) - 2, max(values) + 2)
        axes.locator_params(axis="y", integer=True)
        axes.set_xlabel(f"ms for one face, {_threads(threads)}, logarithmic")
        axes.set_ylabel(f"% right, {split} split")

    return Plot(
        "Accuracy against time",
        "Each network by itself: accuracy as its card has it, time as measured here.",
        _drawn(draw, 2.8, name),
    )


def _lines(axes: "Axes", rows: Sequence[Row], key: str, values: Sequence[Any]) -> None:
    """A line for each detector and step; the mean latency by `key`."""
    detectors = list(dict.fromkeys(row["detector"] for row in rows))
    highest = 0.0
    for detector, step in product(detectors, LINES):
        own = [row for row in rows if (row["detector"], row["step"]) == (detector, step)]
        means = {row[key]: row["latency_ms"]["mean"] for row in own}
        places = [value if key == "faces" else values.index(value) for value in values if value in means]
        heights = [means[value] for value in values if value in means]
        color = SERIES[(3 + detectors.index(detector)) % len(SERIES)]  # the first ones stand for steps
        axes.plot(places, heights, f"o{LINES[step]}", color=color, label=f"{detector}, {step}")
        highest = max([highest, *heights])
    axes.set_ylim(0, 1.1 * highest)
    axes.set_ylabel("ms, mean")
    axes.legend(loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=2, columnspacing=1, handlelength=3)


def _first_network(report: Report) -> list[Row]:
    """The rows of the network and thread count that all scenes were measured with."""
    base = first(report)
    return [row for row in report["steps"] if all(row[key] == base[key] for key in ("model", "engine", "threads"))]


def _network(row: Row) -> tuple[str, str]:
    return row["model"], row["engine"]


def _label(row: Row, base: Row) -> str:
    """A row's name: its detector and step, and what else sets it apart from the one that all are varied around."""
    parts = [row["detector"], row["step"]]
    if row["threads"] != base["threads"]:
        parts.append(_threads(row["threads"]))
    parts += [row[key] for key in ("model", "engine") if row[key] != base[key]]
    return ", ".join(parts)


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def _step_color(step: str) -> str:
    return {"tracked": SERIES[2], "searching": SERIES[0], "pipeline": SERIES[1]}.get(step, SERIES[3])


def _logarithmic(axes: "Axes", values: Sequence[float]) -> None:
    low, high = min(values), max(values)
    axes.set_xscale("log")
    axes.set_xlim(low / 3, high * 1.15)
    marks = [m * 10.0**e for e in range(-4, 6) for m in (1, 2, 5) if low / 3 <= m * 10.0**e <= high * 1.15]
    axes.set_xticks(marks, [f"{mark:g}" for mark in marks])
    axes.minorticks_off()


def _drawn(draw: Callable[["Axes"], None], height: float, name: str) -> str:
    """What `draw` makes of a fresh pair of axes, as an SVG element whose ids begin with `name`."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    FigureCanvasSVG(figure)
    draw(figure.add_subplot())
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True)
    return _inline(buffer.getvalue(), name)


def _inline(svg: str, name: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"font: (\S+) [^;\"]*", r"font: \1 system-ui, sans-serif", svg)
    for color, variable in VARIABLES.items():
        svg = svg.replace(color, f"var(--{variable})")
    return svg
