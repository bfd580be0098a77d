"""Images as they come in: read from files, check arrays, cut out faces."""

import math
from os import PathLike
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ferlite.errors import ImageError, SourceError
from ferlite.types import Box, Image, Landmarks

# Degrees. Of upright faces YuNet's landmarks are up to 5° off, and turning faces by such noise costs accuracy.
LEAST_TILT = 6.0
# Pixels, and sides of an image, that a cut-out square may have: where it repeats the edge it takes memory too. Beyond a
# face as large as the image a margin and a tilt come to 7.1 sides.
LARGEST = 4096, 8


def read_image(path: str | PathLike[str]) -> Image:
    """Read a photo as BGR (h, w, 3) uint8, turned upright as its EXIF data say. Raises SourceError."""
    path = Path(path)
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise SourceError(f"{path}: cannot be read: is a folder; give its pictures: {path}/*.jpg") from None
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        return decode_image(data)
    except ImageError as error:
        raise SourceError(f"{path}: {error}") from error


def decode_image(data: bytes | NDArray[np.uint8]) -> Image:
    """The picture in the bytes of a file (JPEG, PNG, …) as BGR (h, w, 3) uint8, turned upright. Raises ImageError.

    For bytes from strangers, set the environment variable OPENCV_IO_MAX_IMAGE_PIXELS before OpenCV is imported: a file
    of a megabyte can hold a picture of gigabytes.
    """
    encoded = np.frombuffer(data, np.uint8)
    try:
        image = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if encoded.size else None
    except cv2.error as error:  # pictures beyond OpenCV's limits on size
        raise ImageError(f"not a picture OpenCV can read: {error.err}") from error
    if image is None:
        raise ImageError(f"not a picture OpenCV can read ({encoded.size} bytes); convert it to JPEG or PNG")
    return image


def as_image(array: Any) -> Image:
    """The array as a grey (h, w) or BGR (h, w, 3) uint8 image; a fourth (alpha) channel is left out.

    Memory order does not matter. Raises ImageError for anything else: above all for float images, whose range
    (0…1 or 0…255) only the caller knows.
    """
    if not isinstance(array, np.ndarray):
        raise ImageError(
            f"an image has to be a NumPy array, not {type(array).__name__}; read files by ferlite.read_image"
        )
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise ImageError(f"an image has to be (h, w), (h, w, 3) BGR or (h, w, 4) BGRA, not {array.shape}")
    if array.size == 0:
        raise ImageError(f"the image is empty: shape {array.shape}")
    if array.dtype != np.uint8:
        hint = "image.astype('uint8')"
        if array.dtype.kind == "f":
            hint = f"{hint}, or by (image * 255).astype('uint8') where its values are 0…1"
        raise ImageError(f"an image has to be uint8 with values 0…255, not {array.dtype}; convert it by {hint}")
    if array.ndim == 3:
        array = array[:, :, :3]
    return np.ascontiguousarray(array)


def cut_out(
    image: Image, box: Box, margin: float, size: tuple[int, int], color: str, landmarks: Landmarks | None = None
) -> Image:
    """The square around a box, widened by `margin` of its side on every side, as (height, width[, 3]) uint8.

    `size` is (height, width); `color` is "grey", "bgr" or "rgb". What lies past the image's edge repeats the edge. With
    `landmarks` the square is turned about its centre until the eyes are level.
    Raises ImageError for a box that lies outside of the image or is far larger.
    """
    side = max(1, round(max(box.w, box.h) * (1 + 2 * margin)))
    angle = 0.0 if landmarks is None else tilt(box, landmarks)
    turned = math.radians(abs(angle))
    # the upright square that holds the turned one, so that turning brings no edges in
    grow = abs(math.cos(turned)) + math.sin(turned)
    face = recolor(_square(image, box, round(side * grow)), color)
    height, width = round(size[0] * grow), round(size[1] * grow)
    face = resize(face, (height, width))
    if angle == 0:
        return face
    # turned after it has shrunk: there are fewer pixels, and warpAffine would not average them
    matrix: NDArray[np.float64] = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1)  # type: ignore[assignment]
    matrix[:, 2] += (size[1] - width) / 2, (size[0] - height) / 2
    return cv2.warpAffine(face, matrix, (size[1], size[0]), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def tilt(box: Box, landmarks: Landmarks) -> float:
    """By how many degrees the line through the eyes falls to the right of the picture; 0 where it is noise."""
    across = landmarks.left_eye.x - landmarks.right_eye.x
    down = landmarks.left_eye.y - landmarks.right_eye.y
    if math.hypot(across, down) < 0.2 * max(box.w, box.h):  # from the side: the eyes lie behind each other
        return 0.0
    angle = math.degrees(math.atan2(down, across))
    return angle if abs(angle) >= LEAST_TILT else 0.0


def _square(image: Image, box: Box, side: int) -> Image:
    left, top = round(box.x + (box.w - side) / 2), round(box.y + (box.h - side) / 2)
    height, width = image.shape[:2]
    x0, x1 = max(left, 0), min(left + side, width)
    y0, y1 = max(top, 0), min(top + side, height)
    if x0 >= x1 or y0 >= y1:
        raise ImageError(f"the box {tuple(box)} lies outside of the image of {width}×{height} pixels")
    if side > max(LARGEST[0], LARGEST[1] * max(height, width)):
        raise ImageError(f"the box {tuple(box)} is too large for the image of {width}×{height} pixels")
    square = image[y0:y1, x0:x1]
    if (y1 - y0, x1 - x0) == (side, side):
        return square
    return cv2.copyMakeBorder(square, y0 - top, top + side - y1, x0 - left, left + side - x1, cv2.BORDER_REPLICATE)


def recolor(image: Image, color: str) -> Image:
    """A grey or BGR image as "grey" (h, w), "bgr" or "rgb" (h, w, 3)."""
    grey = image.ndim == 2
    if color == "grey":
        return image if grey else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    if grey:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    return image if color == "bgr" else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def resize(image: Image, size: tuple[int, int]) -> Image:
    """The image at `size` (height, width): averaged where it shrinks, interpolated where it grows."""
    height, width = size
    if image.shape[:2] == size:
        return image
    image = _halved(image, height, width)
    shrinks = image.shape[0] > height
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=method)


def shrunk(shape: tuple[int, ...], longest: float) -> tuple[int, int]:
    """The (height, width) of an image of that shape once its longer side is at most `longest` pixels."""
    scale = min(1.0, longest / max(shape[:2]))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def shrink(image: Image, longest: float) -> tuple[Image, float]:
    """The image with its longer side at most `longest` pixels, and by what its coordinates were multiplied.

    For detectors: of what is to be a quarter or less, every other pixel is left out before the others are averaged.
    """
    height, width = image.shape[:2]
    longer = max(height, width)
    scale = longest / longer
    if scale >= 1:
        return image, 1.0
    rows, columns = shrunk(image.shape, longest)
    while scale <= 0.25 and min(height, width) > 4:
        height, width, scale = height // 2, width // 2, 2 * scale
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_NEAREST)
    image = cv2.resize(_halved(image, rows, columns), (columns, rows), interpolation=cv2.INTER_AREA)
    return image, longest / longer


def _halved(image: Image, height: int, width: int) -> Image:
    """The image, halved while it stays as large: OpenCV averages two by two pixels five times as fast as others."""
    while image.shape[0] >= 2 * height and image.shape[1] >= 2 * width:
        rows, columns = image.shape[0] // 2, image.shape[1] // 2
        # an odd last row or column is left out: half a pixel of the smaller image
        image = cv2.resize(image[: 2 * rows, : 2 * columns], (columns, rows), interpolation=cv2.INTER_AREA)
    return image
