from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferlite import Box, Face, draw

from .conftest import EMOTIONS


@pytest.mark.parametrize("shape", [(100, 120), (100, 120, 1), (100, 120, 3), (100, 120, 4)])
def test_draws_on_a_copy(face, shape):
    image = np.full(shape, 60, np.uint8)
    drawn = draw(image, [face])
    assert drawn.shape == (100, 120, 3)
    assert np.all(image == 60)
    assert np.any(drawn[30:70, 20:60] != 60)


def test_without_faces_the_picture_stays(portrait):
    drawn = draw(portrait, [])
    assert np.array_equal(drawn, portrait)
    assert drawn is not portrait


@given(
    box=st.builds(Box, st.integers(-300, 300), st.integers(-300, 300), st.integers(1, 400), st.integers(1, 400)),
    shape=st.tuples(st.integers(1, 200), st.integers(1, 200), st.just(3)),
)
def test_any_box_on_any_picture(box, shape):
    probabilities = np.full(7, 1 / 7, np.float32)
    drawn = draw(np.zeros(shape, np.uint8), [Face(box, 0.5, "disgust", probabilities, probabilities, EMOTIONS)])
    assert drawn.shape == shape


def test_labels_are_as_large_as_they_are_asked_to_be(face):
    image = np.zeros((720, 1280, 3), np.uint8)
    small = replace(face, box=Box(600, 300, 50, 50))
    labels = [draw(image, [small], *part)[:300, 600:620].any(axis=(1, 2)).sum() for part in ((), (1 / 48,), (1 / 24,))]
    assert 10 <= labels[0] < labels[1] < labels[2]


def test_labels_have_different_colours():
    def color(label):
        probabilities = np.full(7, 1 / 7, np.float32)
        face = Face(Box(50, 80, 90, 90), 0.5, label, probabilities, probabilities, EMOTIONS)
        drawn = draw(np.zeros((200, 200, 3), np.uint8), [face])
        return tuple(drawn[120, 50])

    assert len({color(label) for label in EMOTIONS}) == 7


@pytest.mark.parametrize("huge", [2**31, 2**63, 10**30])
def test_a_box_beyond_all_numbers_is_drawn_as_far_as_it_is_seen(face, huge):
    image = np.full((60, 80, 3), 60, np.uint8)
    for box in (Box(huge, 10, 5, 5), Box(-huge, -huge, 5, huge)):
        assert draw(image, [replace(face, box=box)]).shape == (60, 80, 3)
    drawn = draw(image, [replace(face, box=Box(10, -huge, huge, 2 * huge))])
    assert np.any(drawn[30, 8:12] != 60)  # its left side
    assert np.all(drawn[30, 20:] == 60)
