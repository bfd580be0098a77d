"""Pictures with boxes around faces: one reader for each form they come in, chosen by what lies in the folder."""

from collections.abc import Callable
from pathlib import Path

from export.datasets.faces import table, voc, wider, yolo
from export.datasets.faces.types import FacePicture, FaceSet
from export.errors import DatasetError

__all__ = ["FacePicture", "FaceSet", "read"]

# the form in words, whether a folder is of it, and its reader
_FORMS: tuple[tuple[str, Callable[[Path], bool], Callable[[Path], FaceSet]], ...] = (
    ("images/, boxes.csv and split.csv", table.fits, table.read),
    ("WIDER FACE's wider_face_split/ and WIDER_train/, WIDER_val/", wider.fits, wider.read),
    ("YOLO's images/ and labels/, with train/ and val/ or without", yolo.fits, yolo.read),
    ("VOC's Annotations/ and JPEGImages/", voc.fits, voc.read),
)


def read(folder: Path) -> FaceSet:
    """Read a folder of any known form. DatasetError lists all that is wrong."""
    for _, fits, reader in _FORMS:
        if fits(folder):
            found = reader(folder)
            if not any(picture.faces for picture in found.training):
                raise DatasetError(f"{folder}: no training picture has a face")
            if not any(picture.faces for picture in found.validation):
                raise DatasetError(f"{folder}: no validation picture has a face")
            return found
    raise DatasetError(f"{folder}: none of the known forms: {'; '.join(form for form, *_ in _FORMS)}")
