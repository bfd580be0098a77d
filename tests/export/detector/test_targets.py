import numpy as np
import pytest

from export.detector.targets import BACKGROUND, FACE, NEITHER, Assigner
from ferlite.detectors.ferlite import LANDMARK, SIZE, STRIDES, cells, decode


def assigned(boxes, ignored=None, size=128):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    landmarks = np.stack([boxes[:, :2] + boxes[:, 2:] * (0.1 * n, 0.5) for n in range(1, 6)], axis=1)
    flags = np.zeros(len(boxes), bool) if ignored is None else np.array(ignored)
    return Assigner.of(size, size)(boxes, landmarks.astype(np.float32), flags)


@pytest.mark.parametrize(("side", "strides"), [(12, {8}), (25, {8, 16}), (40, {16}), (58, {16, 32}), (100, {32})])
def test_a_face_is_learnt_on_the_strides_of_its_size(side, strides):
    grid, targets = cells(128, 128), assigned([[20, 20, side, side]])
    learns = targets[:, 0] == FACE
    assert set(grid[learns, 2].tolist()) == strides
    middle = 20 + side / 2
    assert (np.abs(grid[learns, :2] - middle) <= np.maximum(grid[learns, 2:] / 2, 0.22 * side)).all()
    assert (targets[learns, 1:5] == [middle, middle, side, side]).all()


def test_ignored_and_tiny_faces_are_neither_face_nor_background():
    grid = cells(128, 128)
    for targets in (assigned([[32, 32, 40, 40]], [True]), assigned([[40, 40, 7, 7]])):
        assert not (targets[:, 0] == FACE).any()
        assert (targets[:, 0] == NEITHER).any()
        outside = (np.abs(grid[:, :2] - 52) > 21).any(axis=1)
        assert (targets[outside, 0] == BACKGROUND).all()


def test_two_faces_share_the_cells_by_their_centres():
    grid, targets = cells(128, 128), assigned([[30, 40, 24, 24], [44, 40, 24, 24]])
    for middle in (42, 56):
        mine = (targets[:, 0] == FACE) & (targets[:, 1] == middle)
        assert mine.any()
        assert (np.abs(grid[mine, 0] - middle) <= 8).all()


def test_unknown_landmarks_are_marked():
    targets = Assigner.of(64, 64)(
        np.array([[10, 10, 20, 20]], np.float32), np.full((1, 5, 2), np.nan, np.float32), np.zeros(1, bool)
    )
    learns = targets[:, 0] == FACE
    assert learns.any()
    assert (targets[learns, 15] == 0).all()
    assert np.isfinite(targets).all()


def test_what_is_learnt_is_what_the_device_decodes():
    """Targets written as the network's values come back as the faces they were made of."""
    boxes = np.array([[10, 20, 14, 18], [50, 10, 40, 48], [30, 60, 60, 66]], np.float32)
    grid, targets = cells(128, 128), assigned(boxes)
    values = np.full((len(grid), 15), -4, np.float32)
    learns = np.flatnonzero(targets[:, 0] == FACE)
    stride, given = grid[learns, 2:], targets[learns]
    values[learns, 0] = 4
    values[learns, 1:3] = (given[:, 1:3] - grid[learns, :2]) / stride
    values[learns, 3:5] = SIZE * (np.log(given[:, 3:5] / stride) - 1)
    points = (given[:, 5:15].reshape(-1, 5, 2) - grid[learns, None, :2]) / given[:, None, 3:5] * LANDMARK
    values[learns, 5:] = points.reshape(-1, 10)
    rows = decode(values, grid, 0.5)
    assert len(rows) == len(learns)
    for row, target in zip(rows, given, strict=True):
        np.testing.assert_allclose(row[:2] + row[2:4] / 2, target[1:3], atol=1e-3)
        np.testing.assert_allclose(row[2:4], target[3:5], rtol=1e-4)
        np.testing.assert_allclose(row[4:14], target[5:15], atol=1e-3)
        assert row[14] == pytest.approx(1 / (1 + np.exp(-8)), rel=1e-4)
    assert {32, 16, 8} == set(STRIDES)
