"""A report for people: plain tables for a terminal, and the same as Markdown."""

from collections.abc import Sequence, Set
from typing import Any, NamedTuple

Report = dict[str, Any]

RIGHT = 0.99  # share of frames with the right number of faces, from which a setting counts as one that works


class Table(NamedTuple):
    """A caption, the names of the columns, and rows of cells; the first `names` columns are words, the rest figures."""

    caption: str
    columns: list[str]
    rows: list[list[str]]
    names: int


def plain(report: Report) -> str:
    """The report for a terminal."""
    parts = [headline(report), *notes(report), machine_line(report), *(aligned(table) for table in tables(report))]
    return "\n\n".join(parts)


def markdown(report: Report) -> str:
    """The report as Markdown."""
    lines = [f"# {title(report)}", "", f"**{headline(report)}**", ""]
    for note in notes(report):
        lines += [f"> {note}", ""]
    for table in [*tables(report), machine(report)]:
        lines += [f"## {table.caption}", "", *_markdown_rows(table), ""]
    return "\n".join(lines)


def title(report: Report) -> str:
    return f"ferlite on {report['machine']['board']}"


def best(report: Report) -> dict[str, Any] | None:
    """The row to be proud of: most frames a second of those that report the right number of faces; live, of all.

    In the first scene and with the first number of threads: by default 640×480, one face, one thread.
    """
    rows = [row for row in report["steps"] if at_first(report, row) and row["threads"] == first(report)["threads"]]
    if first(report)["step"] != "live":
        rows = [row for row in rows if row["step"] == "tracked"]
        rows = [row for row in rows if row["right_number"] is None or row["right_number"] >= RIGHT]
    row: dict[str, Any] | None = max(rows, key=lambda row: row["fps"] or 0.0, default=None)
    return row


def first(report: Report) -> dict[str, Any]:
    """The row around which all other settings are varied."""
    row: dict[str, Any] = report["steps"][0]
    return row


def at_first(report: Report, row: dict[str, Any]) -> bool:
    """Whether a row is of the scene that all networks were measured on."""
    return all(row[key] == first(report)[key] for key in ("size", "faces"))


def size_order(size: str) -> int:
    """Pixels of a size like "640x480"."""
    width, height = map(int, size.split("x"))
    return width * height


def headline(report: Report) -> str:
    """The report in one sentence."""
    figure, unit, about = headline_parts(report)
    return f"{figure} {unit} ({about})" if figure else about


def headline_parts(report: Report) -> tuple[str, str, str]:
    """The figure, its unit, and what it is about; without a figure where none deserves it."""
    row = best(report)
    if row is None:
        return "", "", f"No setting found the right number of faces in {RIGHT:.0%} of the frames"
    about = [f"{row['detector']} detector", "one thread" if row["threads"] == 1 else f"{row['threads']} threads"]
    if row["step"] == "live":
        return f"{row['fps']:,.1f}", "results per second, live", ", ".join(about)
    scene = [row["size"]] if row["faces"] is None else [row["size"], count(row["faces"])]
    return f"{row['fps']:,.0f}", "frames per second", ", ".join(scene + about)


def notes(report: Report) -> list[str]:
    """What one has to know before one quotes a figure."""
    lines = [] if report["reference"] else [f"Not a reference: {'; '.join(report['reasons'])}."]
    return lines + [f"Note: {warning}." for warning in report["warnings"]]


def machine_line(report: Report) -> str:
    machine = report["machine"]
    return f"{machine['board']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}"


def tables(report: Report) -> list[Table]:
    """The figures: steps, stages, the classifier alone, the models, and what a live source delivers."""
    found = [_steps(report), _stages(report), _classifier(report), _models(report)]
    if report["capture"] is not None:
        found.insert(0, _capture(report["capture"]))
    return [table for table in found if table.rows]


def machine(report: Report) -> Table:
    """The machine, before, during and after."""
    rows = [[name, str(value)] for name, value in report["machine"].items()]
    states = report["states"]
    rows.append(["governor", ", ".join(states[0]["governors"]) or "unknown"])
    rows.append(["clock, MHz", _over_time([state["clock_mhz"] for state in states], min, "lowest")])
    rows.append(["highest clock, MHz", _cell(states[0]["clock_max_mhz"], 0)])
    rows.append(["temperature, °C", _over_time([state["temperature_c"] for state in states], max, "highest")])
    limits = [state["limits"] for state in states]
    rows.append(["held back by", _limits(limits)])
    rows.append(["held back since boot by", _limits([states[-1]["limits_since_boot"]])])
    rows.append(["load", _over_time([state["load"] for state in states], max, "highest")])
    amount = report["amount"]
    rows.append(["source", report["source"]["name"]])
    rows.append(["smallest face", smallest(report)])
    rows.append(["measured", f"{report['date']}, for {report['seconds']:.0f} s"])
    rows.append(["repetitions", f"{amount['rounds']} rounds of {amount['frames']} frames, settings interleaved"])
    return Table("Machine and run", ["", ""], rows, 2)


def _steps(report: Report) -> Table:
    columns = ["model", "engine", "threads", "detector", "size", "faces", "step"]
    columns += ["fps", "p50 ms", "p95 ms", "p99 ms", "CPU ms", "with a face", "right number"]
    is_live = report["capture"] is not None
    if is_live:
        columns[-1] = "dropped"
    rows = []
    for row in report["steps"]:
        last = f"{row['dropped']} of {row['seen']}" if is_live else _percent(row["right_number"])
        cells = [_cell(row[name], 0) for name in columns[:7]] + [_cell(row["fps"], 1)]
        cells += [_cell(row["latency_ms"][name], 2) for name in ("p50", "p95", "p99")]
        rows.append([*cells, _cell(row["cpu_ms_per_frame"], 2), _percent(row["with_a_face"]), last])
    caption = "Throughput, and the age of results" if is_live else "Throughput and latency of a frame"
    return Table(caption, columns, rows, 7)


def _stages(report: Report) -> Table:
    rows = [row for row in report["steps"] if row.get("stages_ms")]
    stages = list(dict.fromkeys(stage for row in rows for stage in row["stages_ms"]))
    names = ["model", "engine", "threads", "detector", "size", "faces", "step"]
    cells = [
        [_cell(row[name], 0) for name in names] + [_cell(row["stages_ms"].get(stage), 3) for stage in stages]
        for row in rows
    ]
    return Table("Stages, mean ms of a frame", names + stages, cells, len(names))


def _classifier(report: Report) -> Table:
    names = ["model", "engine", "threads", "faces"]
    rows = []
    for row in report["classifier"]:
        times = row["latency_ms"]
        each = None if times["p50"] is None else times["p50"] / row["faces"]
        cells = [_cell(times[name], 3) for name in ("p50", "p95", "p99")]
        rows.append([_cell(row[name], 0) for name in names] + [*cells, _cell(each, 3)])
    return Table("The classifier alone", [*names, "p50 ms", "p95 ms", "p99 ms", "p50 ms a face"], rows, len(names))


def _models(report: Report) -> Table:
    splits = list(dict.fromkeys(split for model in report["models"] for split in model["accuracy"]))
    rows = [
        [model["model"], model["input"], f"{model['bytes'] / 1e6:.2f}", _millions(model["multiply_adds"])]
        + [_percent(model["accuracy"].get(split)) for split in splits]
        for model in report["models"]
    ]
    columns = ["model", "input", "MB", "multiply-adds", *(f"accuracy, {split}" for split in splits)]
    return Table("Models, as their cards describe them", columns, rows, 2)


def _capture(capture: dict[str, Any]) -> Table:
    row = [capture["size"], _cell(capture["stated_fps"], 1), _cell(capture["fps"], 1)]
    row += [str(capture[name]) for name in ("frames", "repeated", "dropped")]
    columns = ["size", "stated fps", "fps, different pictures", "different", "repeated", "dropped"]
    return Table("What the source delivers", columns, [row], 1)


def smallest(report: Report, detectors: Set[str] | None = None) -> str:
    """The smallest face that each detector, or each of these, was to find, as a part of the picture's longer side."""
    parts = report["min_face"]
    chosen = parts if detectors is None else sorted(parts.keys() & detectors)
    return ", ".join(f"{name} {_cell(parts[name], 2)}" for name in chosen)


def count(faces: int) -> str:
    """A number of faces in words."""
    return {0: "no face", 1: "one face"}.get(faces, f"{faces} faces")


def aligned(table: Table) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(table.columns, *table.rows, strict=True)]
    lines = [table.caption]
    for row in [table.columns, *table.rows]:
        cells = [
            cell.ljust(width) if i < table.names else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def markdown_table(table: Table, notes: Sequence[str] = ()) -> str:
    """A table by itself, as Markdown."""
    return "\n".join([f"## {table.caption}", "", *(f"> {note}\n" for note in notes), *_markdown_rows(table), ""])


def _markdown_rows(table: Table) -> list[str]:
    rules = ["---" if i < table.names else "---:" for i in range(len(table.columns))]
    return [_markdown_row(row) for row in [table.columns, rules, *table.rows]]


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _over_time(values: list[float | None], extreme: Any, word: str) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "unknown"
    return f"{known[0]:g} before, {extreme(known):g} at the {word}, {known[-1]:g} after"


def _limits(seen: list[list[str] | None]) -> str:
    known = [limits for limits in seen if limits is not None]
    if not known:
        return "unknown"
    return ", ".join(sorted({limit for limits in known for limit in limits})) or "nothing"


def _cell(value: Any, digits: int) -> str:
    if value is None:
        return "-"
    return f"{value:,.{digits}f}" if isinstance(value, float) else str(value)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _millions(value: Any) -> str:
    return f"{value / 1e6:.0f} M" if isinstance(value, int | float) else "-"
