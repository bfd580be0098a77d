"""Two reports side by side: by how much the second one is faster, for each setting that both have."""

import math
from typing import Any

from ferlite.bench.text import Report, Table, machine_line, smallest
from ferlite.errors import SettingError

KEYS = ("model", "engine", "threads", "detector", "size", "faces", "step")


def compare(before: Report, after: Report) -> tuple[Table, list[str]]:
    """A table of throughput and its ratio, and what one has to know to read it.

    A ratio above 1 means that the second report is faster. Raises SettingError where they have nothing in common.
    """
    first, second = _rows(before), _rows(after)
    common = [key for key in first if key in second and first[key]["fps"] and second[key]["fps"]]
    if not common:
        raise SettingError(
            "the two reports have no setting in common: measure both on the same kind of source, with the same "
            "--model, --threads, --detector, --sizes and --faces"
        )
    ratios = [second[key]["fps"] / first[key]["fps"] for key in common]
    rows = []
    for key, ratio in zip(common, ratios, strict=True):
        throughputs = [f"{by[key]['fps']:,.1f}" for by in (first, second)]
        rows.append([*("-" if part is None else str(part) for part in key), *throughputs, f"{ratio:.2f}"])
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    rows.append(["geometric mean", *[""] * 8, f"{mean:.2f}"])
    left_out = len(first) + len(second) - 2 * len(common)
    notes = _differences(before, after) + ([f"{left_out} rows are in one report only"] if left_out else [])
    return Table("Frames per second", [*KEYS, "first", "second", "ratio"], rows, len(KEYS)), notes


def _rows(report: Report) -> dict[tuple[Any, ...], dict[str, Any]]:
    return {tuple(row[key] for key in KEYS): row for row in report["steps"]}


def _differences(before: Report, after: Report) -> list[str]:
    notes = []
    both = before["min_face"].keys() & after["min_face"].keys()
    for name, first, second in (
        ("machines", machine_line(before), machine_line(after)),
        ("sources", before["source"]["name"], after["source"]["name"]),
        ("thread counts", _threads(before), _threads(after)),
        ("smallest faces", smallest(before, both), smallest(after, both)),
        ("OpenCV versions", _version(before, "opencv"), _version(after, "opencv")),
    ):
        if first != second:
            notes.append(f"different {name}: {first} | {second}")
    for place, report in (("first", before), ("second", after)):
        if not report["reference"]:
            notes.append(f"the {place} is not a reference: {'; '.join(report['reasons'])}")
    return notes


def _threads(report: Report) -> str:
    return ", ".join(map(str, sorted({row["threads"] for row in report["steps"]})))


def _version(report: Report, package: str) -> str:
    return ", ".join(f"{name} {version}" for name, version in report["machine"].items() if name.startswith(package))
