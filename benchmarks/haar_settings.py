"""Faces found and false boxes of OpenCV's frontal cascades by setting: the source of the defaults in `HaarDetector`.

    python -m benchmarks.haar_settings --data faces/

The folder is described in benchmarks/annotations.py, at `read_faces`.
"""

import argparse
import time
from pathlib import Path

import cv2

from benchmarks.annotations import read_faces
from benchmarks.command import print_machine, run
from ferlite import read_image
from ferlite.detectors import haar
from ferlite.images import recolor
from ferlite.tracking import overlap

CASCADES = ("default", "alt", "alt2")
SMALLEST = 28  # pixels: annotated faces below are not counted, neither as found nor as missed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of annotated pictures")
    parser.add_argument("--pictures", type=int, default=200, help="how many with faces, and without (default: 200)")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    print_machine()
    faces, empty = read_faces(options.data, options.pictures, SMALLEST)
    images = [recolor(read_image(picture.path), "grey") for picture in faces + empty]
    total = sum(len(picture.faces) for picture in faces)
    print(f"{len(faces)} pictures with {total} faces, {len(empty)} without")
    print(f"{'cascade':10}{'scale':>7}{'neighbors':>11}{'found':>8}{'false boxes':>13}{'ms':>8}")
    for name in CASCADES:
        haar.CASCADE = f"haarcascade_frontalface_{name}.xml"
        for scale in (1.1, 1.2):
            for neighbors in (3, 5):
                detector = haar.HaarDetector(scale_factor=scale, min_neighbors=neighbors)
                began = time.process_time()
                detections = [[found.box for found in detector(image)] for image in images]
                spent = (time.process_time() - began) / len(detections)
                hits = sum(
                    any(overlap(face, box) > 0.3 for box in boxes)
                    for picture, boxes in zip(faces, detections, strict=False)
                    for face in picture.faces
                )
                false = sum(map(len, detections[len(faces) :]))
                print(f"{name:10}{scale:7}{neighbors:11}{hits / total:8.1%}{false:13}{spent * 1000:8.1f}", flush=True)


if __name__ == "__main__":
    run(main)
