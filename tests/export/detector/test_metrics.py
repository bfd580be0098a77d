import numpy as np
import pytest

from export.detector.metrics import Found, Known, curve, match, overlaps


def known(boxes, ignored=None):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    flags = np.zeros(len(boxes), bool) if ignored is None else np.array(ignored)
    return Known(boxes, np.full((len(boxes), 5, 2), np.nan, np.float32), flags)


def found(*rows):
    rows = np.array(rows, np.float32).reshape(-1, 5)
    return Found(rows[:, :4], rows[:, 4], np.full((len(rows), 5, 2), np.nan, np.float32))


def test_overlaps_over_the_union_and_over_the_first():
    union, inside = overlaps(np.array([[0, 0, 10, 10]]), np.array([[5, 0, 10, 10], [0, 0, 20, 20], [50, 50, 1, 1]]))
    np.testing.assert_allclose(union, [[1 / 3, 0.25, 0]])
    np.testing.assert_allclose(inside, [[0.5, 1, 0]])


def test_the_surer_of_two_boxes_takes_the_face_and_the_other_is_false():
    matched = match(known([[0, 0, 10, 10]]), found([0, 0, 10, 9, 0.6], [0, 0, 10, 8, 0.9]))
    assert matched.order.tolist() == [1, 0]
    assert matched.face.tolist() == [0, -1]
    assert matched.counts.tolist() == [True, True]


def test_boxes_on_ignored_faces_count_neither_way():
    faces = known([[0, 0, 10, 10], [100, 0, 40, 40]], ignored=[True, True])
    matched = match(faces, found([0, 0, 10, 9, 0.9], [110, 10, 10, 10, 0.8], [300, 0, 10, 10, 0.7]))
    assert matched.counts.tolist() == [False, False, True]


def test_the_curve_over_pictures():
    faces = [known([[0, 0, 10, 10], [50, 0, 10, 10]]), known([]), known([[0, 0, 10, 10]])]
    boxes = [found([0, 0, 10, 10, 0.9], [20, 0, 10, 10, 0.7]), found([5, 5, 9, 9, 0.8]), found([0, 0, 10, 10, 0.6])]
    result = curve(faces, boxes)
    np.testing.assert_allclose(result.scores, [0.9, 0.8, 0.7, 0.6])
    np.testing.assert_allclose(result.recall, [1 / 3, 1 / 3, 1 / 3, 2 / 3])
    np.testing.assert_allclose(result.precision, [1, 0.5, 1 / 3, 0.5])
    assert result.false.tolist() == [0, 1, 2, 2]
    assert result.average_precision == pytest.approx(1 / 3 + 0.5 / 3)
    assert (result.recall_at(0), result.recall_at(2)) == (pytest.approx(1 / 3), pytest.approx(2 / 3))


def test_nothing_found_and_nothing_there():
    assert curve([known([[0, 0, 9, 9]])], [found()]).average_precision == 0
    nothing = curve([known([])], [found()])
    assert (nothing.average_precision, nothing.recall_at(3), nothing.faces) == (0, 0, 0)
