"""A report as Markdown for GitHub, with its plots and pictures as files in a folder beside it."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from export.report.content import Content, Gallery, Plot, Table, Text
from ferlite.bench.page import STYLE
from ferlite.bench.plots import VARIABLES

# as on paper: the last values that the style sheet has for its variables
COLORS = dict(re.findall(r"--(\w+): (#\w+)", STYLE))
ACROSS, WIDTH = 6, 9.0  # pictures, inches


def write(content: Content, path: Path, pictures: Path) -> None:
    """Write `path`, and the files it shows into the new folder `pictures` beside it."""
    pictures.mkdir()
    lines = [f"# {content.title}", "", content.about, ""]
    lines += [f"- {name}: **{value}**" for name, value in content.facts.items()]
    lines.append("")
    number = 0
    for section in content.sections:
        if section.title:
            lines += [f"## {section.title}", ""]
        for block in section.blocks:
            match block:
                case Text():
                    lines += [f"> {block.text}" if block.note else block.text, ""]
                case Table():
                    lines += [f"### {block.caption}", "", *_table(block), ""]
                    lines += [block.note, ""] if block.note else []
                case Plot() | Gallery():
                    number += 1
                    name = f"{number:02}-{re.sub('[^a-z0-9]+', '-', block.title.lower()).strip('-')}"
                    file = _plot(block, pictures / name) if isinstance(block, Plot) else _sheet(block, pictures / name)
                    lines += [f"### {block.title}", "", f"![{block.title}]({pictures.name}/{file.name})", ""]
                    lines += [block.caption, ""]
    path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def _table(table: Table) -> list[str]:
    rules = ["---" if i < table.names else "---:" for i in range(len(table.columns))]
    rows = [table.columns, rules, *table.rows]
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]


def _plot(plot: Plot, stem: Path) -> Path:
    svg = plot.svg
    for color, variable in VARIABLES.items():
        svg = svg.replace(color, COLORS[variable])
    # GitHub's page may be dark
    svg = re.sub(r"(<svg[^>]*>)", rf'\1<rect width="100%" height="100%" fill="{COLORS["page"]}"/>', svg, count=1)
    path = stem.with_suffix(".svg")
    path.write_text(svg, encoding="utf-8")
    return path


def _sheet(gallery: Gallery, stem: Path) -> Path:
    """All pictures with their lines as one PNG."""
    width = max(len(tile.pictures) for tile in gallery.tiles)
    across = gallery.across or ACROSS
    down = -(-len(gallery.tiles) // across)
    figure = Figure(figsize=(WIDTH, down * (0.5 + WIDTH / across / width)), layout="constrained")
    FigureCanvasAgg(figure)
    for place, tile in enumerate(gallery.tiles, start=1):
        if not tile.pictures:
            continue
        axes = figure.add_subplot(down, across, place)
        axes.imshow(_beside(tile.pictures), vmin=0, vmax=255, cmap="gray")
        axes.set_title("\n".join(tile.lines), fontsize=8, loc="left")
        axes.set_axis_off()
    path = stem.with_suffix(".png")
    figure.savefig(path, dpi=110)
    return path


def _beside(pictures: Sequence[np.ndarray]) -> np.ndarray:
    if len(pictures) == 1:
        return pictures[0]
    return np.hstack([p if p.ndim == 3 else np.repeat(p[..., None], 3, axis=2) for p in pictures])
