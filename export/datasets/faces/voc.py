"""Pascal VOC's form: `Annotations/*.xml`, `JPEGImages/` (or `images/`), and `ImageSets/Main/{train,val}.txt` if there.

Boxes are xmin, ymin, xmax, ymax in pixels. All names of objects count as faces; those marked difficult are ignored.
"""

from pathlib import Path
from xml.etree import ElementTree

from export.datasets.faces.types import FacePicture, Faces, FaceSet
from export.datasets.faces.yolo import held_out
from export.errors import DatasetError

PLACES = ("JPEGImages", "images")


def fits(folder: Path) -> bool:
    """Whether the folder is of this form."""
    return (folder / "Annotations").is_dir()


def read(folder: Path) -> FaceSet:
    """Read the set. DatasetError lists all that is wrong."""
    problems: list[str] = []
    pictures: dict[str, FacePicture] = {}
    for path in sorted((folder / "Annotations").glob("*.xml")):
        picture = _picture(folder, path, problems)
        if picture is not None:
            pictures[path.stem] = picture
    if not pictures and not problems:
        problems.append("no .xml files in Annotations/")
    splits: dict[str, list[FacePicture]] = {}
    for split in ("train", "val"):
        source = folder / "ImageSets" / "Main" / f"{split}.txt"
        names = [line.split()[0] for line in source.read_text().splitlines() if line.strip()] if source.exists() else []
        problems += [f"{source.name}: {name} has no file in Annotations/" for name in names if name not in pictures]
        splits[split] = [pictures[name] for name in names if name in pictures]
    if problems:
        raise DatasetError.of(folder, problems)
    training = splits["train"] or [p for p in pictures.values() if all(p is not other for other in splits["val"])]
    return FaceSet(*held_out(training, splits["val"]), folder.resolve().name)


def _picture(folder: Path, path: Path, problems: list[str]) -> FacePicture | None:
    try:
        root = ElementTree.fromstring(path.read_bytes())
    except (ElementTree.ParseError, ValueError) as error:
        problems.append(f"Annotations/{path.name}: not XML: {error}")
        return None
    name = Path(root.findtext("filename") or f"{path.stem}.jpg").name
    image = next((folder / place / name for place in PLACES if (folder / place / name).is_file()), None)
    if image is None:
        problems.append(f"Annotations/{path.name}: there is no {name} in {' or '.join(f'{p}/' for p in PLACES)}")
        return None
    faces = Faces()
    for number, item in enumerate(root.iter("object"), start=1):
        values = [item.findtext(f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax")]
        try:
            left, top, right, bottom = (float(value) for value in values)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            problems.append(f"Annotations/{path.name}: object {number} has the box {values}")
            continue
        if right <= left or bottom <= top:
            problems.append(f"Annotations/{path.name}: object {number} has a box of {right - left:g}×{bottom - top:g}")
            continue
        faces.add((left, top, right - left, bottom - top), ignored=(item.findtext("difficult") or "0").strip() == "1")
    return faces.picture(image)
