import json
from dataclasses import asdict
from pathlib import Path

import pytest

from export import cli
from export.config import Config
from export.errors import RunError
from export.results import ABOUT, CLAIMS, COLUMNS, MADE, table, write


@pytest.fixture
def make_run(tmp_path):
    def make(name, epochs_done, evaluation=None, data=None, labels="abcdefg", **settings):
        folder = tmp_path / name
        folder.mkdir()
        config = asdict(Config(**settings)) | {"labels": list(labels), "data": data or {}, "environment": {}}
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "log.csv").write_text("\n".join(["epoch,val_accuracy", *(f"{n},0.5" for n in range(epochs_done))]))
        if evaluation:
            (folder / "evaluation.json").write_text(json.dumps(evaluation))
        return folder

    return make


def rows(runs):
    lines = [line.strip("| ").split(" | ") for line in table(runs).splitlines()]
    assert all(len(line) == len(COLUMNS) for line in lines)
    return [dict(zip(COLUMNS, line, strict=True)) for line in lines[2:]]


def test_a_row_has_the_claim_and_what_was_measured(make_run):
    figures = {
        "validation": {"accuracy": 0.5781, "parameters": 389255},
        "test": {"accuracy": 0.5849, "accuracy_unseen": 0.5612, "parameters": 389255},
    }
    (row,) = rows([make_run("a", 60, figures, arch="shallow", augment="classic")])
    assert row["claim"] == CLAIMS["shallow"].figure
    assert row["parameters"] == "389,255"
    assert (row["PublicTest"], row["PrivateTest"]) == ("57.8 %", "58.5 %")
    assert row["PrivateTest without repeats"] == "56.1 %"
    assert (row["augmentation"], row["epochs"], row["trained how"]) == ("classic", "60 of 60", "fully")


def test_what_was_not_measured_is_left_open(make_run):
    (row,) = rows([make_run("a", 60)])
    assert (row["parameters"], row["PublicTest"], row["PrivateTest"]) == ("-", "-", "-")


def test_what_only_shows_that_it_works_is_said(make_run):
    runs = [
        make_run("few", 3, arch="mobilenet", epochs=3),
        make_run("broken-off", 40),
        make_run("stopped", 20, early_stopping=5),
        make_run("stopped-early", 2, early_stopping=1),
        make_run("votes", 60, data={"ferplus": "fer2013new.csv"}, labels="abcd"),
    ]
    assert [row["trained how"] for row in rows(runs)] == [
        "to show that it works: only 3 epochs, without ImageNet weights",
        "to show that it works: not to its end",
        "fully",
        "to show that it works: only 2 epochs",
        "fully; 4 labels; FER+ labels",
    ]


def test_a_folder_that_is_no_run_is_said(tmp_path):
    with pytest.raises(RunError, match="not a run folder"):
        table([tmp_path])


def test_the_page_holds_the_table(make_run, tmp_path):
    run = make_run("a", 60)
    write([run], tmp_path / "docs" / "results.md")
    text = (tmp_path / "docs" / "results.md").read_text()
    assert table([run]) in text
    assert [path.name for path in (tmp_path / "docs").iterdir()] == ["results.md"]


def test_the_command_leaves_the_page_alone_and_says_what_is_not_measured(make_run, tmp_path, monkeypatch, capsys):
    run, measured = make_run("a", 60), make_run("b", 60, {"validation": {"accuracy": 0.5}})
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/results.md").write_text("ours")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["results", str(run), str(measured)]) == 0
    said = capsys.readouterr()
    assert said.out == "results.md\n"
    assert said.err == f"{run}: nothing measured; python -m export report {run} --record does it\n"
    assert (tmp_path / "docs/results.md").read_text() == "ours"


def test_the_page_in_the_documentation_has_the_same_words():
    page = (Path(__file__).parents[2] / "docs/results.md").read_text(encoding="utf-8")
    assert page.startswith(ABOUT)
    assert page.endswith(MADE)
