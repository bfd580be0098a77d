"""Faces drawn by code, and scenes of them that move: what ferlite is timed on where nobody gave a video.

They are drawn so that face detectors take them for faces; what a classifier makes of them says nothing about people.
"""

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from ferlite.errors import SettingError
from ferlite.types import Image

Color = tuple[int, int, int]

SIDE = 300  # pixels of a drawn face's picture
MOST = 7  # faces that fit into a scene
FPS = 30.0  # pictures a second at which the motion looks natural
SKINS: tuple[Color, ...] = ((150, 180, 225), (95, 135, 190), (170, 195, 235), (60, 90, 140), (120, 155, 205))
HAIRS: tuple[Color, ...] = ((30, 40, 60), (20, 20, 25), (60, 110, 160), (15, 15, 15), (25, 35, 80))
EXPRESSIONS = ("happy", "surprise", "neutral", "sad", "angry")
MOODS = ("happy", "neutral", "sad", "angry")  # of scenes: the Haar cascade misses a third of the wide open mouths
LASTS, FADES = 2.0, 0.5  # seconds from one expression to the next, and of the change between them
BLENDS = 4  # steps of that change
_PAPER = (205, 200, 190)
_SHIRT = (120, 90, 70)


def scene(seconds: float, faces: int = 1, size: tuple[int, int] = (640, 480)) -> Image:
    """What a camera would see at a time: 0…7 faces, BGR, `size` is (width, height).

    They sway, tilt, come nearer and change their expression. Up to three have a fifth to a quarter of the picture's
    height, more are smaller. The same arguments give the same picture. Raises SettingError for other numbers of faces.
    """
    if not 0 <= faces <= MOST:
        raise SettingError(f"faces is {faces}; a synthetic scene has 0 to {MOST}")
    picture = _background(size).copy()
    width, height = size
    crowded = faces > 3
    rows = [(faces + 1) // 2, faces // 2] if crowded else [faces]
    side = min(0.46 * height, 0.235 * width) if crowded else min(0.5 * height, 0.31 * width)
    number = 0
    for row, columns in enumerate(rows):
        for column in range(columns):
            place = width * (column + 0.5) / columns, height * (row + 0.5) / len(rows)
            _paste(picture, number, seconds, place, side)
            number += 1
    return picture


def face(expression: str, skin: Color, hair: Color) -> Image:
    """A drawn face, (300, 300, 3) BGR, before a plain wall; `expression` is one of EXPRESSIONS."""
    scale = 4  # drawn large and shrunk, for smooth edges
    pen = _Pen(SIDE * scale, _PAPER)
    _draw_person(pen, skin, hair, tuple(int(c * 0.8) for c in skin), _SHIRT)
    _draw_eyes(pen, expression, skin, hair)
    _draw_nose(pen, skin)
    _draw_mouth(pen, expression, skin)
    light = np.linspace(1.08, 0.8, pen.side)[None, :, None]
    lit = np.clip(pen.canvas * light, 0, 255).astype(np.uint8)
    return _shrunk(lit, scale)


def _paste(picture: Image, number: int, seconds: float, place: tuple[float, float], side: float) -> None:
    """Draw person `number` around a place. Each moves in a rhythm of its own."""
    rhythm = 1 + 0.13 * number
    zoom = side / SIDE * (0.95 + 0.05 * math.sin(0.9 * rhythm * seconds + number))
    tilt = 4 * math.sin(1.3 * rhythm * seconds + 2 * number)
    x = place[0] + 0.05 * side * math.sin(0.7 * rhythm * seconds + number)
    y = place[1] + 0.03 * side * math.sin(1.7 * rhythm * seconds)
    reach = math.ceil(0.54 * side)  # half of the tilted tile
    left, top = max(0, round(x) - reach), max(0, round(y) - reach)
    spot = picture[top : round(y) + reach, left : round(x) + reach]
    matrix = np.array(cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), tilt, zoom))
    matrix[0, 2] += x - left - SIDE / 2
    matrix[1, 2] += y - top - SIDE / 2
    size = spot.shape[1], spot.shape[0]
    tile, share = _person(number, *_mood(number, seconds))
    drawn = cv2.warpAffine(tile, matrix, size, flags=cv2.INTER_LINEAR)
    shares = cv2.warpAffine(share, matrix, size, flags=cv2.INTER_LINEAR)
    spot[:] = cv2.blendLinear(drawn, spot, shares, 1 - shares)


def _mood(number: int, seconds: float) -> tuple[int, int, int]:
    """The expression that was, the one that comes, and how far it has come, 0…BLENDS."""
    turn, since = divmod(seconds + 0.7 * number, LASTS)
    mood = int(turn) + number
    come = min(1.0, max(0.0, (since - LASTS + FADES) / FADES))
    return mood % len(MOODS), (mood + 1) % len(MOODS), round(come * BLENDS)


@lru_cache(maxsize=MOST * len(MOODS) * (BLENDS + 1))
def _person(number: int, before: int, after: int, come: int) -> tuple[Image, NDArray[np.float32]]:
    """A person on the way from one expression to another, and how much each pixel hides of what lies behind."""
    if come == 0:
        return face(MOODS[before], *_look(number)), _silhouette()
    if come == BLENDS:
        return _person(number, after, before, 0)
    old, new = _person(number, before, after, 0)[0], _person(number, after, before, 0)[0]
    return cv2.addWeighted(old, 1 - come / BLENDS, new, come / BLENDS, 0), _silhouette()


def _look(number: int) -> tuple[Color, Color]:
    return SKINS[number % len(SKINS)], HAIRS[(number + number // len(SKINS)) % len(HAIRS)]


@lru_cache(maxsize=1)
def _silhouette() -> NDArray[np.float32]:
    scale = 2
    pen = _Pen(SIDE * scale, (0, 0, 0))
    white = (255, 255, 255)
    _draw_person(pen, white, white, white, white)
    share = _shrunk(pen.canvas, scale)[..., 0].astype(np.float32) / 255
    # a little smaller than the person, or the wall of its tile would shine through
    smaller: NDArray[np.float32] = np.clip(2 * share - 1, 0, 1)
    return smaller


@lru_cache(maxsize=4)
def _background(size: tuple[int, int]) -> Image:
    """A wall with light from one side, large soft patches and fine grain."""
    width, height = size
    random = np.random.default_rng(7)
    wall = np.linspace(175, 115, width, dtype=np.float32)[None, :, None] * np.array([0.95, 0.98, 1.0], np.float32)
    wall = np.repeat(wall, height, axis=0)
    for cells, strength in ((5, 18), (24, 10), (120, 6)):
        patches = random.uniform(-strength, strength, (cells * height // width + 1, cells, 1))
        tinted = patches + random.uniform(-0.3, 0.3, 3) * patches
        wall += cv2.resize(tinted.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    wall += random.normal(0, 2.5, wall.shape)
    return np.clip(wall, 0, 255).astype(np.uint8)


def _shrunk(canvas: Image, scale: int) -> Image:
    return cv2.resize(cv2.GaussianBlur(canvas, (0, 0), 1.2 * scale), (SIDE, SIDE), interpolation=cv2.INTER_AREA)


class _Pen:
    """Draws on a square canvas in parts of its side."""

    def __init__(self, side: int, paper: Color) -> None:
        self.side = side
        self.canvas: Image = np.full((side, side, 3), paper, np.uint8)

    def at(self, x: float, y: float) -> tuple[int, int]:
        return round(self.side * x), round(self.side * y)

    def ellipse(
        self,
        x: float,
        y: float,
        w: float,
        h: float,
        color: tuple[int, ...],
        start: int = 0,
        end: int = 360,
        width: float | None = None,
    ) -> None:
        thickness = -1 if width is None else round(self.side * width)
        cv2.ellipse(self.canvas, self.at(x, y), self.at(w, h), 0, start, end, color, thickness, cv2.LINE_AA)

    def stroke(self, points: list[tuple[float, float]], color: tuple[int, ...], width: float) -> None:
        line = np.array([self.at(x, y) for x, y in points], np.int32)
        cv2.polylines(self.canvas, [line], False, color, round(self.side * width), cv2.LINE_AA)

    def fill(self, points: list[tuple[float, float]], color: tuple[int, ...]) -> None:
        cv2.fillPoly(self.canvas, [np.array([self.at(x, y) for x, y in points], np.int32)], color, cv2.LINE_AA)


def _curve(x: float, y: float, w: float, bend: float, tilt: float = 0.0) -> list[tuple[float, float]]:
    return [(x + w * t, y + bend * (1 - t * t) + tilt * t) for t in np.linspace(-1, 1, 25).tolist()]


def _draw_person(pen: _Pen, skin: Color, hair: Color, neck: tuple[int, ...], shirt: Color) -> None:
    cv2.rectangle(pen.canvas, pen.at(0.4, 0.75), pen.at(0.6, 0.95), neck, -1)
    pen.ellipse(0.5, 1.05, 0.38, 0.2, shirt)
    pen.ellipse(0.5, 0.44, 0.31, 0.37, hair)
    pen.ellipse(0.5, 0.51, 0.25, 0.33, skin)
    pen.ellipse(0.5, 0.25, 0.23, 0.1, hair, 180, 360)


def _draw_eyes(pen: _Pen, expression: str, skin: Color, hair: Color) -> None:
    brow_height, inner, open_eye = {
        "happy": (0.385, 0.0, 0.021),
        "surprise": (0.355, 0.0, 0.034),
        "angry": (0.425, 0.055, 0.02),
        "sad": (0.405, -0.04, 0.016),
        "neutral": (0.405, 0.004, 0.018),
    }[expression]
    dark, shade = _darker(skin)
    for sign in (-1, 1):
        x = 0.5 + sign * 0.105
        pen.ellipse(x, 0.45, 0.075, 0.05, shade)
        pen.ellipse(x, 0.455, 0.052, open_eye, (245, 245, 245))
        pen.ellipse(x, 0.453, 0.021, min(0.021, open_eye), (40, 50, 60))
        pen.ellipse(x, 0.455, 0.055, open_eye + 0.004, (30, 30, 40), 180, 360, width=0.01)
        brow = [
            (x + sign * d, brow_height - 0.012 * math.cos(d * 22) + inner * (0.5 - d / 0.13))
            for d in np.linspace(-0.065, 0.065, 15).tolist()
        ]
        pen.stroke(brow, hair if sum(hair) < 200 else dark, 0.022)


def _draw_nose(pen: _Pen, skin: Color) -> None:
    dark, shade = _darker(skin)
    pen.stroke([(0.485, 0.47), (0.47, 0.58), (0.5, 0.605), (0.53, 0.58)], shade, 0.014)
    pen.ellipse(0.48, 0.598, 0.011, 0.007, dark)
    pen.ellipse(0.52, 0.598, 0.011, 0.007, dark)


def _draw_mouth(pen: _Pen, expression: str, skin: Color) -> None:
    dark, shade = _darker(skin)
    lips = (70, 60, 150) if sum(skin) > 350 else (45, 40, 100)
    if expression == "happy":
        smile = _curve(0.5, 0.665, 0.125, 0.085) + _curve(0.5, 0.665, 0.125, 0.02)[::-1]
        pen.fill(smile, (250, 250, 250))
        pen.stroke([*smile, smile[0]], lips, 0.014)
        for sign in (-1, 1):
            pen.stroke(_curve(0.5 + sign * 0.16, 0.63, 0.02, 0.0, 0.06 * sign), shade, 0.012)
    elif expression == "surprise":
        pen.ellipse(0.5, 0.715, 0.055, 0.075, lips)
        pen.ellipse(0.5, 0.715, 0.042, 0.06, (30, 20, 40))
    elif expression == "angry":
        snarl = _curve(0.5, 0.69, 0.085, -0.02) + _curve(0.5, 0.74, 0.095, -0.01)[::-1]
        pen.fill(snarl, (245, 245, 245))
        pen.stroke([*snarl, snarl[0]], lips, 0.016)
        for sign in (-1, 1):
            pen.stroke([(0.5 + sign * 0.018, 0.37), (0.5 + sign * 0.022, 0.42)], dark, 0.008)
            pen.stroke([(0.5 + sign * 0.07, 0.6), (0.5 + sign * 0.12, 0.66)], shade, 0.012)
    elif expression == "sad":
        pen.stroke(_curve(0.5, 0.725, 0.075, -0.03), lips, 0.022)
    else:
        pen.stroke(_curve(0.5, 0.705, 0.085, 0.006), lips, 0.02)


def _darker(skin: Color) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The skin's colour in lines, and in shade."""
    return tuple(int(c * 0.45) for c in skin), tuple(int(c * 0.8) for c in skin)
