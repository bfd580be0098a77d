"""Annotated photos for the measurements of detectors: dlib's XML, and a folder with `split.csv` and `boxes.csv`."""

import csv
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np

from ferlite import Box, SettingError


class Picture(NamedTuple):
    """`faces` are to be found; `ignored` ones are there too, but count neither as missed nor, if found, as false."""

    path: Path
    faces: list[Box]
    ignored: list[Box]


def read_dlib(folder: Path) -> list[Picture]:
    """The pictures that the XML files of a folder list."""
    files = sorted(folder.glob("*.xml"))
    if not files:
        raise SettingError(f"{folder}: no such folder, or it holds no .xml file with boxes")
    pictures = []
    for file in files:
        for image in ElementTree.parse(file).iter("image"):
            boxes: dict[bool, list[Box]] = {True: [], False: []}
            for box in image.iter("box"):
                place = Box(*(int(box.attrib[key]) for key in ("left", "top", "width", "height")))
                boxes[box.get("ignore") == "1"].append(place)
            pictures.append(Picture(folder / image.attrib["file"], boxes[False], boxes[True]))
    return pictures


def read_faces(folder: Path, count: int, smallest: int) -> tuple[list[Picture], list[Picture]]:
    """`count` pictures with faces out of the validation split, and as many without any, drawn with a fixed seed.

    The folder holds `images/`, `split.csv` (image, split, faces) and `boxes.csv` (image, x, y, w, h, source, flag).
    Faces that YuNet found, without a flag and at least `smallest` pixels wide, are to be found; all others are ignored.
    """
    if not ((folder / "boxes.csv").is_file() and (folder / "split.csv").is_file()):
        raise SettingError(f"{folder}: no such folder, or it holds no boxes.csv and split.csv")
    faces: dict[str, list[Box]] = defaultdict(list)
    ignored: dict[str, list[Box]] = defaultdict(list)
    with (folder / "boxes.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            counts = row["source"] == "yunet" and not row["flag"] and float(row["w"]) >= smallest
            (faces if counts else ignored)[row["image"]].append(Box(*(round(float(row[key])) for key in "xywh")))
    with (folder / "split.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    shuffled = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]

    def pictures(names: list[str]) -> list[Picture]:
        return [Picture(folder / "images" / name, faces[name], ignored[name]) for name in names[:count]]

    with_faces = [row["image"] for row in shuffled if row["split"] == "val" and faces[row["image"]]]
    return pictures(with_faces), pictures([row["image"] for row in shuffled if row["faces"] == "0"])
