"""How right the emotions are on faces that a detector has to find first, by detector: FER-2013 pasted into scenes.

    python -m benchmarks.found_crops --data fer2013.csv.zip --faces faces/ --yunet face_detection_yunet_2023mar.onnx

Each picture of FER-2013's validation split is enlarged, by a random factor, and blended at its edges into a random
place of a 640 pixels wide picture without faces (of the folder that `--faces` names; see benchmarks/annotations.py).
The box that overlaps its middle most, by 0.3 or more, is taken for the face and classified as any found face. All
detectors see the same scenes. `--margins` tries others than the card's; 0 is the detector's box itself.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from benchmarks.annotations import read_faces
from benchmarks.command import print_machine, run
from export.datasets import load
from ferlite import Box, EmotionClassifier, FerliteDetector, HaarDetector, YuNetDetector, read_image
from ferlite.detectors import QUICK
from ferlite.tracking import overlap
from ferlite.types import Detector, Image

WIDTH, HEIGHT = 640, 480
SIDES = 70, 240  # pixels of the pasted picture
FADED = 0.12  # of its side, at every edge, where it becomes the scene
MIDDLE = 0.15  # of its side, at every edge, which faces leave free on the average
SAME = 0.3  # least overlap with that middle: boxes of detectors differ


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="FER-2013")
    parser.add_argument("--faces", type=Path, required=True, help="folder of pictures with boxes.csv and split.csv")
    parser.add_argument("--yunet", type=Path, metavar="FILE", help="YuNet's file (default: the pulled one)")
    parser.add_argument("--pictures", type=int, default=3589, help="of the validation split (default: all)")
    parser.add_argument("--margins", type=float, nargs="*", default=[], help="to try beside the card's")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    print_machine()
    split = load(options.data).validation
    _, empty = read_faces(options.faces, 500, 1)
    backgrounds = [background(read_image(picture.path)) for picture in empty if not picture.ignored]
    classifier = EmotionClassifier()
    own = classifier.card.margin
    margins = [own, *(margin for margin in options.margins if margin != own)]
    detectors: dict[str, Detector] = {
        "haar": HaarDetector(QUICK),
        "yunet": YuNetDetector(options.yunet, QUICK),
        "ferlite": FerliteDetector(min_face=QUICK),
    }
    chosen = np.random.default_rng(0).permutation(len(split.images))[: options.pictures]
    labels = split.labels[chosen]
    right = {name: np.zeros((len(margins), len(chosen)), bool) for name in detectors}
    found = {name: np.zeros(len(chosen), bool) for name in detectors}
    for number, row in enumerate(tqdm(chosen, unit="picture", disable=None)):
        scene, middle = pasted(split.images[row], backgrounds, np.random.default_rng([1, row]))
        for name, detector in detectors.items():
            face = max(detector(scene), key=lambda face: overlap(face.box, middle), default=None)
            if face is None or overlap(face.box, middle) < SAME:
                continue
            found[name][number] = True
            for index, margin in enumerate(margins):
                classifier.card = replace(classifier.card, margin=margin)
                probabilities = classifier.predict_faces(scene, [face])
                right[name][index, number] = probabilities[0].argmax() == labels[number]
    classifier.card = replace(classifier.card, margin=own)
    whole = (classifier.predict(split.images[chosen]).argmax(1) == labels).mean()
    all_found = np.logical_and.reduce(list(found.values()))
    print(f"\n{len(chosen)} pictures; as they are {whole:.1%} of their labels are right")
    print(f"\n{'detector':10}{'margin':>8}{'found':>8}{'right of those':>16}{'right where all found it':>26}")
    for name in detectors:
        for margin, one in zip(margins, right[name], strict=True):
            line = f"{name:10}{margin:8.3f}{found[name].mean():8.1%}{one[found[name]].mean():16.1%}"
            print(f"{line}{one[all_found].mean():26.1%}")
    print(f"found by all: {all_found.mean():.1%}")


def background(image: Image) -> Image:
    """The middle of a picture in grey, enlarged to fill the scene."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
    scale = max(HEIGHT / grey.shape[0], WIDTH / grey.shape[1])
    size = max(WIDTH, round(grey.shape[1] * scale)), max(HEIGHT, round(grey.shape[0] * scale))
    large = cv2.resize(grey, size, interpolation=cv2.INTER_LINEAR)
    top, left = (large.shape[0] - HEIGHT) // 2, (large.shape[1] - WIDTH) // 2
    return large[top : top + HEIGHT, left : left + WIDTH]


def pasted(face: Image, backgrounds: list[Image], rng: np.random.Generator) -> tuple[Image, Box]:
    """A scene (480, 640) uint8 with the picture (48, 48) in it, and where the face in it about is."""
    scene = backgrounds[rng.integers(len(backgrounds))].astype(np.float32)
    side = round(float(np.exp(rng.uniform(*np.log(SIDES)))))
    x, y = int(rng.integers(0, WIDTH - side + 1)), int(rng.integers(0, HEIGHT - side + 1))
    large = cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    ramp = np.clip(np.minimum(np.arange(side), np.arange(side)[::-1]) / (FADED * side), 0, 1)
    weight = np.minimum.outer(ramp, ramp)
    part = scene[y : y + side, x : x + side]
    part += weight * (large - part)
    inset = round(MIDDLE * side)
    return np.clip(scene, 0, 255).astype(np.uint8), Box(x + inset, y + inset, side - 2 * inset, side - 2 * inset)


if __name__ == "__main__":
    run(main)
