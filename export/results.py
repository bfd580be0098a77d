"""What published systems claim on FER-2013, and what the same networks reach here: the table of `docs/results.md`.

Ours come from run folders alone: `config.json`, `log.csv`, and `evaluation.json` as `python -m export report --record`
writes it for the validation and the test split. So the table can be made again, and no figure is typed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export.evaluate import recorded
from export.runs import read_config, read_log, replacing

FULLY = 10  # epochs over all pictures, from which on a run counts as trained

TENTH = "a random tenth of all pictures"


@dataclass(frozen=True, slots=True)
class Claim:
    """What the authors of a system say of it, and on which pictures they measured it."""

    system: str
    figure: str = "-"
    measured_on: str = "-"
    pretrained: bool = False  # the authors start from ImageNet weights


# by architecture
CLAIMS = {
    "shallow": Claim("shallow CNN", "61.1 %", TENTH),
    "deep-elu": Claim("deep CNN", "68.62 %", TENTH),
    "mobilenet": Claim("MobileNet", "58.19 %; 67.26 % on 4 labels", TENTH, pretrained=True),
    "vgg-ferplus": Claim("VGG-like, FER+ labels", "F1 0.8", "a random split with FER+ labels"),
    "cnn-512": Claim(
        "CNN of web-camera demos", "62.9 %", "the 7,178 test pictures; the often quoted 68.75 % is one batch of 32"
    ),
    "mobilenetv2": Claim("MobileNetV2", "60.67 %", "not stated", pretrained=True),
    "resnet34": Claim("ResNet34", "61.1 %", "validation"),
    "mini-xception": Claim("mini-XCEPTION", "66 %", "not stated"),
    "deep": Claim("deep, ferlite's own"),
}
COLUMNS = (
    "system",
    "parameters",
    "claim",
    "measured on",
    "PublicTest",
    "PrivateTest",
    "PrivateTest without repeats",
    "augmentation",
    "epochs",
    "trained how",
)


ABOUT = """# Published networks on FER-2013's official split

What the authors of each system claim, and what its network reaches when this repository trains it. The figures of a
claim and of ours differ in their pictures: ours are PublicTest (3,589 rows, on which the best epoch was chosen) and
PrivateTest (3,589 rows). FER-2013 holds many pictures twice, so a random split tests on pictures that were learnt;
"without repeats" leaves out those of PrivateTest that also stand in Training.

The last column says which networks were trained fully, that is for ten epochs or more, to the end of the schedule
or until early stopping, and which only to show that the code works: their figures say nothing of the network. More
epochs would still help most of the former, above all with augmentation.

"""


MADE = """Made by `python -m export results RUN… --output docs/results.md` from the runs' `evaluation.json`, which
`python -m export report RUN --record` writes, of PrivateTest with `--split test`.
"""


def write(runs: Sequence[Path], path: Path) -> None:
    """Write the table of run folders, with what has to be known of it, to `path`. Raises RunError."""
    text = f"{ABOUT}{table(runs)}\n{MADE}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def table(runs: Sequence[Path]) -> str:
    """A Markdown table with a row for each run folder. Raises RunError for a folder that is none."""
    rules = ["---" if name not in COLUMNS[4:7] and name != "parameters" else "---:" for name in COLUMNS]
    return "\n".join(f"| {' | '.join(row)} |" for row in [COLUMNS, rules, *(_row(run) for run in runs)]) + "\n"


def _row(run: Path) -> list[str]:
    config, log, found = read_config(run), read_log(run), recorded(run)
    claim = CLAIMS.get(config["arch"], Claim(config["arch"]))
    validation, test = found.get("validation", {}), found.get("test", {})
    parameters = (validation | test).get("parameters")
    return [
        claim.system,
        "-" if parameters is None else f"{parameters:,}",
        claim.figure,
        claim.measured_on,
        _percent(validation.get("accuracy")),
        _percent(test.get("accuracy")),
        _percent(test.get("accuracy_unseen")),
        config["augment"],
        f"{len(log)} of {config['epochs']}",
        _trained_how(config, len(log), claim),
    ]


def _trained_how(config: dict[str, Any], epochs: int, claim: Claim) -> str:
    short = []
    if epochs < FULLY:
        short.append(f"only {epochs} epoch{'s' * (epochs != 1)}")
    elif epochs < config["epochs"] and not config["early_stopping"]:
        short.append("not to its end")
    if claim.pretrained and config["weights"] is None:
        short.append("without ImageNet weights")
    how = f"to show that it works: {', '.join(short)}" if short else "fully"
    labels = f"; {len(config['labels'])} labels" if len(config["labels"]) != 7 else ""
    return how + labels + ("; FER+ labels" if config["data"].get("ferplus") else "")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
