"""Faces found and false boxes of the detectors on annotated photos, and the source of `SMALLEST` in yunet.py.

    python -m benchmarks.detectors --photos dlib/examples/faces/ --yunet face_detection_yunet_2023mar.onnx

A face is found where a box shares at least `--overlap` of their union with it; a box is false where it shares less than
0.1 with every face, ignored ones too: boxes between the two are faces, if badly framed, and count as neither. The time
is that of one thread's own work. `--faces` adds a second set, described in benchmarks/annotations.py. `--sweep` shrinks
each photo until its smallest face is so and so many pixels wide. `--race` times YuNet and ferlite's own by turns on one
photo at sizes that both look at as they are, with all that a detector does around its network.
"""

import argparse
import statistics
import time
from pathlib import Path

import cv2

from benchmarks.annotations import Picture, read_dlib, read_faces
from benchmarks.command import print_machine, run
from ferlite import FerliteDetector, HaarDetector, YuNetDetector, read_image
from ferlite.detectors import QUICK, THOROUGH, haar, yunet
from ferlite.tracking import overlap
from ferlite.types import Detector, Image

FALSE = 0.1
SMALLEST = 28  # pixels: annotated faces of the second set below are ignored
RACE = ((160, 120), (320, 240), (64, 64), (96, 96))  # whole frames, and regions around a face
TURNS = 100
SWEEP = (10, 12, 14, 16, 18, 20, 24, 28, 32)  # pixels
COLUMNS = f"{'detector':10}{'min_face':>9}{'found':>16}{'of those not below it':>24}{'false boxes':>13}{'ms':>8}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="folder of photos with dlib's XML files")
    parser.add_argument("--faces", type=Path, help="folder of annotated pictures with boxes.csv and split.csv")
    parser.add_argument("--pictures", type=int, default=200, help="of --faces, with faces and without (default: 200)")
    parser.add_argument("--yunet", type=Path, metavar="FILE", help="YuNet's file (default: the pulled one)")
    parser.add_argument("--sweep", action="store_true", help="also by the smallest face's pixels")
    parser.add_argument("--race", action="store_true", help="also YuNet and ferlite by turns, at a few sizes")
    parser.add_argument("--overlap", type=float, default=0.4, help="for a face to count as found (default: 0.4)")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    print_machine()
    detectors: list[tuple[str, float, Detector]] = []
    for min_face in (QUICK, THOROUGH):
        detectors.append(("haar", min_face, HaarDetector(min_face)))
        detectors.append(("yunet", min_face, YuNetDetector(options.yunet, min_face)))
        detectors.append(("ferlite", min_face, FerliteDetector(min_face=min_face)))
    photos = read_dlib(options.photos)
    print(f"\n{options.photos}: boxes drawn by people")
    compare(detectors, photos, options.overlap)
    if options.faces:
        with_faces, without = read_faces(options.faces, options.pictures, SMALLEST)
        print(f"\n{options.faces}, with faces: boxes are YuNet's own, which flatters its recall")
        compare(detectors, with_faces, options.overlap)
        print(f"\n{options.faces}, without faces that count")
        compare(detectors, without, options.overlap)
    if options.race:
        race(YuNetDetector(options.yunet), FerliteDetector(), read_image(photos[0].path))
    if options.sweep:  # last, since it changes the detectors' settings
        sweep(HaarDetector(), YuNetDetector(options.yunet), photos, options.overlap)


def compare(detectors: list[tuple[str, float, Detector]], pictures: list[Picture], least: float) -> None:
    images = [read_image(picture.path) for picture in pictures]
    print(f"{len(pictures)} pictures, {sum(len(picture.faces) for picture in pictures)} faces\n{COLUMNS}")
    for name, min_face, detector in detectors:
        large: list[bool] = []  # of each face, whether the detector is meant to find it
        found: list[bool] = []
        false, spent = 0, 0.0
        for picture, image in zip(pictures, images, strict=True):
            began = time.thread_time()
            boxes = [detection.box for detection in detector(image)]
            spent += time.thread_time() - began
            large += [max(face.w, face.h) >= min_face * max(image.shape) for face in picture.faces]
            found += [any(overlap(face, box) >= least for box in boxes) for face in picture.faces]
            there = picture.faces + picture.ignored
            false += sum(all(overlap(face, box) < FALSE for face in there) for box in boxes)
        share, share_of_large = _share(found), _share([a for a, b in zip(found, large, strict=True) if b])
        print(f"{name:10}{min_face:9}{share:>16}{share_of_large:>24}{false:13}{spent / len(images) * 1000:8.1f}")


def race(by_yunet: YuNetDetector, by_ferlite: FerliteDetector, photo: Image) -> None:
    print(f"\n{'size':>8}{'yunet, ms':>12}{'ferlite, ms':>14}{'part':>8}   medians of {TURNS}, one thread's own work")
    for size in RACE:
        image = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
        spent: dict[str, list[float]] = {"yunet": [], "ferlite": []}
        for _ in range(TURNS):
            for name, detector in (("yunet", by_yunet), ("ferlite", by_ferlite)):
                began = time.thread_time()
                detector(image)
                spent[name].append(1000 * (time.thread_time() - began))
        theirs, ours = (statistics.median(times) for times in spent.values())
        print(f"{size[0]:>4}x{size[1]:<3}{theirs:12.3f}{ours:14.3f}{ours / theirs:8.2f}")


def sweep(by_haar: HaarDetector, by_yunet: YuNetDetector, photos: list[Picture], least: float) -> None:
    images = [read_image(photo.path) for photo in photos]
    print(f"\n{'pixels':>6}{'haar':>16}{'yunet':>16}")
    for pixels in SWEEP:
        haar.SMALLEST = yunet.SMALLEST = pixels
        row = f"{pixels:6}"
        for detector in (by_haar, by_yunet):
            found: list[bool] = []
            for photo, image in zip(photos, images, strict=True):
                min_face = min(max(face.w, face.h) for face in photo.faces) / max(image.shape)
                boxes = [detection.box for detection in detector(image, min_face)]
                found += [any(overlap(face, box) >= least for box in boxes) for face in photo.faces]
            row += f"{_share(found):>16}"
        print(row)


def _share(found: list[bool]) -> str:
    return f"{sum(found)} of {len(found)} {sum(found) / len(found):4.0%}" if found else "-"


if __name__ == "__main__":
    run(main)
