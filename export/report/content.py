"""What a report is made of, before it becomes HTML or Markdown: sections with texts, tables, plots and pictures."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; what stands between `backticks` is code. A note is set apart."""

    text: str
    note: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under the names of the columns; the first `names` columns are words, the rest figures."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    names: int = 1
    note: str = ""


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot as SVG in the stand-in colours of `ferlite.bench.plots`, and what it shows in words."""

    title: str
    caption: str
    svg: str


@dataclass(frozen=True, slots=True)
class Tile:
    """Pictures (h, w) grey or (h, w, 3) RGB uint8 side by side, with lines below; without any it keeps a place free."""

    pictures: Sequence[np.ndarray] = ()
    lines: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Gallery:
    """Pictures with what there is to say of each, as many in a row as fit, or `across`."""

    title: str
    caption: str
    tiles: Sequence[Tile]
    across: int | None = None


Block = Text | Table | Plot | Gallery


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks under a heading; without a title, those that open the report."""

    title: str
    blocks: Sequence[Block] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Content:
    """A whole report."""

    title: str
    about: str
    sections: Sequence[Section]
    facts: dict[str, str] = field(default_factory=dict)
