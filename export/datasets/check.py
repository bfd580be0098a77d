"""What is wrong with a data set: uneven labels, copies within and across the splits, pictures without a face.

`check` finds it, `cleaned` turns it into the training pictures better left out, `write_list` and `read_list` keep these
in a text file. Validation and test pictures are reported but never left out: the published figures are of all of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from export.datasets import copies, fer2013, ferplus
from export.datasets.types import SPLITS, Dataset, SplitName
from export.errors import DatasetError
from export.runs import replacing
from ferlite.errors import OutputError

FAINT = 5.0  # grey levels of standard deviation below which a picture is blank
FILLED = 2 / 3  # share of pixels that are all the same above which it is, too: error signs, empty pages


class Row(NamedTuple):
    """One picture of a data set."""

    split: SplitName
    name: str
    label: str


class Copy(NamedTuple):
    """A validation or test picture that nearly repeats one of another split; `correlation` is that once aligned."""

    row: Row
    original: Row
    mirrored: bool
    correlation: float


@dataclass(frozen=True, slots=True)
class Findings:
    """What `check` found. `not_faces` is None where no votes were given."""

    name: str
    labels: tuple[str, ...]
    counts: dict[SplitName, tuple[int, ...]]  # pictures of each label
    identical: tuple[tuple[Row, ...], ...]  # groups of two and more
    near: tuple[Copy, ...]
    blank: tuple[Row, ...]
    not_faces: tuple[Row, ...] | None


def check(dataset: Dataset, votes: np.ndarray | None = None) -> Findings:
    """Look through a data set; half a minute for FER-2013.

    `votes` (rows, 10) are the FER+ counts of all rows of the file, as `ferplus.read` gives them; the pictures find
    theirs by their names, "row 12". Raises DatasetError where names and votes do not go together.
    """
    not_faces = None if votes is None else _not_faces(dataset, votes)
    blank = {name: np.array([_is_blank(image) for image in dataset.split(name).images], bool) for name in SPLITS}

    def row(split: SplitName, number: int) -> Row:
        there = dataset.split(split)
        return Row(split, there.names[number], dataset.labels[there.labels[number]])

    def rows(masks: Mapping[SplitName, np.ndarray]) -> tuple[Row, ...]:
        return tuple(row(name, number) for name in SPLITS for number in np.flatnonzero(masks[name]))

    return Findings(
        name=dataset.name,
        labels=dataset.labels,
        counts={
            name: tuple(np.bincount(dataset.split(name).labels, minlength=len(dataset.labels)).tolist())
            for name in SPLITS
        },
        identical=tuple(tuple(row(*place) for place in group) for group in copies.identical(dataset)),
        near=tuple(
            Copy(row(*near.place), row(*near.original), near.mirrored, near.correlation)
            for near in copies.nearly(dataset, ignored=blank)
        ),
        blank=rows(blank),
        not_faces=None if not_faces is None else rows(not_faces),
    )


def cleaned(findings: Findings, dataset: Dataset) -> list[tuple[str, str]]:
    """The training pictures better left out, by name and with the reason, in the order of the data.

    These are blank pictures and non-faces, pictures that are there under different labels as well, those that a
    validation or test picture repeats, exactly or nearly, and of identical ones all but the first.
    """
    reasons: dict[str, str] = {}
    _give(reasons, findings.blank, "blank")
    _give(reasons, findings.not_faces or (), "not a face by the FER+ votes")
    for group in findings.identical:
        for row in group:
            other = next((other for other in group if other.label != row.label), None)
            if other is not None:
                _give(reasons, [row], f"the same as {other.name} of the label {other.label}")
    for group in findings.identical:
        other = next((row for row in group if row.split != "training"), None)
        if other is not None:
            _give(reasons, group, f"the same as {other.name} of the {other.split} split")
    for copy in findings.near:
        mirrored = ", mirrored" if copy.mirrored else ""
        _give(reasons, [copy.original], f"nearly the same as {copy.row.name} of the {copy.row.split} split{mirrored}")
    for group in findings.identical:
        kept = [row for row in group if row.name not in reasons]
        if kept:
            _give(reasons, kept[1:], f"the same as {kept[0].name}")
    return [(name, reasons[name]) for name in dataset.training.names if name in reasons]


def as_text(findings: Findings) -> str:
    """The findings as tables for people."""
    return "\n\n".join(
        "\n".join(part) for part in (_label_table(findings), _copy_table(findings), _fault_table(findings))
    )


def as_json(findings: Findings) -> dict:
    """The findings as plain values, every row with its split, name and label."""
    return {
        "name": findings.name,
        "counts": {name: dict(zip(findings.labels, counts, strict=True)) for name, counts in findings.counts.items()},
        "balance": {name: _balance(counts) for name, counts in findings.counts.items()},
        "identical": [[row._asdict() for row in group] for group in findings.identical],
        "near": [
            copy._asdict() | {"row": copy.row._asdict(), "original": copy.original._asdict()} for copy in findings.near
        ],
        "blank": [row._asdict() for row in findings.blank],
        "not_faces": None if findings.not_faces is None else [row._asdict() for row in findings.not_faces],
    }


def write_list(rows: Sequence[tuple[str, str]], path: Path) -> None:
    """Write names with reasons, a line each. Raises OutputError, and DatasetError for names that fit on no line."""
    for name, _ in rows:
        if name.startswith("#") or name.strip() != name or "\t" in name or name.splitlines() != [name]:
            raise DatasetError(f"{path}: a list cannot hold the name {name!r}; rename the picture")
    lines = ["# Pictures to leave out, and why: the name, a tab, the reason. Found by `python -m export data check`."]
    lines += [f"{name}\t{reason}" for name, reason in rows]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error


def read_list(path: Path) -> set[str]:
    """The names in a list by `write_list` or by hand; what follows a tab, and lines that begin with #, are comments."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: not a text file: {error}") from error
    except OSError as error:
        raise DatasetError(
            f"{path}: {error.strerror}; expected a list of pictures by `python -m export data check --output`"
        ) from error
    names = (line.partition("\t")[0].strip() for line in lines if not line.startswith("#"))
    return {name for name in names if name}


def _give(reasons: dict[str, str], rows: Iterable[Row], reason: str) -> None:
    """Note why rows are better left out, where they are training pictures and no reason is known yet."""
    for row in rows:
        if row.split == "training":
            reasons.setdefault(row.name, reason)


def _is_blank(image: np.ndarray) -> bool:
    grey = copies.grey(image)
    return bool(grey.std() < FAINT or np.bincount(grey.ravel()).max() > FILLED * grey.size)


def _not_faces(dataset: Dataset, votes: np.ndarray) -> dict[SplitName, np.ndarray]:
    """By split, which pictures (n,) bool more than half of the people saw no face on."""
    most = 2 * votes[:, ferplus.COLUMNS.index("NF")] > votes.sum(1)
    found = {}
    for split in SPLITS:
        names = dataset.split(split).names
        other = next((name for name in names if not name.startswith("row ")), None)
        if other is not None:
            raise DatasetError(f"FER+ votes belong to rows of fer2013.csv, not to other pictures such as {other}")
        rows = np.array([fer2013.row_index(name) for name in names], np.int64)
        if rows.max(initial=-1) >= len(most):
            raise DatasetError(f"{len(most)} rows of FER+ votes are too few for {rows.max() + 1} rows of pictures")
        found[split] = most[rows]
    return found


def _balance(counts: Sequence[int]) -> float | None:
    """Pictures of the most frequent label for each of the rarest; None where a label has none."""
    return max(counts) / min(counts) if min(counts, default=0) else None


def _label_table(findings: Findings) -> list[str]:
    width = max(len("largest/smallest"), *(len(label) for label in findings.labels))
    lines = [f"{'':{width}}" + "".join(f"{name:>12}" for name in SPLITS)]
    for number, label in enumerate(findings.labels):
        lines.append(f"{label:{width}}" + "".join(f"{findings.counts[name][number]:12,}" for name in SPLITS))
    lines.append(f"{'all':{width}}" + "".join(f"{sum(findings.counts[name]):12,}" for name in SPLITS))
    ratios = [_balance(findings.counts[name]) for name in SPLITS]
    shown = ["-" if ratio is None else f"{ratio:.1f}" for ratio in ratios]
    lines.append(f"{'largest/smallest':{width}}" + "".join(f"{ratio:>12}" for ratio in shown))
    return [f"{findings.name}: {sum(map(sum, findings.counts.values())):,} pictures", *lines]


def _copy_table(findings: Findings) -> list[str]:
    def line(what: str, groups: Sequence[Sequence[Row]]) -> str:
        return f"{what:32}{len(groups):8,}{sum(map(len, groups)):10,}"

    groups = findings.identical
    return [
        f"{'identical pictures':32}{'groups':>8}{'pictures':>10}",
        line("all", groups),
        line("within one split", [group for group in groups if len({row.split for row in group}) == 1]),
        line("across splits", [group for group in groups if len({row.split for row in group}) > 1]),
        line("with different labels", [group for group in groups if len({row.label for row in group}) > 1]),
    ]


def _fault_table(findings: Findings) -> list[str]:
    faults: dict[str, set[Row]] = {
        "the same in training": {
            row
            for group in findings.identical
            for row in group
            if row.split != "training" and any(other.split == "training" for other in group)
        },
        "nearly the same in training": {copy.row for copy in findings.near if copy.original.split == "training"},
        "nearly the same in validation": {copy.row for copy in findings.near if copy.original.split == "validation"},
        "blank": set(findings.blank),
    }
    if findings.not_faces is not None:
        faults["not a face by the FER+ votes"] = set(findings.not_faces)
    lines = [f"{'pictures':32}" + "".join(f"{name:>12}" for name in SPLITS)]
    for fault, rows in faults.items():
        lines.append(f"{fault:32}" + "".join(f"{sum(row.split == name for row in rows):12,}" for name in SPLITS))
    return lines
