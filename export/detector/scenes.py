"""Training pictures made anew for every step: cut, scaled, turned, joined, and spoilt as small cameras spoil them.

NumPy and OpenCV, so that every Keras backend sees the same ones. All of it in grey, which is what the network sees: the
colour of the light does not reach it but as brightness.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from export.datasets.faces.types import FacePicture
from export.errors import DatasetError

MIRRORED = [1, 0, 2, 4, 3]  # landmarks of a mirrored face, in the order of those of the face
SMALLEST, LARGEST = 9.0, 1.5  # sides of faces: in pixels, and in sides of the scene
ENLARGED = 2.5  # at most: beyond, there is nothing but blur
ALIKE = 0.5  # how many times larger or smaller than where it was seen a mistake is shown, as a logarithm
SEEN, HARDLY = 0.55, 0.2  # parts of a face inside the scene: from SEEN on it counts, below HARDLY it is background


@dataclass(frozen=True, slots=True)
class Scene:
    """A grey picture (h, w) uint8 and its faces, as in `FacePicture`."""

    image: np.ndarray
    boxes: np.ndarray
    landmarks: np.ndarray
    ignored: np.ndarray


@dataclass(frozen=True, slots=True)
class Mistake:
    """A box that a network took for a face: in which picture, where (x, y, width, height), and its side where seen."""

    picture: FacePicture
    box: tuple[float, float, float, float]
    side: float


class Scenes:
    """Random scenes of `size` pixels' side from pictures with and without faces.

    `extra` pictures of faces come up in `share_extra` of the views of faces, however many there are. Of `share_empty`
    of the views, which show no face, half show one of the `mistakes` they are given.
    """

    def __init__(
        self,
        pictures: Sequence[FacePicture],
        size: int,
        share_empty: float = 0.25,
        mosaic: float = 0.3,
        extra: Sequence[FacePicture] = (),
        share_extra: float = 0.3,
    ) -> None:
        self.size, self.share_empty, self.mosaic = size, share_empty, mosaic
        self.with_faces = [picture for picture in pictures if picture.faces]
        self.extra = [picture for picture in extra if picture.faces]
        self.share_extra = share_extra if self.extra else 0.0
        self.empty = [picture for picture in pictures if not len(picture.boxes)]
        if not self.with_faces or not self.empty:
            raise DatasetError(
                f"{len(self.with_faces)} pictures with faces and {len(self.empty)} without; training needs both"
            )

    def __call__(self, rng: np.random.Generator, mistakes: Sequence[Mistake] = ()) -> Scene:
        """A scene that depends on nothing but the state of `rng` and the `mistakes`."""
        if rng.random() < self.mosaic:
            scene = self._mosaic(rng, mistakes)
        else:
            scene = self._view(rng, self.size, self.size, mistakes)
        image = spoil(occlude(scene, rng), rng)
        return Scene(image, scene.boxes, scene.landmarks, scene.ignored)

    def _mosaic(self, rng: np.random.Generator, mistakes: Sequence[Mistake]) -> Scene:
        """Four views around a random point (Bochkovskiy et al., *YOLOv4*, 2020)."""
        x, y = rng.integers(round(0.3 * self.size), round(0.7 * self.size), 2).tolist()
        image = np.empty((self.size, self.size), np.uint8)
        parts = []
        for left, right in ((0, x), (x, self.size)):
            for top, bottom in ((0, y), (y, self.size)):
                view = self._view(rng, bottom - top, right - left, mistakes)
                image[top:bottom, left:right] = view.image
                parts.append(
                    (
                        view.boxes + np.array([left, top, 0, 0], np.float32),
                        view.landmarks + np.array([left, top]),
                        view.ignored,
                    )
                )
        boxes, landmarks, ignored = (np.concatenate(column) for column in zip(*parts, strict=True))
        return Scene(image, boxes, landmarks.astype(np.float32), ignored)

    def _view(self, rng: np.random.Generator, height: int, width: int, mistakes: Sequence[Mistake]) -> Scene:
        if rng.random() < self.share_empty:
            if mistakes and rng.random() < 0.5:
                mistake = mistakes[rng.integers(len(mistakes))]
                wanted = mistake.side * np.exp(rng.uniform(-ALIKE, ALIKE))
                return self._about(mistake.picture, mistake.box, wanted, height, width, rng)
            return Scene(self._background(rng, height, width), *_nothing())
        pictures = self.extra if rng.random() < self.share_extra else self.with_faces
        picture = pictures[rng.integers(len(pictures))]
        box = picture.boxes[rng.choice(np.flatnonzero(~picture.ignored))]
        wanted = np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST * max(height, width))))
        return self._about(picture, box, wanted, height, width, rng)

    def _about(
        self,
        picture: FacePicture,
        box: Sequence[float] | np.ndarray,
        wanted: float,
        height: int,
        width: int,
        rng: np.random.Generator,
    ) -> Scene:
        """The picture with the box somewhere in the view, `wanted` pixels large; another picture where it ends."""
        x, y, w, h = box
        side = np.sqrt(w * h)
        scale = min(wanted / side, ENLARGED)
        # where the box's centre comes to lie; large ones reach past the edges, yet most of them is seen
        margin = np.minimum(0.5, 0.4 * scale * side / np.array([width, height]))
        target = rng.uniform(margin, 1 - margin) * (width, height)
        scene, covered = _placed(picture, scale, (x + w / 2, y + h / 2), target, (height, width), rng)
        if not covered.all():
            np.copyto(scene.image, self._background(rng, height, width), where=covered == 0)
        return scene

    def _background(self, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
        levels = pyramid(self.empty[rng.integers(len(self.empty))].path)
        least = max(height / levels[0].shape[0], width / levels[0].shape[1])
        image, scale = _level(levels, least * np.exp(rng.uniform(0, np.log(2.5))))
        rows, columns = round(height / scale), round(width / scale)
        top = rng.integers(0, max(1, image.shape[0] - rows + 1))
        left = rng.integers(0, max(1, image.shape[1] - columns + 1))
        part = image[top : top + max(1, rows), left : left + max(1, columns)]
        part = cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)
        return part[:, ::-1].copy() if rng.random() < 0.5 else part


def _placed(
    picture: FacePicture,
    scale: float,
    centre: tuple[float, float],
    target: np.ndarray,
    size: tuple[int, int],
    rng: np.random.Generator,
) -> tuple[Scene, np.ndarray]:
    """The picture scaled, turned and perhaps mirrored about a point that comes to lie at `target`, and where it is."""
    height, width = size
    stretch = np.exp(rng.normal(0, 0.06))
    scale_x, scale_y = scale * stretch, scale / stretch
    image, left = _level(pyramid(picture.path), scale)
    shrunk = left / scale
    angle = np.deg2rad(rng.normal(0, 12) if rng.random() < 0.7 else 0.0)
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    cos, sin = np.cos(angle), np.sin(angle)
    linear = np.array([[cos * scale_x * mirror, -sin * scale_y], [sin * scale_x * mirror, cos * scale_y]])
    offset = target - linear @ np.array(centre)
    matrix = np.concatenate([linear * shrunk, offset[:, None]], axis=1)
    warped = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    rows, columns = image.shape
    corners = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]]) @ matrix[:, :2].T + matrix[:, 2]
    covered = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(covered, np.round(corners).astype(np.int32), 1)
    boxes = picture.boxes
    middles = (boxes[:, :2] + boxes[:, 2:] / 2) @ linear.T + offset
    sizes = boxes[:, 2:] * (scale_x, scale_y)
    landmarks = picture.landmarks @ linear.T + offset
    if mirror < 0:
        landmarks = landmarks[:, MIRRORED]
    boxes = np.concatenate([middles - sizes / 2, sizes], axis=1).astype(np.float32)
    seen = _seen(boxes, width, height)
    ignored = picture.ignored | (seen < SEEN)
    keep = seen >= HARDLY
    return Scene(warped, boxes[keep], landmarks[keep].astype(np.float32), ignored[keep]), covered


def _seen(boxes: np.ndarray, width: int, height: int) -> np.ndarray:
    """The part of each box that is inside; of a face larger than the picture, of what could be."""
    inside_x = np.minimum(boxes[:, 0] + boxes[:, 2], width) - np.maximum(boxes[:, 0], 0)
    inside_y = np.minimum(boxes[:, 1] + boxes[:, 3], height) - np.maximum(boxes[:, 1], 0)
    return np.maximum(inside_x, 0) * np.maximum(inside_y, 0) / (boxes[:, 2] * boxes[:, 3])


def occlude(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """The scene's picture with bars before some of its faces: hands, cups, masks."""
    image = scene.image
    for x, y, w, h in scene.boxes[~scene.ignored]:
        if rng.random() > 0.12:
            continue
        side = rng.uniform(0.15, 0.45, 2) * (w, h)
        left, top = np.array([x, y]) + rng.uniform(0, 1, 2) * ((w, h) - side)
        rows = slice(max(0, round(top)), max(0, round(top + side[1])))
        columns = slice(max(0, round(left)), max(0, round(left + side[0])))
        image[rows, columns] = rng.integers(256)
    return image


def spoil(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Light, contrast, blur, sensor noise and compression of small cameras; grey (h, w) uint8 → the same."""
    if rng.random() < 0.7:
        levels = np.arange(256) / 255.0
        levels = levels ** np.exp(rng.normal(0, 0.35))
        levels = (levels - 0.5) * rng.uniform(0.5, 1.3) + 0.5 + rng.uniform(-0.15, 0.15)
        if rng.random() < 0.12:  # low light
            levels = levels * rng.uniform(0.15, 0.5)
        image = cv2.LUT(image, np.clip(levels * 255, 0, 255).astype(np.uint8))
    drawn = rng.random()
    if drawn < 0.12:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 1.3))
    elif drawn < 0.24:
        image = cv2.filter2D(image, -1, _motion(int(rng.integers(3, 8)), float(rng.uniform(0, np.pi))))
    elif drawn < 0.32:  # a smaller camera's picture, enlarged
        size = round(image.shape[1] * rng.uniform(0.5, 0.9))
        image = cv2.resize(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA), image.shape[::-1])
    if rng.random() < 0.3:
        noise = np.empty(image.shape, np.int16)
        cv2.setRNGSeed(int(rng.integers(1 << 31)))
        cv2.randn(noise, 0, float(rng.uniform(2, 14)))
        image = cv2.add(image, noise, dtype=cv2.CV_8U)
    if rng.random() < 0.15:
        _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 70))])
        image = cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE)
    return image


def _motion(length: int, angle: float) -> np.ndarray:
    kernel = np.zeros((length, length), np.float32)
    middle = (length - 1) / 2
    reach = np.array([np.cos(angle), np.sin(angle)]) * middle
    start, end = (tuple(np.round(middle + sign * reach).astype(int).tolist()) for sign in (-1, 1))
    cv2.line(kernel, start, end, 1.0)
    return kernel / kernel.sum()


@cache
def pyramid(path: Path) -> list[np.ndarray]:
    """A picture as grey (h, w) uint8, and its halves down to about 60 pixels. Raises DatasetError.

    Kept in memory, where 5,000 pictures of 480 pixels take 0.7 GB.
    """
    data = np.frombuffer(path.read_bytes(), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) if data.size else None
    if image is None:
        raise DatasetError(f"{path}: not a picture that can be read")
    levels = [image]
    while min(image.shape) >= 120:
        image = cv2.resize(image, (image.shape[1] // 2, image.shape[0] // 2), interpolation=cv2.INTER_AREA)
        levels.append(image)
    return levels


def _level(levels: list[np.ndarray], scale: float) -> tuple[np.ndarray, float]:
    """The level of a pyramid to be scaled by no less than about a half, and by what it is left to be scaled."""
    number = min(len(levels) - 1, max(0, int(np.floor(-np.log2(scale) + 0.4))))
    return levels[number], scale * 2**number


def _nothing() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.zeros((0, 4), np.float32), np.zeros((0, 5, 2), np.float32), np.zeros(0, bool)
