"""A search for settings by Optuna: every trial is a run folder, the study an SQLite file beside them.

A killed search goes on with the trial it was at, from that trial's checkpoint.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState

from export import train
from export.config import Config
from export.datasets import Dataset
from export.errors import RunError
from export.runs import CONFIG, read_log

STUDY = "study.db"
SPACE: dict[str, Callable[[optuna.Trial], Any]] = {
    "learning_rate": lambda trial: trial.suggest_float("learning_rate", 1e-4, 0.3, log=True),
    "weight_decay": lambda trial: trial.suggest_float("weight_decay", 1e-5, 0.1, log=True),
    "label_smoothing": lambda trial: trial.suggest_float("label_smoothing", 0.0, 0.2),
    "augment": lambda trial: trial.suggest_categorical("augment", ["none", "classic", "strong"]),
    "mixup": lambda trial: trial.suggest_float("mixup", 0.0, 1.0),
    "cutout": lambda trial: trial.suggest_float("cutout", 0.0, 1.0),
    "schedule": lambda trial: trial.suggest_categorical("schedule", ["cosine", "one-cycle", "steps"]),
    "batch_size": lambda trial: trial.suggest_categorical("batch_size", [32, 64, 128, 256]),
    "balance": lambda trial: trial.suggest_categorical("balance", ["none", "weights", "sampling"]),
    "optimizer": lambda trial: trial.suggest_categorical("optimizer", ["sgd", "adamw"]),
}


def search(
    dataset: Dataset, base: Config, over: Sequence[str], trials: int, folder: Path, data: dict[str, Any] | None = None
) -> optuna.Study:
    """Train `trials` runs in `folder`, each `base` with the settings `over` as the study suggests them.

    The value of a trial is its best validation accuracy; trials that lag behind the median of the others are ended
    early. Settings that are not searched over stay as in `base`. Raises RunError for settings nothing is known about.
    """
    unknown = [name for name in over if name not in SPACE]
    if unknown or not over:
        raise RunError(f"cannot search over {', '.join(unknown) or 'nothing'}; choose from {', '.join(SPACE)}")
    if trials < 1:
        raise RunError(f"trials is {trials}; it has to be 1 or more")
    folder.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        study_name="search",
        storage=f"sqlite:///{folder.resolve() / STUDY}",
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=max(1, base.epochs // 4)),
    )
    # what has been drawn is in the study; a sampler that began anew at the same seed would draw it again
    study.sampler = optuna.samplers.TPESampler(seed=base.seed + len(study.trials))
    asked = {"base": repr(base), "over": list(over)}
    if study.user_attrs and study.user_attrs != asked:
        raise RunError(f"{folder} holds a search with other settings; choose another --name")
    for name, value in asked.items():
        study.set_user_attr(name, value)
    while len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))) < trials:
        _run_trial(study, _next_trial(study, over), dataset, base, folder, data)
    return study


def _next_trial(study: optuna.Study, over: Sequence[str]) -> optuna.Trial:
    interrupted = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    trial = optuna.Trial(study, interrupted[0]._trial_id) if interrupted else study.ask()
    for name in over:
        SPACE[name](trial)  # of an interrupted trial the same as before
    return trial


def _run_trial(
    study: optuna.Study,
    trial: optuna.Trial,
    dataset: Dataset,
    base: Config,
    folder: Path,
    data: dict[str, Any] | None,
) -> None:
    run = folder / f"trial-{trial.number:03d}"

    def on_epoch(row: dict[str, Any]) -> None:
        trial.report(float(row["val_accuracy"]), int(row["epoch"]))
        if trial.should_prune():
            raise optuna.TrialPruned

    try:
        if (run / CONFIG).exists():
            train.resume(dataset, run, on_epoch)
        else:
            train.start(dataset, replace(base, **trial.params), run, data, on_epoch)
    except optuna.TrialPruned:
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, max(float(row["val_accuracy"]) for row in read_log(run)))
