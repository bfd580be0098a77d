"""`ferlite image`: faces and emotions in photos."""

import argparse
import json
import os
import sys
from collections import Counter
from pathlib import Path

import cv2
from tqdm import tqdm

from ferlite.cli.options import Commands, add_model_options, make_recognizer
from ferlite.cli.progress import progress_bar
from ferlite.drawing import draw
from ferlite.errors import FerliteError, OutputError, SettingError
from ferlite.images import read_image
from ferlite.types import Face, Image


def add_to(commands: Commands) -> None:
    image = commands.add_parser("image", help="faces and emotions in photos")
    image.add_argument("photos", nargs="+", metavar="PHOTO", help="a JPEG, PNG or other picture")
    image.add_argument("--json", action="store_true", help="print one JSON object a photo instead of text")
    image.add_argument(
        "--output",
        metavar="FILE|FOLDER",
        help="write the photos with the faces drawn in; a folder where it has no suffix",
    )
    add_model_options(image)
    image.set_defaults(command=_image)


def _image(options: argparse.Namespace) -> int:
    recognizer = make_recognizer(options)
    output = _output_for_photos(options)
    failed = 0
    for photo in progress_bar(options.photos, unit="photo", disable=None if len(options.photos) > 1 else True):
        try:
            picture = read_image(photo)
            faces = recognizer(picture)
            if output is not None:
                _write_photo(output / Path(photo).name if output.is_dir() else output, draw(picture, faces))
        except FerliteError as error:
            failed += 1
            tqdm.write(f"ferlite: {error}", file=sys.stderr)
            continue
        if options.json:
            tqdm.write(json.dumps({"file": str(photo), "faces": [face.as_dict() for face in faces]}))
        else:
            tqdm.write("\n".join(_photo_lines(photo, faces)))
    return 1 if failed else 0


def _photo_lines(photo: str, faces: list[Face]) -> list[str]:
    count = "no face" if not faces else "1 face" if len(faces) == 1 else f"{len(faces)} faces"
    places = (f"  {f!s:16} at x {f.box.x}, y {f.box.y}, {f.box.w}×{f.box.h} pixels" for f in faces)
    return [f"{photo}: {count}", *places]


def _output_for_photos(options: argparse.Namespace) -> Path | None:
    if options.output is None:
        return None
    output = Path(options.output)
    if len(options.photos) > 1 and output.suffix:
        raise SettingError(f"{output}: several photos cannot be written to one file; give a folder")
    if len(options.photos) > 1 or not output.suffix or options.output.endswith(os.sep):
        try:
            output.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(f"{output}: is not a folder and cannot become one: {error.strerror}") from error
    photos = {Path(photo).resolve() for photo in options.photos}
    if output.resolve() in photos | {photo.parent for photo in photos}:
        raise OutputError(f"{output}: would overwrite the photos; choose another place")
    names = Counter(Path(photo).name for photo in options.photos)
    if output.is_dir() and (twice := [name for name, count in names.items() if count > 1]):
        raise OutputError(f"{output / twice[0]}: several photos are named {twice[0]}; write them to different folders")
    return output


def _write_photo(path: Path, picture: Image) -> None:
    try:
        encoded = cv2.imencode(path.suffix, picture)[1]
    except cv2.error:
        raise OutputError(f"{path}: pictures cannot be written as {path.suffix}; use .jpg or .png") from None
    try:
        path.write_bytes(encoded.tobytes())
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error
