"""A report as one self-contained HTML page: no scripts, nothing from elsewhere; light, dark, and for paper."""

import base64
import re
from collections.abc import Sequence
from html import escape
from itertools import groupby

import cv2
import numpy as np

from export.report.content import Content, Gallery, Plot, Section, Table, Text, Tile
from ferlite.bench.page import STYLE
from ferlite.bench.plots import VARIABLES

OWN = """
h1 { font-size: 1.6rem; line-height: 1.25; letter-spacing: -.01em; }
h2 { font-size: 1.25rem; }
h3 { font-size: 1.05rem; margin: 0 0 .2rem; }
main > section { background: none; border: 0; padding: 0; overflow: visible; margin-top: 2.6rem; break-inside: auto; }
main > section > h2 { border-bottom: 2px solid var(--grid); padding-bottom: .3rem; margin-bottom: .8rem; }
main p { max-width: 46rem; }
nav { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: 1rem 0; } a { color: var(--s1); }
.tables { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 1rem; margin: 1rem 0; }
.table { padding: 1rem; background: var(--card); border: 1px solid var(--grid); border-radius: .6rem;
  max-width: 100%; overflow-x: auto; }
.table table { width: auto; font-size: .85rem; }
.table p { margin: .6rem 0 0; font-size: .85rem; color: var(--faint); width: 0; min-width: 100%; max-width: none; }
code span { white-space: nowrap; }
.words td { white-space: normal; overflow-wrap: break-word; }
.plots { margin: 1rem 0; }
.gallery { margin: 1rem 0; break-inside: auto; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.2rem, 1fr)); gap: .9rem .8rem;
  list-style: none; padding: 0; margin: .8rem 0 0; }
.tiles.fixed { grid-template-columns: repeat(2, 1fr); }
@media (min-width: 44rem) { .tiles.fixed { grid-template-columns: repeat(4, 1fr); } }
.tiles li { font-size: .78rem; line-height: 1.35; break-inside: avoid; }
.tiles .pictures { display: flex; gap: 2px; margin-bottom: .25rem; }
.tiles img { flex: 1 1 0; min-width: 0; max-width: 6.5rem; aspect-ratio: 1; border-radius: 3px; }
.tiles b { display: block; font-weight: 600; } .tiles span { display: block; color: var(--faint); }
@media print { main > section { margin-top: 1.2rem; } .table { border: 0; padding: 0; overflow: visible; }
  .table table { font-size: 7.5pt; } nav { display: none; } * { print-color-adjust: exact; } }
"""


def html(content: Content) -> str:
    """The page."""
    facts = "".join(f"<div><dt>{escape(n)}</dt><dd>{escape(v)}</dd></div>" for n, v in content.facts.items())
    titled = [section for section in content.sections if section.title]
    links = "".join(f'<a href="#s{number}">{escape(s.title)}</a>' for number, s in enumerate(titled))
    numbered = iter(range(len(titled)))
    sections = "".join(_section(s, next(numbered) if s.title else None) for s in content.sections)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(content.title)}</title>
<style>{STYLE}{OWN}</style>
</head>
<body>
<header>
<h1>{escape(content.title)}</h1>
<p class="about">{escape(content.about)}</p>
{f'<dl class="facts">{facts}</dl>' if facts else ""}
<nav>{links}</nav>
</header>
<main>
{_unique(sections)}</main>
</body>
</html>
"""


def _section(section: Section, number: int | None) -> str:
    heading = "" if number is None else f'<h2 id="s{number}">{escape(section.title)}</h2>\n'
    parts = []
    for kind, group in groupby(section.blocks, type):
        write, around = _BLOCKS[kind]
        blocks = "".join(write(block) for block in group)
        parts.append(f'<div class="{around}">\n{blocks}</div>\n' if around else blocks)
    return f"<section>\n{heading}{''.join(parts)}</section>\n"


def _text(text: Text) -> str:
    kind = ' class="note" role="note"' if text.note else ""
    return f"<p{kind}>{_prose(text.text)}</p>\n"


def _table(table: Table) -> str:
    words = table.names == len(table.columns)
    titles = "".join(_cell("th", title, i >= table.names, ' scope="col"') for i, title in enumerate(table.columns))
    head = f"<thead><tr>{titles}</tr></thead>" if any(table.columns) else ""
    rows = "".join(
        "<tr>"
        + "".join(
            _cell("td" if i else "th", cell, i >= table.names, "" if i else ' scope="row"')
            for i, cell in enumerate(row)
        )
        + "</tr>\n"
        for row in table.rows
    )
    note = f"<p>{_prose(table.note)}</p>" if table.note else ""
    caption = f"<caption>{escape(table.caption)}</caption>"
    kind = "table words" if words else "table"
    return f'<div class="{kind}" tabindex="0"><table>{caption}{head}<tbody>\n{rows}</tbody></table>{note}</div>\n'


def _cell(tag: str, content: str, is_number: bool, attributes: str) -> str:
    number = ' class="number"' if is_number else ""
    return f"<{tag}{number}{attributes}>{escape(content)}</{tag}>"


def _plot(plot: Plot) -> str:
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", plot.svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    for color, variable in VARIABLES.items():
        svg = svg.replace(color, f"var(--{variable})")
    title, caption = escape(plot.title), escape(plot.caption)
    return (
        f'<figure><h3>{title}</h3><div role="img" aria-label="{title}">{svg}</div>'
        f"<figcaption>{caption}</figcaption></figure>\n"
    )


def _gallery(gallery: Gallery) -> str:
    tiles = "".join(_tile(tile) for tile in gallery.tiles)
    kind = "tiles fixed" if gallery.across else "tiles"
    return (
        f'<figure class="gallery"><h3>{escape(gallery.title)}</h3><figcaption>{escape(gallery.caption)}</figcaption>'
        f'<ul class="{kind}">\n{tiles}</ul></figure>\n'
    )


def _tile(tile: Tile) -> str:
    pictures = "".join(_picture(one, tile.lines) for one in tile.pictures)
    first, *others = (escape(line) for line in tile.lines or [""])
    lines = f"<b>{first}</b>{''.join(f'<span>{line}</span>' for line in others)}"
    return f'<li><div class="pictures">{pictures}</div>{lines}</li>\n'


def _picture(image: np.ndarray, lines: Sequence[str]) -> str:
    stored = image if image.ndim == 2 else image[..., ::-1]  # OpenCV's order
    data = base64.b64encode(cv2.imencode(".png", stored)[1].tobytes()).decode("ascii")
    return f'<img src="data:image/png;base64,{data}" alt="{escape(", ".join(lines))}">'


def _prose(text: str) -> str:
    return re.sub(r"`([^`]+)`", lambda found: f"<code>{_unbroken(found[1])}</code>", escape(text))


def _unbroken(code: str) -> str:
    # else browsers break lines after the hyphens of options
    return " ".join(f"<span>{word}</span>" for word in code.split(" "))


def _unique(html: str) -> str:
    """Ids of each drawn plot set apart from those of the others."""
    parts = re.split(r"(<svg.*?</svg>)", html, flags=re.DOTALL)
    for number in range(1, len(parts), 2):
        svg = re.sub(r'\bid="', f'id="p{number}-', parts[number])
        parts[number] = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>p{number}-", svg)
    return "".join(parts)


_BLOCKS = {Text: (_text, ""), Table: (_table, "tables"), Plot: (_plot, "plots"), Gallery: (_gallery, "")}
