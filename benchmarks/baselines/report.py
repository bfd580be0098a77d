"""A race in figures, as JSON values and as a Markdown table."""

from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np

from benchmarks.baselines.race import Times
from ferlite.tracking import overlap
from ferlite.types import Box

SAME = 0.3  # least overlap with the true box for a face to count as found
ENOUGH = 0.99  # of the frames the face has to be found in, for a setting to count


def summary(times: Sequence[Times], truth: Sequence[Box | None]) -> list[dict[str, Any]]:
    """A row for each contestant, all in milliseconds; `truth` is the face's place in each timed frame.

    Those that are not ferlite get their ratio to the fastest setting of ferlite that finds the face often enough, and
    the lowest and highest ratio of a round.
    """
    rows = [_row(contestant, truth) for contestant in times]
    mine = [row for row in rows if row["ferlite"]]
    fastest = min(mine, key=lambda row: (-min(row["found"], ENOUGH), row["median"]))
    for row in rows:
        ratios = [a / b for a, b in zip(row["rounds"], fastest["rounds"], strict=True)]
        row |= {
            "against": fastest["name"],
            "ratio": round(row["median"] / fastest["median"], 2),
            "ratio_of_means": round(row["mean"] / fastest["mean"], 2),
            "ratio_lowest": round(min(ratios), 2),
            "ratio_highest": round(max(ratios), 2),
        }
    return rows


def _row(contestant: Times, truth: Sequence[Box | None]) -> dict[str, Any]:
    milliseconds = np.concatenate(contestant.milliseconds)
    boxes = [faces for block in contestant.boxes for faces in block]
    hits = [
        any(overlap(face, there) >= SAME for face in faces)
        for faces, there in zip(boxes, truth, strict=True)
        if there is not None
    ]
    return {
        "name": contestant.entry.name,
        "ferlite": contestant.entry.module == "tracked",
        "settings": contestant.entry.settings,
        "versions": contestant.versions,
        "median": round(float(np.median(milliseconds)), 4),
        "p95": round(float(np.percentile(milliseconds, 95)), 4),
        "mean": round(float(milliseconds.mean()), 4),
        "rounds": [round(median(block), 4) for block in contestant.milliseconds],
        "found": round(sum(hits) / len(hits), 4) if hits else 0.0,
        "target": contestant.entry.target,
    }


def as_markdown(report: dict[str, Any]) -> str:
    """The report for people."""
    rows = report["contestants"]
    fastest = next(row for row in rows if row["name"] == row["against"])
    counts = fastest["found"] >= ENOUGH
    lines = [
        f"`{report['command']}`",
        "",
        ", ".join(f"{name} {value}" for name, value in report["machine"].items()),
        "",
        f"{report['frames']} frames {report['size']} of {report['source']} in {report['rounds']} interleaved rounds, "
        f"seed {report['seed']}; one thread on core {report['core']}, {report['clock']} time, load "
        f"{report['load']:.1f}; the face is there in {report['with_face']} frames",
        "",
        f"The fastest setting of ferlite that finds it in {ENOUGH:.0%} of these or more: {fastest['name']}"
        if counts
        else f"No setting of ferlite finds it in {ENOUGH:.0%} of these; {fastest['name']} finds most",
        "",
        "| | ms, median | p95 | mean | face found | times the fastest setting | of means | target |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        target = ""
        if row["target"]:
            target = f"{row['target']}, {'met' if counts and row['ratio'] >= row['target'] else 'not met'}"
        lines.append(
            f"| {row['name']} | {row['median']:.3f} | {row['p95']:.3f} | {row['mean']:.3f} | {row['found']:.1%} "
            f"| {row['ratio']:.1f} ({row['ratio_lowest']:.1f} … {row['ratio_highest']:.1f}) "
            f"| {row['ratio_of_means']:.1f} | {target} |"
        )
    lines += ["", *(f"- {row['name']}: {_versions(row)}" for row in rows if not row["ferlite"])]
    return "\n".join(lines)


def _versions(row: dict[str, Any]) -> str:
    return ", ".join(f"{name} {number}" for name, number in row["versions"].items())
