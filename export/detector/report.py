"""The measurements of detectors as JSON, Markdown, a plot of their curves, and sheets of what they got wrong."""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from export.detector.evaluate import BINS, CLEAR, FRAME, SMALLEST, Miss, Result
from ferlite import read_image

COLUMNS, ROWS, TILE = 8, 3, 120  # of a sheet: rows of missed faces, and as many of false boxes
AROUND = 1.8  # sides of a box that a tile shows
LEAST = 48  # pixels of a picture that a tile shows at least


def write(results: Sequence[Result], about: Mapping[str, Any], stem: Path) -> list[Path]:
    """Write STEM.json, STEM.md, STEM.png and a sheet for each detector; returns their paths."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    sheets = [stem.with_name(f"{stem.name}-{_plain(result.title)}.png") for result in results]
    paths = [stem.with_name(f"{stem.name}{suffix}") for suffix in (".json", ".md", ".png")]
    paths[0].write_text(json.dumps(as_json(results, about), indent=2) + "\n", encoding="utf-8")
    paths[1].write_text(as_markdown(results, about), encoding="utf-8")
    _plot(results, paths[2])
    for result, path in zip(results, sheets, strict=True):
        cv2.imwrite(str(path), sheet(result))
    return [*paths, *sheets]


def as_json(results: Sequence[Result], about: Mapping[str, Any]) -> dict[str, Any]:
    """All figures as plain JSON values."""
    return {"about": dict(about), "detectors": [_figures(result) for result in results]}


def as_markdown(results: Sequence[Result], about: Mapping[str, Any]) -> str:
    """The figures in tables, for people."""
    first = results[0]
    lines = ["# Face detectors side by side", ""]
    lines += [f"- {name}: {value}" for name, value in about.items()]
    lines += [
        "",
        f"{first.faces:,} faces of at least {SMALLEST} pixels in a frame {FRAME} wide, {first.empty} pictures without "
        "any. Recall, precision and false boxes are those of the detector as it is by default.",
        "",
    ]
    header = ["detector", "recall", "precision", "false boxes", "… in 1,000 pictures without faces"]
    header += ["average precision", f"landmarks off, faces ≥ {CLEAR} px (mean, median)", "ms a picture"]
    rows = []
    for result in results:
        off = "-" if result.landmarks is None else ", ".join(f"{value:.1%}" for value in result.landmarks)
        figures = [f"{result.recall:.1%}", f"{result.precision:.1%}", str(result.false), f"{result.false_per_1000:.0f}"]
        figures += [f"{result.curve.average_precision:.3f}", off, f"{result.milliseconds:.2f}"]
        rows.append([result.title, *figures])
    lines += [_table(header, rows), "Recall by the face's width there:", ""]
    sizes = [f"{low:g}–{high:g}" if np.isfinite(high) else f"≥ {low:g}" for low, high in pairwise(BINS)]
    header = ["detector", *(f"{size} ({count})" for size, (_, count) in zip(sizes, first.by_size, strict=True))]
    rows = [
        [result.title, *("-" if not count else f"{share:.1%}" for share, count in result.by_size)] for result in results
    ]
    lines += [_table(header, rows), "The highest recall with no more false boxes than:", ""]
    header = ["detector", *(f"{other.title} ({other.false})" for other in results)]
    rows = [[one.title, *(f"{one.curve.recall_at(other.false):.1%}" for other in results)] for one in results]
    return "\n".join([*lines, _table(header, rows)])


def sheet(result: Result) -> np.ndarray:
    """The largest missed faces (green) above the surest false boxes (red), BGR, with their width or score."""
    parts = []
    for misses, color in ((result.missed, (0, 200, 0)), (result.wrong, (0, 0, 255))):
        tiles = [_tile(miss, color) for miss in misses[: COLUMNS * ROWS]]
        tiles += [np.full((TILE, TILE, 3), 255, np.uint8)] * (COLUMNS * ROWS - len(tiles))
        parts += [np.hstack(tiles[row * COLUMNS : (row + 1) * COLUMNS]) for row in range(ROWS)]
    return np.vstack(parts)


def _tile(miss: Miss, color: tuple[int, int, int]) -> np.ndarray:
    image = read_image(miss.path)
    x, y, w, h = miss.box
    side = max(AROUND * max(w, h), LEAST)
    scale = TILE / side
    move = np.array([[scale, 0, TILE / 2 - scale * (x + w / 2)], [0, scale, TILE / 2 - scale * (y + h / 2)]])
    tile = cv2.warpAffine(image, move, (TILE, TILE), flags=cv2.INTER_AREA, borderValue=(128, 128, 128))
    corners = [(round(TILE / 2 + sign * scale * w / 2), round(TILE / 2 + sign * scale * h / 2)) for sign in (-1, 1)]
    cv2.rectangle(tile, corners[0], corners[1], color, 1)
    text = f"{miss.value:.2f}" if miss.value <= 1 else f"{miss.value:.0f} px"
    for ink, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(tile, text, (3, TILE - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.4, ink, width, cv2.LINE_AA)
    return tile


def _figures(result: Result) -> dict[str, Any]:
    whole = result.curve
    chosen = np.unique(np.linspace(0, len(whole.scores) - 1, 200).astype(int)) if len(whole.scores) else []
    return {
        "detector": result.title,
        "faces": result.faces,
        "recall": result.recall,
        "precision": result.precision,
        "false_boxes": result.false,
        "pictures_without_faces": result.empty,
        "false_boxes_per_1000_pictures_without_faces": result.false_per_1000,
        "recall_by_width": [
            {"from": low, "to": high if np.isfinite(high) else None, "faces": count, "recall": share if count else None}
            for (low, high), (share, count) in zip(pairwise(BINS), result.by_size, strict=True)
        ],
        "average_precision": whole.average_precision,
        "landmark_error": result.landmarks and {"mean": result.landmarks[0], "median": result.landmarks[1]},
        "milliseconds": result.milliseconds,
        "curve": [
            {
                "score": float(whole.scores[n]),
                "recall": float(whole.recall[n]),
                "precision": float(whole.precision[n]),
                "false_boxes": int(whole.false[n]),
            }
            for n in chosen
        ],
    }


def _plot(results: Sequence[Result], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    for result in results:
        (line,) = axes.plot(result.curve.recall, result.curve.precision, label=result.title)
        axes.plot([result.recall], [result.precision], "o", color=line.get_color())
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.01))
    axes.set_title("the dots are the detectors as they are by default", fontsize="small")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rules = ["---", *["---:"] * (len(header) - 1)]
    return "".join(f"| {' | '.join(row)} |\n" for row in [header, rules, *rows])


def _plain(title: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in title).strip("-")
