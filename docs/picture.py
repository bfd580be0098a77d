"""Draws the README's picture: faces made of ellipses and lines, read by ferlite like any photo.

python docs/picture.py
"""

from pathlib import Path

import cv2
import numpy as np

from ferlite import Recognizer, draw

SIZE = 300  # pixels: the side of one tile
SKINS = ((150, 180, 225), (95, 135, 190), (170, 195, 235), (60, 90, 140), (120, 155, 205))
HAIRS = ((30, 40, 60), (20, 20, 25), (60, 110, 160), (15, 15, 15), (25, 35, 80))


def face(expression: str, skin: tuple[int, int, int], hair: tuple[int, int, int]) -> np.ndarray:
    """One drawn face, (300, 300, 3) BGR."""
    scale = 4  # drawn large and shrunk, for smooth edges
    side = SIZE * scale
    canvas = np.full((side, side, 3), (205, 200, 190), np.uint8)
    dark = tuple(int(c * 0.45) for c in skin)
    shade = tuple(int(c * 0.8) for c in skin)
    lips = (70, 60, 150) if sum(skin) > 350 else (45, 40, 100)

    def at(x: float, y: float) -> tuple[int, int]:
        return round(side * x), round(side * y)

    def ellipse(x, y, w, h, color, start=0, end=360, angle=0, thickness=-1):
        cv2.ellipse(canvas, at(x, y), at(w, h), angle, start, end, color, thickness, cv2.LINE_AA)

    def stroke(points, color, width):
        line = np.array([at(x, y) for x, y in points], np.int32)
        cv2.polylines(canvas, [line], False, color, round(side * width), cv2.LINE_AA)

    def curve(x, y, w, bend, tilt=0.0):
        t = np.linspace(-1, 1, 25)
        return [(x + w * u, y + bend * (1 - u * u) + tilt * u) for u in t]

    cv2.rectangle(canvas, at(0.4, 0.75), at(0.6, 0.95), shade, -1)
    ellipse(0.5, 1.05, 0.38, 0.2, (120, 90, 70))
    ellipse(0.5, 0.44, 0.31, 0.37, hair)
    ellipse(0.5, 0.51, 0.25, 0.33, skin)
    ellipse(0.5, 0.25, 0.23, 0.1, hair, 180, 360)

    brow_height, inner, open_eye = {
        "happy": (0.385, 0.0, 0.021),
        "surprise": (0.355, 0.0, 0.034),
        "angry": (0.425, 0.055, 0.02),
        "sad": (0.405, -0.04, 0.016),
        "neutral": (0.405, 0.004, 0.018),
    }[expression]
    for sign in (-1, 1):
        x = 0.5 + sign * 0.105
        ellipse(x, 0.45, 0.075, 0.05, shade)
        ellipse(x, 0.455, 0.052, open_eye, (245, 245, 245))
        ellipse(x, 0.453, 0.021, min(0.021, open_eye), (40, 50, 60))
        ellipse(x, 0.455, 0.055, open_eye + 0.004, (30, 30, 40), 180, 360, thickness=round(side * 0.01))
        brow = [
            (x + sign * d, brow_height - 0.012 * np.cos(d * 22) + inner * (0.5 - d / 0.13))
            for d in np.linspace(-0.065, 0.065, 15)
        ]
        stroke(brow, hair if sum(hair) < 200 else dark, 0.022)
    stroke([(0.485, 0.47), (0.47, 0.58), (0.5, 0.605), (0.53, 0.58)], shade, 0.014)
    ellipse(0.48, 0.598, 0.011, 0.007, dark)
    ellipse(0.52, 0.598, 0.011, 0.007, dark)
    if expression == "happy":
        smile = curve(0.5, 0.665, 0.125, 0.085) + curve(0.5, 0.665, 0.125, 0.02)[::-1]
        cv2.fillPoly(canvas, [np.array([at(x, y) for x, y in smile], np.int32)], (250, 250, 250), cv2.LINE_AA)
        stroke([*smile, smile[0]], lips, 0.014)
        for sign in (-1, 1):
            stroke(curve(0.5 + sign * 0.16, 0.63, 0.02, 0.0, 0.06 * sign), shade, 0.012)
    elif expression == "surprise":
        ellipse(0.5, 0.715, 0.055, 0.075, lips)
        ellipse(0.5, 0.715, 0.042, 0.06, (30, 20, 40))
    elif expression == "angry":
        snarl = curve(0.5, 0.69, 0.085, -0.02) + curve(0.5, 0.74, 0.095, -0.01)[::-1]
        cv2.fillPoly(canvas, [np.array([at(x, y) for x, y in snarl], np.int32)], (245, 245, 245), cv2.LINE_AA)
        stroke([*snarl, snarl[0]], lips, 0.016)
        for sign in (-1, 1):
            stroke([(0.5 + sign * 0.018, 0.37), (0.5 + sign * 0.022, 0.42)], dark, 0.008)
            stroke([(0.5 + sign * 0.07, 0.6), (0.5 + sign * 0.12, 0.66)], shade, 0.012)
    elif expression == "sad":
        stroke(curve(0.5, 0.725, 0.075, -0.03), lips, 0.022)
    else:
        stroke(curve(0.5, 0.705, 0.085, 0.006), lips, 0.02)
    light = np.linspace(1.08, 0.8, side)[None, :, None]
    lit = np.clip(canvas * light, 0, 255).astype(np.uint8)
    return cv2.resize(cv2.GaussianBlur(lit, (0, 0), 1.2 * scale), (SIZE, SIZE), interpolation=cv2.INTER_AREA)


def main() -> None:
    expressions = ("happy", "surprise", "neutral", "sad", "angry")
    row = np.hstack([face(*look) for look in zip(expressions, SKINS, HAIRS, strict=True)])
    faces = Recognizer()(row)
    cv2.imwrite(str(Path(__file__).with_name("faces.png")), draw(row, faces))
    print([(face.label, face.box.x) for face in sorted(faces, key=lambda face: face.box.x)])


if __name__ == "__main__":
    main()
