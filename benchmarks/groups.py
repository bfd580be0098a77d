"""For which pictures a model is right more often: by light, contrast, sharpness, and how far people agree on them.

    python -m benchmarks.groups --data fer2013.csv.zip --ferplus fer2013new.csv

FER-2013 says nothing about the people in it, so what a model does for one age, gender or skin colour cannot be told
from it; this is what can. Thirds of the validation split, darkest to brightest and so on.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from benchmarks.command import print_machine, run
from export.datasets import load
from export.datasets.ferplus import read, shares
from ferlite import EmotionClassifier


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="FER-2013")
    parser.add_argument("--ferplus", type=Path, metavar="FILE", help="the FER+ votes, for how far people agree")
    parser.add_argument("--model", help="weights file with its card, or a bundled model (default: the bundled one)")
    options = parser.parse_args()
    print_machine()
    validation = load(options.data).validation
    pictures = [cv2.GaussianBlur(picture, (3, 3), 0) for picture in validation.images]  # JPEG noise is no sharpness
    measures = {
        "brightness (mean of the pixels)": [picture.mean() for picture in pictures],
        "contrast (their standard deviation)": [picture.std() for picture in pictures],
        "sharpness (variance of the Laplacian)": [cv2.Laplacian(picture, cv2.CV_64F).var() for picture in pictures],
    }
    if options.ferplus:
        votes = shares(read(options.ferplus))[0]
        measures["agreement (share of the FER+ voters)"] = votes[_rows(len(votes), len(pictures))].max(1)
    classifier = EmotionClassifier(options.model)
    right = classifier.predict(validation.images).argmax(1) == validation.labels
    print(f"{classifier.card.weights.name}: {right.mean():.1%} of {len(right)} pictures")
    print(f"{'thirds by':40}{'lowest':>10}{'middle':>10}{'highest':>10}")
    for name, values in measures.items():
        thirds = np.array_split(np.argsort(values, kind="stable"), 3)
        print(f"{name:40}" + "".join(f"{right[third].mean():10.1%}" for third in thirds))


def _rows(everything: int, wanted: int) -> slice:
    """The validation rows, which come after training's and before as many of the test split."""
    return slice(everything - 2 * wanted, everything - wanted)


if __name__ == "__main__":
    run(main)
