import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
pytest.importorskip("keras")

from export import cli, runs, train  # noqa: E402
from export.config import Config  # noqa: E402
from export.convert import FORMATS  # noqa: E402
from export.errors import RunError  # noqa: E402
from export.recipes import RECIPES, Recipe, reproduce  # noqa: E402

SETTINGS = {"arch": "shallow", "epochs": 2, "batch_size": 16, "optimizer": "adamw", "augment": "none"}
RECIPE = Recipe(Config(**SETTINGS), {f"teacher-{seed}": Config(**SETTINGS, seed=seed) for seed in (1, 2)})


def test_a_student_learns_from_the_ensemble_of_its_teachers(toy_data, tmp_path):
    told = []
    folder = reproduce("small", RECIPE, toy_data, {}, tmp_path, told.append)
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


def test_what_was_interrupted_goes_on_and_what_is_done_stays(toy_data, tmp_path, monkeypatch):
    original = train._Training.end_epoch

    def killed(self, step):
        line = original(self, step)
        if self.folder.name == "teacher-2":
            raise KeyboardInterrupt
        return line

    monkeypatch.setattr(train._Training, "end_epoch", killed)
    with pytest.raises(KeyboardInterrupt):
        reproduce("small", RECIPE, toy_data, {}, tmp_path)
    monkeypatch.setattr(train._Training, "end_epoch", original)
    first = (tmp_path / "teacher-1" / runs.MODEL).stat().st_mtime_ns
    reproduce("small", RECIPE, toy_data, {}, tmp_path)
    assert (tmp_path / "teacher-1" / runs.MODEL).stat().st_mtime_ns == first
    assert all(len(runs.read_log(tmp_path / name)) == 2 for name in ("teacher-1", "teacher-2", "small"))


def test_a_single_teacher_needs_no_ensemble(toy_data, tmp_path):
    teachers = {"teacher-1": RECIPE.teachers["teacher-1"]}
    folder = reproduce("small", replace(RECIPE, teachers=teachers), toy_data, {}, tmp_path)
    assert runs.read_config(folder)["teacher"] == str(tmp_path / "teacher-1")
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"teacher-1", "small"}


def test_a_run_of_other_settings_is_not_taken(toy_data, tmp_path):
    reproduce("small", replace(RECIPE, teachers=RECIPE.teachers), toy_data, {}, tmp_path)
    other = Recipe(RECIPE.student, {"teacher-1": Config(**SETTINGS, seed=3), "teacher-2": RECIPE.teachers["teacher-2"]})
    message = "teacher-1 was trained with other settings; choose another folder by --runs"
    with pytest.raises(RunError, match=message):
        reproduce("small", other, toy_data, {}, tmp_path)
    with pytest.raises(RunError, match=message):
        reproduce("small", RECIPE, toy_data, {"drop_copies": True}, tmp_path)


def test_teachers_hear_the_labels_alone(toy_data, tmp_path, monkeypatch):
    heard, original = {}, train.start

    def start(dataset, config, folder, data):
        heard[folder.name] = (dataset.training.votes is not None, data["ferplus"], data["votes"])
        return original(dataset, config, folder, data)

    monkeypatch.setattr(train, "start", start)
    votes = np.eye(7, dtype=np.float32)[toy_data.training.labels]
    voted = replace(toy_data, training=replace(toy_data.training, votes=votes))
    reproduce("small", RECIPE, voted, {"ferplus": "votes.csv", "votes": "blend"}, tmp_path)
    assert heard == {
        "teacher-1": (False, None, "majority"),
        "teacher-2": (False, None, "majority"),
        "small": (True, "votes.csv", "blend"),
    }


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_has_teachers_of_different_settings(name):
    teachers = RECIPES[name].teachers
    assert len(teachers) == len(set(map(repr, teachers.values()))) > 0


def test_one_command_ends_with_the_converted_files(toy_csv, toy_data, tmp_path, monkeypatch, capsys):
    student = Config(arch="nano", epochs=4, batch_size=4, learning_rate=0.02, augment="none", distill=0.6)
    monkeypatch.setitem(RECIPES, "nano", Recipe(student, {"teacher": Config(**SETTINGS)}))
    votes = tmp_path / "votes.csv"
    rows = ["Usage,Image name,anger,disgust,fear,happiness,sadness,surprise,neutral,contempt,unknown,NF"]
    for split in (toy_data.training, toy_data.validation, toy_data.test):
        rows += [",," + ",".join(map(str, counts)) for counts in 10 * np.eye(10, dtype=int)[split.labels]]
    votes.write_text("\n".join(rows))
    where = ["--data", toy_csv, "--ferplus", votes, "--runs", tmp_path / "runs", "--output", tmp_path / "out"]
    assert cli.main(["reproduce", "nano", "--seed", "3", *map(str, where)]) == 0
    out, told = capsys.readouterr()
    assert [line.split()[0] for line in told.splitlines()][-3:] == ["training", "training", "converting"]
    written = [line.partition(":")[0] for line in out.splitlines() if " validation rows " in line]
    assert len(written) == len(FORMATS) == sum(Path(file).is_file() for file in written)
    card = json.loads((tmp_path / "out" / "nano-int8.tflite.json").read_text())
    assert (card["training"]["seed"], card["training"]["teacher"]) == (3, "teacher")
    assert card["logit_adjustment"] == 0.5
