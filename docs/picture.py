"""Draws the README's picture: faces made of ellipses and lines, read by ferlite like any photo.

python docs/picture.py
"""

from pathlib import Path

import cv2
import numpy as np

from ferlite import Recognizer, draw
from ferlite.synthetic import EXPRESSIONS, HAIRS, SKINS, face


def main() -> None:
    row = np.hstack([face(*look) for look in zip(EXPRESSIONS, SKINS, HAIRS, strict=True)])
    faces = Recognizer()(row)
    cv2.imwrite(str(Path(__file__).with_name("faces.png")), draw(row, faces))
    print([(face.label, face.box.x) for face in sorted(faces, key=lambda face: face.box.x)])


if __name__ == "__main__":
    main()
