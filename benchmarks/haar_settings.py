"""Faces found and false boxes of OpenCV's frontal cascades by setting: the source of the defaults in `HaarDetector`.

    python -m benchmarks.haar_settings --data faces/

The folder holds `images/`, `split.csv` (image, split, faces) and `boxes.csv` (image, x, y, w, h, source, flag).
"""

import argparse
import csv
import time
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

from ferlite import Box, read_image
from ferlite.detectors import haar
from ferlite.images import recolor

CASCADES = ("default", "alt", "alt2")
SMALLEST = 28  # pixels: annotated faces below are not counted, neither as found nor as missed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of annotated pictures")
    parser.add_argument("--pictures", type=int, default=200, help="how many with faces, and without (default: 200)")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    faces, empty = _pictures(options.data, options.pictures)
    total = sum(len(boxes) for _, boxes in faces)
    print(f"{len(faces)} pictures with {total} faces, {len(empty)} without; one thread; OpenCV {cv2.__version__}")
    print(f"{'cascade':10}{'scale':>7}{'neighbors':>11}{'found':>8}{'false boxes':>13}{'ms':>8}")
    for name in CASCADES:
        haar.CASCADE = f"haarcascade_frontalface_{name}.xml"
        for scale in (1.1, 1.2):
            for neighbors in (3, 5):
                detector = haar.HaarDetector(scale_factor=scale, min_neighbors=neighbors)
                began = time.process_time()
                detections = [[found.box for found in detector(image)] for image, _ in faces + empty]
                spent = (time.process_time() - began) / len(detections)
                hits = sum(
                    any(_overlap(box, found) > 0.3 for found in boxes_found)
                    for (_, boxes), boxes_found in zip(faces, detections, strict=False)
                    for box in boxes
                )
                false = sum(map(len, detections[len(faces) :]))
                print(f"{name:10}{scale:7}{neighbors:11}{hits / total:8.1%}{false:13}{spent * 1000:8.1f}", flush=True)


def _pictures(folder: Path, count: int) -> tuple[list, list]:
    boxes: dict[str, list[Box]] = defaultdict(list)
    with (folder / "boxes.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["source"] == "yunet" and not row["flag"] and float(row["w"]) >= SMALLEST:
                boxes[row["image"]].append(Box(*(round(float(row[key])) for key in "xywh")))
    with (folder / "split.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    order = np.random.default_rng(0).permutation(len(rows))
    faces = [rows[i]["image"] for i in order if rows[i]["split"] == "val" and boxes[rows[i]["image"]]][:count]
    empty = [rows[i]["image"] for i in order if rows[i]["faces"] == "0"][:count]

    def grey(name: str) -> np.ndarray:
        return recolor(read_image(folder / "images" / name), "grey")

    return [(grey(name), boxes[name]) for name in faces], [(grey(name), []) for name in empty]


def _overlap(a: Box, b: Box) -> float:
    width = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
    height = min(a.y + a.h, b.y + b.h) - max(a.y, b.y)
    shared = max(0, width) * max(0, height)
    return shared / (a.w * a.h + b.w * b.h - shared)


if __name__ == "__main__":
    main()
