from dataclasses import replace

import pytest

pytestmark = pytest.mark.tensorflow
pytest.importorskip("keras")
pytest.importorskip("optuna")

from export import runs, search  # noqa: E402
from export.batches import Batches  # noqa: E402
from export.config import Config  # noqa: E402
from export.errors import RunError  # noqa: E402

BASE = Config(arch="shallow", epochs=2, batch_size=16, optimizer="adamw")


def test_every_trial_is_a_run_and_an_interrupted_search_goes_on(toy_data, tmp_path, monkeypatch):
    over = ["learning_rate", "augment"]
    original = Batches.__getitem__

    def interrupt(self, step):
        if step == 10 and (tmp_path / "trial-001").exists():
            raise KeyboardInterrupt
        return original(self, step)

    monkeypatch.setattr(Batches, "__getitem__", interrupt)
    with pytest.raises(KeyboardInterrupt):
        search.search(toy_data, BASE, over, 3, tmp_path)
    drawn = runs.read_config(tmp_path / "trial-001")
    monkeypatch.setattr(Batches, "__getitem__", original)
    study = search.search(toy_data, BASE, over, 3, tmp_path)
    assert sorted(path.name for path in tmp_path.glob("trial-*")) == ["trial-000", "trial-001", "trial-002"]
    assert len(study.trials) == 3
    for trial in study.trials:
        run = tmp_path / f"trial-{trial.number:03d}"
        record = runs.read_config(run)
        assert {name: record[name] for name in over} == trial.params
        assert trial.value == max(float(row["val_accuracy"]) for row in runs.read_log(run))
    assert study.trials[1].params == {name: drawn[name] for name in over}
    assert len({trial.params["learning_rate"] for trial in study.trials}) == 3


def test_a_search_that_cannot_be_is_said(toy_data, tmp_path):
    with pytest.raises(RunError, match="cannot search over colour; choose from learning_rate"):
        search.search(toy_data, BASE, ["colour"], 3, tmp_path / "none")
    with pytest.raises(RunError, match="trials is 0"):
        search.search(toy_data, BASE, ["augment"], 0, tmp_path / "none")
    assert not (tmp_path / "none").exists()
    search.search(toy_data, replace(BASE, epochs=1), ["mixup"], 1, tmp_path)
    with pytest.raises(RunError, match="holds a search with other settings"):
        search.search(toy_data, BASE, ["mixup"], 1, tmp_path)
