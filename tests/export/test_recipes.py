import json
from dataclasses import replace

import pytest

pytestmark = pytest.mark.tensorflow
pytest.importorskip("keras")

from export import runs, train  # noqa: E402
from export.config import Config  # noqa: E402
from export.datasets import Source  # noqa: E402
from export.errors import RunError  # noqa: E402
from export.recipes import RECIPES, Recipe, reproduce  # noqa: E402

SETTINGS = {"arch": "shallow", "epochs": 2, "batch_size": 16, "optimizer": "adamw", "augment": "none"}
RECIPE = Recipe(Config(**SETTINGS), {f"teacher-{seed}": Config(**SETTINGS, seed=seed) for seed in (1, 2)})


def test_a_student_learns_from_the_ensemble_of_its_teachers(toy_csv, tmp_path):
    told = []
    folder = reproduce("small", RECIPE, Source(toy_csv), tmp_path, told.append)
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {
        "teacher-1",
        "teacher-2",
        "teachers-1-2",
        "small",
    }
    assert [text.split()[0] for text in told] == ["training", "training", "joining", "training"]
    record = json.loads((folder / runs.CONFIG).read_text())
    assert (record["teacher"], record["weights"]) == (str(tmp_path / "teachers-1-2"), None)
    members = runs.read_config(tmp_path / "teachers-1-2")["members"]
    assert [member["name"] for member in members] == ["teacher-1", "teacher-2"]


def test_what_was_interrupted_goes_on_and_what_is_done_stays(toy_csv, tmp_path, monkeypatch):
    original = train._Training.end_epoch

    def killed(self, step):
        line = original(self, step)
        if self.folder.name == "teacher-2":
            raise KeyboardInterrupt
        return line

    monkeypatch.setattr(train._Training, "end_epoch", killed)
    with pytest.raises(KeyboardInterrupt):
        reproduce("small", RECIPE, Source(toy_csv), tmp_path)
    monkeypatch.setattr(train._Training, "end_epoch", original)
    first = (tmp_path / "teacher-1" / runs.MODEL).stat().st_mtime_ns
    reproduce("small", RECIPE, Source(toy_csv), tmp_path)
    assert (tmp_path / "teacher-1" / runs.MODEL).stat().st_mtime_ns == first
    assert all(len(runs.read_log(tmp_path / name)) == 2 for name in ("teacher-1", "teacher-2", "small"))


def test_a_single_teacher_needs_no_ensemble(toy_csv, tmp_path):
    teachers = {"teacher-1": RECIPE.teachers["teacher-1"]}
    folder = reproduce("small", replace(RECIPE, teachers=teachers), Source(toy_csv), tmp_path)
    assert runs.read_config(folder)["teacher"] == str(tmp_path / "teacher-1")
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"teacher-1", "small"}


def test_a_run_of_other_settings_is_not_taken(toy_csv, tmp_path):
    reproduce("small", replace(RECIPE, teachers=RECIPE.teachers), Source(toy_csv), tmp_path)
    other = Recipe(RECIPE.student, {"teacher-1": Config(**SETTINGS, seed=3), "teacher-2": RECIPE.teachers["teacher-2"]})
    with pytest.raises(RunError, match="teacher-1 was trained with other settings; choose another folder by --runs"):
        reproduce("small", other, Source(toy_csv), tmp_path)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_has_teachers_of_different_settings(name):
    teachers = RECIPES[name].teachers
    assert len(teachers) == len(set(map(repr, teachers.values()))) > 0
