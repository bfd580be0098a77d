"""`MODEL_CARD.md`: what the models of a folder are and what was measured of them, from their cards alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from export.runs import replacing
from ferlite import cards
from ferlite.cards import Card

FILE = "MODEL_CARD.md"
COLUMNS = (
    "file",
    "size",
    "multiply-adds",
    "validation",
    "**test**",
    "95 % interval",
    "test without repeats",
    "macro F1",
    "calibration error",
)
ABOUT = """# The models that come with ferlite

Each reads the emotion on a face that fills a grey picture of 48×48 pixels. All figures are of FER-2013's official
split, of single pictures without any averaging over versions of them, and measured by ferlite itself on the files as
they lie here: validation is PublicTest, on which everything was chosen, test is PrivateTest, read once. "Without
repeats" leaves out the test pictures that also stand, pixel for pixel, in Training. The calibration error is the
expected one, over 15 bins, with the temperature that the card has from validation.

"""
LIMITS = """
## Limits

- The labels say what people would call the look of a face in one picture. They say neither what somebody feels nor what
  somebody will do; do not base decisions about people on them.
- FER-2013 was collected by searching the web for words of emotion. Much of it is acted, many labels are wrong or
  contested: people agree with them in about 65 % of the pictures. A quarter of its validation and test pictures
  repeat a picture of Training exactly or nearly (`python -m export data check`), which flatters every figure above.
- It does not say who is in the pictures, so how well the models do by age, sex or colour of skin is not known.
- Disgust is rare in it (436 of 28,709 training pictures), and fear is easily taken for sadness or surprise.
- Light from above, beards, glasses, masks, hands before the face and tilted heads pull to other labels.
- A face detector's box has to show what FER-2013 shows: `margin` in the cards is measured for OpenCV's Haar detector.

## Licence

Code and weights: Apache License 2.0. The weights were trained from scratch on FER-2013 (Goodfellow et al., *Challenges
in Representation Learning*, 2013), which was released for a research challenge without an open licence: check its terms
before they go into a product. The FER+ votes (Barsoum et al., 2016) are under the MIT License. Neither is part of this
repository.
"""


def write(folder: Path, command: str, made_with: Mapping[str, str]) -> Path:
    """Write the page for all models of `folder`, which have been measured; returns its path."""
    found = [cards.read(cards.card_path(path)) for path in sorted(folder.iterdir()) if path.suffix in cards.SUFFIXES]
    path = folder / FILE
    with replacing(path) as partial:
        partial.write_text(text(found, command, made_with), encoding="utf-8")
    return path


def text(models: Sequence[Card], command: str, made_with: Mapping[str, str]) -> str:
    """The page, for models whose cards have figures of validation and test."""
    parts = [ABOUT, _table(COLUMNS, [_row(card) for card in models])]
    parts += ["\n## By emotion, on the test split\n"]
    parts += [f"\n`{card.weights.name}`\n\n{_by_label(card)}" for card in models if "int8.tflite" in card.weights.name]
    parts += ["\n## How they were trained\n\n", *(f"- {line}\n" for line in dict.fromkeys(map(_trained, models)))]
    with_what = ", ".join(f"{name} {value}" for name, value in made_with.items())
    parts += [f"\n## How they were measured\n\n```sh\n{command}\n```\n\nOn one thread; {with_what}.\n", LIMITS]
    return "".join(parts)


def _row(card: Card) -> list[str]:
    notes = card.notes
    validation, test = notes["accuracy"]["validation"], notes["accuracy"]["test"]
    low, high = test["accuracy_interval"]
    unseen = test["accuracy_unseen"]
    return [
        f"`{card.weights.name}`",
        f"{card.weights.stat().st_size / 1e6:.2f} MB",
        f"{notes['multiply_adds'] / 1e6:.0f} M",
        f"{validation['accuracy']:.1%}",
        f"**{test['accuracy']:.1%}**",
        f"{100 * low:.1f}–{100 * high:.1f}",
        "-" if unseen is None else f"{unseen:.1%} of {test['rows_unseen']:,}",
        f"{test['macro_f1']:.3f}",
        f"{test['calibration_error']:.3f}",
    ]


def _by_label(card: Card) -> str:
    test = card.notes["accuracy"]["test"]

    def share(value: float | None) -> str:
        return "-" if value is None else f"{value:.0%}"

    rows = [
        [label, str(sum(counts)), share(test["recall"][label]), share(test["precision"][label])]
        for label, counts in zip(card.labels, test["confusion"], strict=True)
    ]
    return _table(("label", "pictures", "recall", "precision"), rows)


def _trained(card: Card) -> str:
    training: dict[str, Any] = card.notes["training"]
    members, seeds = training.get("members", []), card.notes.get("seeds")
    about = [
        f"the mean of {_networks(members)}" if members else f"network `{training['arch']}`",
        f"{card.notes['parameters']:,} parameters",
        card.notes["training_data"],
        f"{training['epochs']} epochs",
    ]
    teacher = training.get("teacher")
    if teacher:
        about.append(f"learnt from `{teacher}`")
    if (training.get("data") or {}).get("drop_copies"):
        without = "without the training pictures that stand in validation or test, pixel for pixel"
        about.append(without + ", which its teacher may have seen" * bool(teacher))
    adjustment = card.notes.get("logit_adjustment")
    if adjustment:
        about.append(f"logits less {adjustment:g} times the log shares of the labels in training")
    if seeds:
        all_of_them = ", ".join(str(one["seed"]) for one in seeds)
        about.append(f"{_apart(seeds)}, over seeds {all_of_them}, of which this is {training['seed']}")
    return f"`{card.weights.name.partition('-')[0]}`: {'; '.join(about)}"


def _networks(members: Sequence[Mapping[str, Any]]) -> str:
    networks = " and ".join(f"`{name}`" for name in dict.fromkeys(member["arch"] for member in members))
    return f"{len(members)} networks {networks} of other seeds, alone {_apart(members)}"


def _apart(networks: Sequence[Mapping[str, Any]]) -> str:
    """How good several networks are and how far apart; the deviation is that of a sample."""
    found = [network["validation_accuracy"] for network in networks]
    return f"{fmean(found):.1%} ± {100 * stdev(found):.1f} (standard deviation) on validation, as trained"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rules = ["---", *["---:"] * (len(header) - 1)]
    return "".join(f"| {' | '.join(row)} |\n" for row in [header, rules, *rows])
