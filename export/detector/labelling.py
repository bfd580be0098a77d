"""Boxes and landmarks for pictures that each show one face, by a detector that knows faces already."""

import csv
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from export.datasets.faces import table
from export.datasets.types import Dataset
from export.errors import DatasetError
from export.runs import replacing
from ferlite.types import Detector

SIDE = 192  # pixels that a picture is enlarged to, for detectors expect some
BORDER = 32  # pixels of its own edge around it: the face may reach there
SURE = 0.7  # from which a face is taken for what the detector says
SPLITS = {"training": "train", "validation": "val"}


def label(dataset: Dataset, detector: Detector, folder: Path) -> tuple[int, int]:
    """Write the pictures in which `detector` finds exactly one face into `folder`, as `table` reads them.

    The pictures for training and validation stay apart. Returns how many were labelled, and how many looked at. Raises
    DatasetError where the folder is not empty, where nothing was found in one of the splits, and for a detector without
    landmarks.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DatasetError(f"{folder} is there already; choose another --output")
    (folder / table.IMAGES).mkdir(parents=True)
    boxes: list[list[str]] = []
    splits: list[list[str]] = []
    looked = 0
    for split, name in SPLITS.items():
        images = getattr(dataset, split).images
        looked += len(images)
        found = len(boxes)
        for number, picture in enumerate(tqdm(images, desc=split, unit="picture", disable=None)):
            face = _only_face(picture, detector)
            if face is not None:
                file = f"{name}{number:05d}.png"
                cv2.imwrite(str(folder / table.IMAGES / file), picture[..., ::-1] if picture.ndim == 3 else picture)
                boxes.append([file, *(f"{value:.2f}" for value in face), ""])
                splits.append([file, dataset.name, name])
        if len(boxes) == found:
            raise DatasetError(f"no {split} picture of {dataset.name} shows one face that the detector is sure of")
    for path, header, rows in (
        (folder / table.BOXES, ("image", *table.BOX, *table.LANDMARKS, "flag"), boxes),
        (folder / table.SPLIT, ("image", "source", "split"), splits),
    ):
        with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *rows])
    return len(boxes), looked


def _only_face(picture: np.ndarray, detector: Detector) -> list[float] | None:
    """Box and landmarks of the one face in a square picture, in its pixels; None where there is not just one."""
    large = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    framed = cv2.copyMakeBorder(large, BORDER, BORDER, BORDER, BORDER, cv2.BORDER_REPLICATE)
    # ferlite's pictures are BGR
    faces = detector(cv2.cvtColor(framed, cv2.COLOR_GRAY2BGR if framed.ndim == 2 else cv2.COLOR_RGB2BGR))
    if len(faces) != 1 or faces[0].score < SURE:
        return None
    if faces[0].landmarks is None:
        raise DatasetError("the detector gives boxes without landmarks, as Haar does; use ferlite, or yunet=FILE")
    x, y, w, h = faces[0].box
    points = [value - BORDER for point in faces[0].landmarks for value in point]
    scale = picture.shape[0] / SIDE
    return [value * scale for value in (x - BORDER, y - BORDER, w, h, *points)]
