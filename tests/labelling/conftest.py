"""Small pictures with and without a face, and a short video of them."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from ferlite.types import Image


@pytest.fixture(scope="session")
def small_portrait(portrait: Image) -> Image:
    return cv2.resize(portrait, (128, 150), interpolation=cv2.INTER_AREA)


@pytest.fixture
def make_pictures(tmp_path: Path, small_portrait: Image) -> Callable[..., Path]:
    """A folder of pictures 000.jpg, 001.jpg, …: no two alike, every third without a face."""

    def make(count: int, name: str = "pictures") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for number in range(count):
            picture = cv2.convertScaleAbs(small_portrait, alpha=1 - 0.4 * number / count)
            if number % 3 == 0:
                picture = np.full_like(picture, number % 200)
            assert cv2.imwrite(str(folder / f"{number:03}.jpg"), picture)
        return folder

    return make


@pytest.fixture
def make_video(small_portrait: Image) -> Callable[[Path, int], Path]:
    def make(path: Path, frames: int = 6) -> Path:
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (128, 150))
        for _ in range(frames):
            writer.write(small_portrait)
        writer.release()
        return path

    return make
