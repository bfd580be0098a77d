"""How large the Haar detector's box is against a FER-2013 picture: the source of the crop margin in the model cards.

Run it by `python -m benchmarks.crop_margin --data fer2013.csv.zip`.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from export.datasets import load
from ferlite.detectors.haar import HaarDetector

ENLARGE, BORDER = 3, 48  # the pictures are enlarged and set in a border, as a face in a frame is


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="FER-2013")
    parser.add_argument("--pictures", type=int, default=600, help="how many of the training pictures (default: 600)")
    options = parser.parse_args()
    images = load(options.data).training.images
    chosen = np.random.default_rng(0).permutation(len(images))[: options.pictures]
    detector = HaarDetector(min_face=0.25, scale_factor=1.05)
    side = images.shape[1] * ENLARGE
    found = []
    for image in images[chosen]:
        large = cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR)
        framed = cv2.copyMakeBorder(large, BORDER, BORDER, BORDER, BORDER, cv2.BORDER_REPLICATE)
        detections = detector(framed)
        if len(detections) == 1:
            x, y, w, h = detections[0].box
            found.append((w / side, (x + w / 2 - BORDER) / side, (y + h / 2 - BORDER) / side))
    quartiles = np.percentile(found, [25, 50, 75], axis=0)
    print(f"one face found in {len(found)} of {len(chosen)} pictures; quartiles, in sides of the picture:")
    for name, values in zip(("side of the box", "centre, across", "centre, down"), quartiles.T, strict=True):
        print(f"  {name:16}" + "".join(f"{value:8.3f}" for value in values))
    print(f"margin for a crop of the whole picture: {(1 / quartiles[1, 0] - 1) / 2:.3f} of the box on every side")


if __name__ == "__main__":
    main()
