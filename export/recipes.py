"""How the released models are made from the data alone: teachers, their ensemble, and a student that learns from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from export.config import Config
from export.datasets import Dataset
from export.errors import RunError
from export.runs import CONFIG, MODEL, read_config, settings


@dataclass(frozen=True, slots=True)
class Recipe:
    """The settings of one model, and those of the teachers it learns from by the names of their runs.

    Teachers hear the labels alone; what FER+ votes add, the student hears itself.
    """

    student: Config
    teachers: Mapping[str, Config]
    logit_adjustment: float = 0.5  # when it is converted; `docs/experiments.md` has what others give


TAKEN = ("votes", "drop_copies")  # of the data, that a run has to have in common with one that may take its place
FAST = {"arch": "deep", "precision": "mixed_bfloat16"}
# strong changes, labels alone and a temperature for its answers: a point more for nano than light changes and votes
TEACHERS = {"deep": Config(epochs=60, **FAST)}
# targets that are uncertain themselves need no smoothing; `docs/experiments.md` has what was tried
STUDENT = {"epochs": 70, "augment": "light", "label_smoothing": 0.0, "distill": 0.6}
RECIPES = {
    "flagship": Recipe(Config(views=12, **FAST, **STUDENT), TEACHERS),
    "nano": Recipe(Config(arch="nano", views=10, **STUDENT), TEACHERS),
}


def reproduce(
    name: str,
    recipe: Recipe,
    dataset: Dataset,
    data: dict[str, Any],
    runs: Path,
    progress: Callable[[str], None] = lambda text: None,
) -> Path:
    """Train what the recipe says into `runs`, and return the folder of the student's run, `name`.

    What is there already is not trained again, and what was interrupted goes on. Raises RunError where a run of that
    name has other settings or was trained on other votes or copies. `data` is what the runs record of where the data
    set came from; `progress` is told what begins.
    """
    from export import train
    from export.ensemble import ensemble

    def trained(folder: Path, config: Config, dataset: Dataset, data: dict[str, Any]) -> Path:
        if not (folder / CONFIG).exists():
            progress(f"training {folder}")
            train.start(dataset, config, folder, data)
            return folder
        record = read_config(folder)
        if settings(record) != config or any(record["data"].get(key) != data.get(key) for key in TAKEN):
            raise RunError(f"{folder} was trained with other settings; choose another folder by --runs")
        progress(f"going on with {folder}")
        train.resume(dataset, folder)
        return folder

    labelled = replace(dataset, training=replace(dataset.training, votes=None))
    their_data = data | {"ferplus": None, "votes": "majority"}
    members = [trained(runs / member, config, labelled, their_data) for member, config in recipe.teachers.items()]
    teacher = members[0]
    if len(members) > 1:
        teacher = runs / "-".join(["teachers", *(member.name.rpartition("-")[2] for member in members)])
        if not (teacher / MODEL).exists():
            progress(f"joining {', '.join(member.name for member in members)}")
            ensemble(members, dataset, teacher)
    return trained(runs / name, replace(recipe.student, teacher=str(teacher.resolve())), dataset, data)
