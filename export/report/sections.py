"""What a report says: figures of runs become texts, tables, plots and pictures, in the order people read them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from export.evaluate import Figures, wilson
from export.report import gradcam, plots
from export.report.content import Block, Content, Gallery, Section, Table, Text, Tile
from export.report.device import Speeds
from export.report.measured import LOOKED_AT, Answer, Measured

SPLITS = {
    "training": "Training split",
    "validation": "Validation split (PublicTest in FER-2013)",
    "test": "Test split (PrivateTest in FER-2013)",
}
UNTOLD = ("labels", "environment", "data")  # of a run's config: no settings


def content(
    runs: Sequence[Measured], speeds: Speeds | None, date: str, command: str, versions: dict[str, str]
) -> Content:
    """The whole report. `versions` says with what it was made."""
    split = runs[0].whole.split
    several = len(runs) > 1
    names = ", ".join(dict.fromkeys(found.dataset for found in runs))
    sections = [Section("", _overview(runs, speeds))]
    for found in runs:
        sections.append(Section(found.name if several else "The run", _run(found, several, speeds)))
    sections.append(_how(runs, speeds, command, versions))
    return Content(
        title=f"{len(runs)} runs on {names}" if several else f"{runs[0].name} on {names}",
        about=f"{SPLITS[split]}, measured {date}.",
        sections=sections,
        facts={} if several else _facts(runs[0]),
    )


def _facts(found: Measured) -> dict[str, str]:
    whole, c = found.whole, found.calibration
    return {
        f"accuracy ({_interval(whole.accuracy_interval)} %)": _percent(whole.accuracy),
        "balanced accuracy": _percent(whole.balanced_accuracy),
        "macro F1": f"{whole.macro_f1:.3f}",
        f"ECE ({c.error_after:.3f} with temperature)": f"{c.error_before:.3f}",
        "parameters": f"{found.parameters:,}",
    }


def _overview(runs: Sequence[Measured], speeds: Speeds | None) -> list[Block]:
    blocks: list[Block] = []
    if runs[0].whole.split == "test":
        blocks.append(
            Text("The test split is for the figure of a release, read once. Choose models on validation.", note=True)
        )
    if any(found.mistakes or found.looked_at for found in runs):
        blocks.append(
            Text(
                "This report shows pictures of the data set. Mind its terms before you pass the report on; "
                "`--no-pictures` leaves them out.",
                note=True,
            )
        )
    if len(runs) > 1:
        blocks.append(_side_by_side(runs))
        blocks.append(plots.accuracies(runs))
        blocks.append(plots.recalls(runs))
        if any(found.log for found in runs):
            blocks.append(plots.all_curves(runs))
        if speeds is not None:
            blocks += _on_the_device(runs, speeds)
        blocks.append(_settings(runs))
    return blocks


def _side_by_side(runs: Sequence[Measured]) -> Table:
    rows = []
    for found in runs:
        whole, c = found.whole, found.calibration
        ferplus = found.ferplus if isinstance(found.ferplus, Figures) else None
        rows.append(
            [
                found.name,
                found.config["arch"],
                f"{found.parameters:,}",
                f"{whole.rows:,}",
                *_percent_with_interval(whole),
                _percent(None if found.unseen is None else found.unseen.accuracy),
                _percent(None if ferplus is None else ferplus.accuracy),
                _percent(whole.balanced_accuracy),
                f"{whole.macro_f1:.3f}",
                f"{c.error_before:.3f}",
                f"{c.error_after:.3f}",
            ]
        )
    columns = [
        "run",
        "network",
        "parameters",
        "pictures",
        "accuracy",
        "95 % interval",
        "without repeats",
        "FER+ labels",
    ]
    columns += ["balanced", "macro F1", "ECE", "with temperature"]
    note = "Without repeats: without pictures that also stand, pixel for pixel, in Training."
    return Table("Side by side", columns, rows, 2, note)


def _settings(runs: Sequence[Measured]) -> Table:
    settings = [_all_settings(found) for found in runs]
    rows = []
    for name in dict.fromkeys(name for own in settings for name in own):
        values = [own.get(name, "-") for own in settings]
        if len(set(values)) > 1:
            rows.append([name, *values])
    rows.append(["epochs done", *(str(len(found.log)) if found.log else "-" for found in runs)])
    rows.append(["pictures", *(_pictures(found) for found in runs)])
    rows.append(["labels", *(str(len(found.labels)) for found in runs)])
    columns = ["setting", *(found.name for found in runs)]
    return Table("Settings that differ", columns, rows, len(columns))


def _run(found: Measured, several: bool, speeds: Speeds | None) -> list[Block]:
    trained = f", {len(found.log)} epochs done" if found.log else ""
    blocks: list[Block] = [
        Text(
            f"Network `{found.config['arch']}` with {found.parameters:,} parameters on {_pictures(found)} pictures, "
            f"{len(found.labels)} labels{trained}."
        ),
        _conditions(found),
        _by_label(found),
        plots.confusion(found),
        plots.reliability(found),
        plots.recalls([found]),
    ]
    if found.log:
        blocks.append(plots.curves(found))
    else:
        blocks.append(Text("The run has no `log.csv`, so there are no training curves."))
    blocks += _conversion(found)
    if speeds is not None and not several:
        blocks += _on_the_device([found], speeds)
    blocks += _galleries(found)
    return blocks


def _conditions(found: Measured) -> Table:
    conditions: list[tuple[str, Figures]] = [("the split as it is", found.whole)]
    if found.unseen is not None:
        conditions.append(("without pictures that also stand in Training", found.unseen))
    note = ""
    if isinstance(found.ferplus, Figures):
        conditions.append(("labels by the majority of FER+ votes", found.ferplus))
        note = (
            "FER+: ten people's votes for the same pictures, single votes left out; without the pictures whose votes "
            "name no single emotion, and those most often called unknown or no face."
        )
    else:
        note = f"No figures on FER+ labels: {found.ferplus}."
    rows = [
        [
            name,
            f"{figures.rows:,}",
            *_percent_with_interval(figures),
            _percent(figures.balanced_accuracy),
            f"{figures.macro_f1:.3f}",
            f"{figures.calibration_error:.3f}",
        ]
        for name, figures in conditions
    ]
    columns = ["on", "pictures", "accuracy", "95 % interval", "balanced", "macro F1", "ECE"]
    return Table("Accuracy", columns, rows, 1, note)


def _by_label(found: Measured) -> Table:
    whole = found.whole
    rows = []
    for place, (label, counts) in enumerate(zip(found.labels, np.array(whole.confusion), strict=True)):
        total = int(counts.sum())
        others = np.where(np.arange(len(counts)) == place, 0, counts)
        taken = f"{found.labels[others.argmax()]} ({_whole(others.max() / total)})" if others.any() else "-"
        interval = _interval(wilson(int(counts[place]), total)) if total else "-"
        f1 = whole.f1[label]
        rows.append(
            [
                label,
                f"{total:,}",
                _percent(whole.recall[label]),
                interval,
                _percent(whole.precision[label]),
                "-" if f1 is None else f"{f1:.3f}",
                taken,
            ]
        )
    columns = ["label", "pictures", "recall", "95 % interval", "precision", "F1", "most often taken for"]
    return Table("By label", columns, rows, 1)


def _conversion(found: Measured) -> list[Block]:
    notes: list[Block] = [Text(line) for line in found.left_out]
    if not found.converted:
        return [
            *notes,
            Text(
                "No converted model of this run was given, so nothing is said of int8, size and time: "
                "`python -m export convert` makes one, `--models` shows it."
            ),
        ]
    columns = ["label", "trained"]
    for one in found.converted:
        columns += [one.name, "change"]
    rows = []
    for label in found.labels:
        trained = found.whole.recall[label]
        row = [label, _percent(trained)]
        for one in found.converted:
            recall = one.figures.recall[label]
            change = "-" if recall is None or trained is None else _points(recall - trained)
            row += [_percent(recall), change]
        rows.append(row)
    for name, of in (("accuracy", "accuracy"), ("balanced", "balanced_accuracy")):
        trained = getattr(found.whole, of)
        row = [name, _percent(trained)]
        for one in found.converted:
            row += [_percent(getattr(one.figures, of)), _points(getattr(one.figures, of) - trained)]
        rows.append(row)
    rows.append(["same label", "-", *(cell for one in found.converted for cell in (_percent(one.agreement), ""))])
    note = "Recall of the trained network, and of its files on the device runtime; changes in percentage points."
    if any(one.card.notes.get("logit_adjustment") for one in found.converted):
        note += " The files' logits were adjusted to the labels' shares when they were converted, which is among these."
    return [*notes, Table("What conversion costs, by label", columns, rows, 1, note), plots.conversion(found)]


def _galleries(found: Measured) -> list[Gallery]:
    galleries = []
    if found.mistakes:
        caption = "Wrong answers with the highest probabilities, as the network gives them (without temperature)."
        galleries.append(Gallery("Most confident mistakes", caption, [_tile(a) for a in found.mistakes]))
    if found.looked_at:
        caption = (
            "Bright: what spoke for the label that was predicted. Each row is one true label, drawn at random: first "
            "pictures that are right, then some that are wrong."
        )
        title = "Where the network looks (Grad-CAM)"
        galleries.append(Gallery(title, caption, _by_rows(found), across=2 * LOOKED_AT))
    return galleries


def _by_rows(found: Measured) -> list[Tile]:
    tiles = []
    for label in found.labels:
        answers = [a for a in found.looked_at if a.truth == label]
        for right in (True, False):
            group = [_tile(a) for a in answers if (a.predicted == label) is right]
            tiles += [*group, *[Tile()] * (LOOKED_AT - len(group))] if answers else []
    return tiles


def _tile(answer: Answer) -> Tile:
    verdict = "right" if answer.truth == answer.predicted else f"true: {answer.truth}"
    pictures = [answer.picture]
    if answer.heat is not None:
        pictures.append(gradcam.over(answer.picture, answer.heat))
    return Tile(pictures, [f"{answer.predicted} {_whole(answer.probability)}", verdict, answer.name])


def _on_the_device(runs: Sequence[Measured], speeds: Speeds) -> list[Block]:
    pairs = [(found, one) for found in runs for one in found.converted]
    models = [(found.name, one, speed) for (found, one), speed in zip(pairs, speeds.models, strict=True)]
    rows = []
    for (found, one), speed in zip(pairs, speeds.models, strict=True):
        adds = one.card.notes.get("multiply_adds")
        rows.append(
            [
                one.name,
                found.name,
                speed.engine,
                f"{one.megabytes:.2f}",
                f"{adds / 1e6:,.0f} M" if isinstance(adds, int | float) else "-",
                _three_digits(speed.median),
                f"{_three_digits(min(speed.rounds))}–{_three_digits(max(speed.rounds))}",
                *_percent_with_interval(one.figures),
                _points(one.figures.accuracy - found.whole.accuracy),
            ]
        )
    columns = ["model", "run", "engine", "MB", "multiply-adds", "ms", "range", "accuracy", "95 % interval", "change"]
    load = " and ".join("unknown" if value is None else f"{value:.1f}" for value in speeds.load)
    note = (
        f"One face at a time by ferlite's classifier, one thread, models in turns: the median of "
        f"{len(speeds.models[0].rounds)} rounds' medians, and their range. {speeds.machine['board']}; load before and "
        f"after: {load}. Change: accuracy against the trained network, percentage points."
    )
    return [plots.plane(models), Table("On the device", columns, rows, 3, note)]


def _how(runs: Sequence[Measured], speeds: Speeds | None, command: str, versions: dict[str, str]) -> Section:
    blocks: list[Block] = [Text(f"Made by `{_without_folders(command)}`.")] if command else []
    machine = {**({} if speeds is None else speeds.machine), **versions}
    blocks.append(Table("Machine and versions", ["", ""], [list(item) for item in machine.items()], 2))
    if len(runs) == 1:
        rows = [[name, value] for name, value in _all_settings(runs[0]).items()]
        blocks.append(Table("Settings of the run", ["", ""], rows, 2))
    trained = [
        [found.name, ", ".join(f"{name} {value}" for name, value in found.config["environment"].items())]
        for found in runs
        if found.config.get("environment")
    ]
    if trained:
        blocks.append(Table("Trained with", ["run", "versions"], trained, 2))
    return Section("How this was made", blocks)


def _pictures(found: Measured) -> str:
    return f"{found.size}×{found.size} {found.color}"


def _all_settings(found: Measured) -> dict[str, str]:
    """How the run was trained and how its data were read, in words."""
    settings = {name: value for name, value in found.config.items() if name not in UNTOLD}
    settings |= {f"data: {name}": value for name, value in found.config["data"].items()}
    return {name: _setting(value) for name, value in settings.items()}


def _setting(value: Any) -> str:
    return "-" if value is None or value is False else _without_folders(str(value))


def _without_folders(text: str) -> str:
    """Files by their names alone: reports are passed on, and other people's folders are no business of theirs."""
    return " ".join(word.rstrip("/").rpartition("/")[2] for word in text.split(" "))


def _percent_with_interval(figures: Figures) -> tuple[str, str]:
    return _percent(figures.accuracy), _interval(figures.accuracy_interval)


def _interval(interval: tuple[float, float]) -> str:
    low, high = interval
    return f"{100 * low:.1f}–{100 * high:.1f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _whole(share: float) -> str:
    return f"{100 * share:.0f} %"


def _three_digits(figure: float) -> str:
    return f"{figure:#.3g}".rstrip(".")


def _points(difference: float) -> str:
    text = f"{100 * difference:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")
