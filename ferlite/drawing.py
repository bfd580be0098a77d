"""Faces and their emotions on a copy of an image."""

from collections.abc import Iterable

import cv2

from ferlite.images import as_image
from ferlite.types import Box, Face, Image

# BGR, one for each label in turn, light enough for black text on it.
COLORS = (
    (90, 130, 255), (130, 190, 150), (200, 150, 230), (80, 220, 250), (240, 180, 90), (120, 240, 170), (210, 210, 210),
)  # fmt: skip
FONT = cv2.FONT_HERSHEY_SIMPLEX
FARTHEST = 1 << 20  # pixels from the image's corner: OpenCV takes no number beyond 32 bits


def draw(image: Image, faces: Iterable[Face], smallest: float = 1 / 72) -> Image:
    """A BGR copy (h, w, 3) of an image with the box and label of every face; its probability where there is room.

    `smallest` is the height of the smallest capitals, as a part of the image's shorter side; of any they have 9 pixels.
    """
    image = as_image(image)
    canvas = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image.copy()
    height, width = canvas.shape[:2]
    side = min(height, width)
    smallest_text, largest_text = max(9, int(side * smallest)), max(9, side // 24)  # pixels
    line = max(2, smallest_text // 6)
    faces = list(faces)
    for face in faces:  # all boxes first, so that none crosses a label
        x, y, w, h = _within_reach(face.box)
        cv2.rectangle(canvas, (x, y), (x + w, y + h), _color(face), line, cv2.LINE_AA)
    for face in faces:
        x, y, w, h = _within_reach(face.box)
        # as the face, so that neighbours' labels do not cover each other, but always readable
        text_height = min(max(smallest_text, round(w / 8)), largest_text)
        font_scale, weight = cv2.getFontScaleFromHeight(FONT, text_height, 1), max(1, text_height // 12)
        text = str(face)
        (text_width, _), baseline = cv2.getTextSize(text, FONT, font_scale, weight)
        if text_width > 1.5 * w:
            text = text.rpartition(" ")[0]  # without the probability
            (text_width, _), baseline = cv2.getTextSize(text, FONT, font_scale, weight)
        tall = text_height + baseline + line
        # above the box where there is room, else below, else inside; never off the sides
        top = y - tall if y >= tall else y + h if y + h + tall <= height else max(0, y)
        left = min(max(0, x - line // 2), max(0, width - text_width - 2 * line))
        cv2.rectangle(canvas, (left, top), (left + text_width + 2 * line, top + tall), _color(face), cv2.FILLED)
        origin = (left + line, top + text_height + line)
        cv2.putText(canvas, text, origin, FONT, font_scale, (0, 0, 0), weight, cv2.LINE_AA)
    return canvas


def _color(face: Face) -> tuple[int, int, int]:
    return COLORS[face.labels.index(face.label) % len(COLORS)]


def _within_reach(box: Box) -> Box:
    x, y, w, h = box
    left, top, right, bottom = (min(max(value, -FARTHEST), FARTHEST) for value in (x, y, x + w, y + h))
    return Box(left, top, right - left, bottom - top)
