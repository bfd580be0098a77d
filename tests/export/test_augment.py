import numpy as np
import pytest

from export.augment import PRESETS, augment, mixup
from export.config import AUGMENTATIONS

CHANGING = ["classic", "strong"]


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (32, 48, 48), dtype=np.uint8)


def test_the_command_line_knows_every_preset():
    assert tuple(PRESETS) == AUGMENTATIONS


def test_none_leaves_the_pictures_as_they_are(images):
    same = augment(images, PRESETS["none"], np.random.default_rng(1))
    assert same.dtype == np.float32
    assert np.array_equal(same, images)


@pytest.mark.parametrize("preset", CHANGING)
@pytest.mark.parametrize("shape", [(48, 48), (64, 64, 3)])
def test_changes_every_picture_and_leaves_the_originals(preset, shape):
    images = np.random.default_rng(0).integers(0, 256, (8, *shape), dtype=np.uint8)
    before = images.copy()
    changed = augment(images, PRESETS[preset], np.random.default_rng(1))
    assert np.array_equal(images, before)
    assert changed.shape == images.shape
    assert changed.dtype == np.float32
    assert changed.min() >= 0
    assert changed.max() <= 255
    assert all(not np.array_equal(a, b) for a, b in zip(images, changed, strict=True))


@pytest.mark.parametrize("preset", CHANGING)
def test_the_same_random_state_gives_the_same(images, preset):
    first, second = (augment(images, PRESETS[preset], np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, augment(images, PRESETS[preset], np.random.default_rng(4)))


@pytest.mark.parametrize(("preset", "reach"), [("classic", 13), ("strong", 10)])
def test_the_face_stays_in_the_picture(preset, reach):
    face = np.zeros((200, 48, 48), np.uint8)
    face[:, 18:30, 18:30] = 255
    changed = augment(face, PRESETS[preset], np.random.default_rng(0))
    bright = changed > 150
    centres = np.array([np.argwhere(picture).mean(0) for picture in bright if picture.sum() > 80])
    assert len(centres) > 150
    assert np.abs(centres - 23.5).max() < reach
    assert np.abs(centres.mean(0) - 23.5).max() < 1.5


def test_a_picture_in_colour_keeps_its_colours():
    red = np.zeros((16, 32, 32, 3), np.uint8)
    red[..., 0] = 200
    changed = augment(red, PRESETS["classic"], np.random.default_rng(0))
    assert (changed[..., 0] > 190).all()
    assert (changed[..., 1:] == 0).all()


def test_mixup_blends_pictures_and_targets_alike():
    images = np.stack([np.full((4, 4), value, np.float32) for value in (0, 100, 200)])
    targets = np.eye(3, dtype=np.float32)
    blended, mixed = mixup(images, targets, np.random.default_rng(0))
    assert np.allclose(mixed.sum(1), 1)
    assert np.allclose(blended[:, 0, 0], mixed @ [0, 100, 200], atol=1e-3)
    assert blended.dtype == mixed.dtype == np.float32
