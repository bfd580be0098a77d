"""The evaluation report: one run or several side by side, as one HTML page and as Markdown.

`report` does the work; `measured` and `device` find the figures, `gradcam` what the network looks at, `sections` says
what is told, `plots` draws, and `page` and `markdown` write it down.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from export import evaluate, runs
from export.datasets import Dataset, SplitName, ferplus
from export.errors import RunError

if TYPE_CHECKING:
    from export.report.content import Content

PAGE, TEXT, PICTURES = "report.html", "report.md", "report-pictures"


def report(
    folders: Sequence[Path],
    data: Callable[[Path], Dataset],
    output: Path,
    *,
    split: SplitName = "validation",
    models: Sequence[Path] = (),
    votes: Path | None = None,
    with_pictures: bool = True,
    record: bool = False,
    command: str = "",
    progress: Callable[[str], None] = lambda _: None,
) -> Path:
    """Measure run folders and write `report.html` and `report.md`, with its pictures beside, into `output`.

    `data` gives the data set of a run, which may differ in labels, size and colour from those of the others. `models`
    are converted files or folders with such; each is shown with the run it was made from. `votes` is FER+'s
    `fer2013new.csv`. `record` also writes the figures into each run's `evaluation.json`. `command` is how this was
    called, for the report. `progress` is told what comes next. Returns the page's path.

    Whatever is wrong with runs, data, models or `output` is said before the long computation: RunError, DatasetError,
    ModelError, OutputError.
    """
    import keras

    from export.report import device, measured, sections
    from ferlite.bench import files
    from ferlite.device import describe, versions

    names = _names(folders)
    configs = [runs.read_config(folder) for folder in folders]
    cards = device.find(models)
    ballots = None if votes is None else ferplus.read(votes)
    progress("loading runs and data")
    datasets = [data(folder) for folder in folders]
    networks = [
        measured.check(folder, config, dataset, split, ballots)
        for folder, config, dataset in zip(folders, configs, datasets, strict=True)
    ]
    of_run = device.assigned(cards, list(zip(names, configs, datasets, strict=True)))
    files.prepare(f"{output}/")

    found = []
    for name, folder, config, dataset, network in zip(names, folders, configs, datasets, networks, strict=True):
        progress(f"measuring {name}")
        run, probabilities = measured.measure(name, config, folder, network, dataset, split, ballots, with_pictures)
        if of_run[name]:
            progress(f"running {name} on the device runtime")
            measured.convert(run, of_run[name], probabilities, dataset, split)
        if record:
            evaluate.record_run(run.whole, folder, parameters=run.parameters)
        found.append(run)
    converted = [one.card for run in found for one in run.converted]
    if converted:
        progress("timing the converted models")
    speeds = device.speeds(converted) if converted else None
    date = time.strftime("%d %B %Y").lstrip("0")
    made_with = describe() | versions("keras", keras.backend.backend())
    return _written(sections.content(found, speeds, date, command, made_with), output)


def _names(folders: Sequence[Path]) -> list[str]:
    """What the runs are called: their folders' names, with the one above where two are alike. Raises RunError."""
    if not folders:
        raise RunError("no run to report on; give one or more run folders")
    whole = [folder.resolve() for folder in folders]
    names = [path.name for path in whole]
    names = [
        name if names.count(name) == 1 else f"{path.parent.name}/{name}"
        for name, path in zip(names, whole, strict=True)
    ]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RunError(f"two runs are called {twice[0]}; give each run once, or rename a folder")
    return names


def _written(content: "Content", output: Path) -> Path:
    """Write all files beside their places, and then move them there."""
    from export.report import markdown, page

    with tempfile.TemporaryDirectory(dir=output, prefix=".partial-") as scratch:
        new = Path(scratch)
        markdown.write(content, new / TEXT, new / PICTURES)
        (new / PAGE).write_text(page.html(content), encoding="utf-8")
        shutil.rmtree(output / PICTURES, ignore_errors=True)  # an earlier report's
        for name in (PICTURES, TEXT, PAGE):
            (new / name).replace(output / name)
    return output / PAGE
