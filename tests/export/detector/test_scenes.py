import cv2
import numpy as np
import pytest

from export.datasets.faces.types import Faces
from export.detector.scenes import MIRRORED, Mistake, Scene, Scenes, occlude, pyramid, spoil
from export.errors import DatasetError


@pytest.fixture
def pictures(tmp_path):
    """One picture with a bright disc where its face is, and a dark one without."""
    bright = np.full((240, 320), 60, np.uint8)
    cv2.circle(bright, (120, 100), 20, 255, -1)
    faces = Faces()
    faces.add((100, 80, 40, 40), [110, 90, 130, 90, 120, 100, 110, 110, 130, 110])
    faces.add((250, 200, 30, 30), ignored=True)
    made = []
    for name, image, known in (("bright", bright, faces), ("dark", np.full((200, 200), 20, np.uint8), Faces())):
        cv2.imwrite(str(tmp_path / f"{name}.png"), image)
        made.append(known.picture(tmp_path / f"{name}.png"))
    return made


def test_the_boxes_stay_on_the_faces(pictures, monkeypatch):
    monkeypatch.setattr("export.detector.scenes.spoil", lambda image, rng: image)
    monkeypatch.setattr("export.detector.scenes.occlude", lambda scene, rng: scene.image)
    scenes, checked = Scenes(pictures, 128, share_empty=0.2), 0
    for seed in range(200):
        scene = scenes(np.random.default_rng(seed))
        assert scene.image.shape == (128, 128)
        for (x, y, w, h), points, ignored in zip(scene.boxes, scene.landmarks, scene.ignored, strict=True):
            column, row = round(float(x + w / 2)), round(float(y + h / 2))
            if ignored or not (0 <= column < 128 and 0 <= row < 128):
                continue
            checked += 1
            if min(w, h) > 12:
                assert scene.image[row, column] > 200
            # eyes above the mouth, the right eye left of the left one, all within the box
            assert (np.abs(points - (column, row)) <= 0.75 * np.array([w, h]) + 1).all()
            assert points[:2, 1].mean() < points[3:, 1].mean()
            assert points[0, 0] < points[1, 0]
    assert checked > 100


def test_mistakes_are_shown_about_as_large_as_they_were_seen(pictures, monkeypatch):
    monkeypatch.setattr("export.detector.scenes.spoil", lambda image, rng: image)
    monkeypatch.setattr("export.detector.scenes.occlude", lambda scene, rng: scene.image)
    mistake = Mistake(pictures[0], (100, 80, 40, 40), 20.0)  # the disc, as if it were none
    scenes = Scenes(pictures, 128, share_empty=1.0, mosaic=0.0)
    areas = [(scenes(np.random.default_rng(seed), [mistake]).image > 200).sum() for seed in range(200)]
    shown = [area for area in areas if area > 20]
    assert 60 < len(shown) < 140
    assert 0.5 * 314 < np.median(shown) < 1.5 * 314  # of a disc 20 pixels across
    assert not any((scenes(np.random.default_rng(seed)).image > 200).any() for seed in range(50))


def test_extra_pictures_have_their_share_however_many_they_are(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr("export.detector.scenes.spoil", lambda image, rng: image)
    monkeypatch.setattr("export.detector.scenes.occlude", lambda scene, rng: scene.image)
    faces = Faces()
    faces.add((8, 8, 32, 32))
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((48, 48), 150, np.uint8))
    extra = [faces.picture(tmp_path / "grey.png")] * 1000
    scenes = Scenes(pictures, 64, share_empty=0.0, mosaic=0.0, extra=extra, share_extra=0.3)
    grey = [(scenes(np.random.default_rng(seed)).image == 150).sum() > 30 for seed in range(300)]
    assert 0.2 < np.mean(grey) < 0.4


def test_a_scene_depends_on_its_seed_alone(pictures):
    scenes = Scenes(pictures, 96)
    one, same, other = (scenes(np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.image, same.image)
    np.testing.assert_array_equal(one.boxes, same.boxes)
    assert (one.image != other.image).any()


def test_spoiling_keeps_size_and_type(pictures):
    image = pyramid(pictures[0].path)[0][:128, :128].copy()
    for seed in range(60):
        spoilt = spoil(image, np.random.default_rng(seed))
        assert (spoilt.shape, spoilt.dtype) == ((128, 128), np.uint8)


def test_bars_lie_before_faces_only():
    scene = Scene(
        np.zeros((64, 64), np.uint8), np.array([[20, 20, 20, 20]], np.float32), np.zeros((1, 5, 2)), np.zeros(1, bool)
    )
    for seed in range(100):
        image = occlude(scene, np.random.default_rng(seed))
    assert image[20:41, 20:41].any()
    image[20:41, 20:41] = 0
    assert not image.any()


def test_mirrored_landmarks_change_sides():
    assert MIRRORED == [1, 0, 2, 4, 3]


def test_pictures_of_both_kinds_are_needed(pictures):
    with pytest.raises(DatasetError, match="1 pictures with faces and 0 without"):
        Scenes(pictures[:1], 128)


def test_a_damaged_picture_is_named(tmp_path):
    path = tmp_path / "bad.jpg"
    path.write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"bad\.jpg: not a picture"):
        pyramid(path)
