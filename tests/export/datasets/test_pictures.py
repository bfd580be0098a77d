import numpy as np
import pytest

from export.datasets import storage
from export.datasets.pictures import fit, fit_all


@pytest.mark.parametrize("shape", [(48, 48), (30, 80), (200, 50), (10, 10, 3), (90, 64, 3)])
@pytest.mark.parametrize("color", ["grey", "rgb"])
def test_any_picture_becomes_a_square_of_the_size_and_colour(shape, color):
    image = np.full(shape, 77, np.uint8)
    fitted = fit(image, 64, color)
    assert fitted.shape == ((64, 64) if color == "grey" else (64, 64, 3))
    assert (fitted == 77).all()


def test_the_middle_is_what_stays():
    image = np.zeros((20, 60), np.uint8)
    image[:, 20:40] = 255
    assert (fit(image, 20, "grey") == 255).all()


def test_colours_become_grey_as_people_see_them():
    green, blue = np.zeros((2, 32, 32, 3), np.uint8)
    green[..., 1] = blue[..., 2] = 200
    assert fit(green, 32, "grey")[0, 0] > fit(blue, 32, "grey")[0, 0]


def test_pictures_that_fit_are_not_copied():
    images = np.zeros((3, 48, 48), np.uint8)
    assert fit_all(images, 48, "grey") is images
    assert fit_all(images, 64, "rgb").shape == (3, 64, 64, 3)


def test_little_memory_means_the_disk(monkeypatch, cache_folder):
    assert not isinstance(storage.empty((4, 48, 48)), np.memmap)
    monkeypatch.setattr(storage, "_free_memory", lambda: 1000)
    array = storage.empty((4, 48, 48, 3))
    assert isinstance(array, np.memmap)
    array[2] = 9
    assert array[2].min() == 9
    assert array[[3, 2]].shape == (2, 48, 48, 3)
    assert not list(cache_folder.glob("tmp*"))  # the file has no name
