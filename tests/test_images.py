import math
from contextlib import suppress

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ferlite.errors import ImageError, SourceError
from ferlite.images import as_image, cut_out, read_image, recolor, shrink, tilt
from ferlite.types import Box, Landmarks, Point


def test_grey_bgr_and_bgra_are_images():
    assert as_image(np.zeros((4, 5), np.uint8)).shape == (4, 5)
    assert as_image(np.zeros((4, 5, 1), np.uint8)).shape == (4, 5)
    assert as_image(np.zeros((4, 5, 3), np.uint8)).shape == (4, 5, 3)
    bgra = np.dstack([np.full((4, 5), value, np.uint8) for value in (1, 2, 3, 200)])
    assert as_image(bgra)[0, 0].tolist() == [1, 2, 3]


def test_memory_order_does_not_matter():
    image = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    for view in (image[::-1, ::-1], image[:, ::2], np.asfortranarray(image), image[..., ::-1]):
        taken = as_image(view)
        assert taken.flags.c_contiguous
        assert np.array_equal(taken, view)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        ("photo.jpg", "not str"),
        (np.zeros((4, 5, 3), np.float32), r"float32.*\* 255"),
        (np.zeros((4, 5, 3), np.uint16), "uint16"),
        (np.zeros((4, 5, 3), bool), "bool"),
        (np.zeros((0, 5, 3), np.uint8), "empty"),
        (np.zeros((4, 5, 2), np.uint8), r"\(4, 5, 2\)"),
        (np.zeros(7, np.uint8), r"\(7,\)"),
        (np.zeros((1, 4, 5, 3), np.uint8), r"\(1, 4, 5, 3\)"),
    ],
)
def test_other_arrays_are_refused_in_words(array, message):
    with pytest.raises(ImageError, match=message):
        as_image(array)


boxes = st.builds(
    Box, st.integers(-60, 60), st.integers(-60, 60), st.integers(1, 90), st.integers(1, 90)
)  # over, at and past every edge of a picture of 50×40


@given(box=boxes, margin=st.floats(-0.4, 1, allow_subnormal=False), color=st.sampled_from(["grey", "bgr", "rgb"]))
@example(box=Box(0, 24, 1, 61), margin=-0.25, color="grey")
def test_cut_out_at_any_place_gives_the_shape_or_is_outside(box, margin, color):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    reach = max(box.w, box.h) * (0.5 + margin)  # from the centre of the square to its sides
    x, y = box.x + box.w / 2, box.y + box.h / 2
    distance = max(-x - reach, x - reach - 50, -y - reach, y - reach - 40)  # of the square from the picture, in pixels
    try:
        face = cut_out(image, box, margin, (16, 12), color)
    except ImageError:
        assert distance > -2  # rounding moves the square by less
    else:
        assert distance < 2
        assert face.shape == ((16, 12) if color == "grey" else (16, 12, 3))
        assert face.dtype == np.uint8


def test_cut_out_is_the_square_of_the_box():
    image = np.zeros((40, 50), np.uint8)
    image[10:20, 15:25] = 255
    assert cut_out(image, Box(15, 10, 10, 10), 0.0, (10, 10), "grey").min() == 255
    # a margin of half the side on every side: the face is the middle quarter
    wide = cut_out(image, Box(15, 10, 10, 10), 0.5, (20, 20), "grey")
    assert wide[5:15, 5:15].min() == 255
    assert wide.sum() == 255 * 100
    # a flat box is widened to a square about its centre
    assert np.array_equal(
        cut_out(image, Box(15, 12, 10, 6), 0.0, (10, 10), "grey"),
        cut_out(image, Box(15, 10, 10, 10), 0.0, (10, 10), "grey"),
    )


def eyes(right, left):
    point = Point(0, 0)
    return Landmarks(Point(*right), Point(*left), point, point, point)


@pytest.mark.parametrize("degrees", [-40, -15, 7, 30, 60, 130])
def test_cut_out_turns_the_eyes_level(degrees):
    image = np.full((300, 300), 60, np.uint8)
    turned = math.radians(degrees)
    offset = 30 * math.cos(turned), 30 * math.sin(turned)
    places = [(150 - offset[0], 150 - offset[1]), (150 + offset[0], 150 + offset[1])]
    for (x, y), value in zip(places, (0, 255), strict=True):  # the person's right eye dark, the left one light
        cv2.circle(image, (round(x), round(y)), 6, value, -1)
    landmarks = eyes(*places)
    box = Box(100, 100, 100, 100)
    assert tilt(box, landmarks) == pytest.approx(degrees)
    face = cut_out(image, box, 0.0, (50, 50), "grey", landmarks).astype(int)
    dark, light = np.argwhere(face < 30).mean(axis=0), np.argwhere(face > 220).mean(axis=0)
    assert dark == pytest.approx([24.5, 9.5], abs=1.5)  # 30 pixels left of the centre, at half the scale
    assert light == pytest.approx([24.5, 39.5], abs=1.5)


def test_level_eyes_change_nothing_and_a_profile_is_not_turned():
    image = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    box = Box(50, 50, 80, 80)
    plain = cut_out(image, box, 0.1, (48, 48), "rgb")
    # level; from the side; tilted by no more than landmarks are off
    for landmarks in (eyes((70, 80), (110, 80)), eyes((100, 80), (104, 90)), eyes((70, 80), (110, 83))):
        assert np.array_equal(cut_out(image, box, 0.1, (48, 48), "rgb", landmarks), plain)


@given(
    st.builds(Box, st.integers(-20, 60), st.integers(-20, 60), st.integers(1, 90), st.integers(1, 90)),
    st.tuples(st.integers(-100, 200), st.integers(-100, 200)),
    st.tuples(st.integers(-100, 200), st.integers(-100, 200)),
    st.floats(-0.4, 2, allow_subnormal=False),
)
def test_any_landmarks_give_a_face_of_the_right_size_or_one_clear_error(box, right, left, margin):
    with suppress(ImageError):
        face = cut_out(np.zeros((60, 80, 3), np.uint8), box, margin, (16, 12), "bgr", eyes(right, left))
        assert face.shape == (16, 12, 3)


@given(st.integers(1, 400), st.integers(1, 400), st.floats(1, 500))
def test_shrink_never_enlarges_and_keeps_to_the_longest_side(height, width, longest):
    small, scale = shrink(np.zeros((height, width), np.uint8), longest)
    assert 0 < scale <= 1
    assert max(small.shape) <= math.ceil(longest)
    assert small.shape == (max(1, round(height * scale)), max(1, round(width * scale)))


def test_cut_out_repeats_the_edge():
    image = np.full((20, 20), 77, np.uint8)
    assert np.all(cut_out(image, Box(-5, -5, 10, 10), 0.2, (8, 8), "grey") == 77)


def test_cut_out_refuses_a_box_outside():
    with pytest.raises(ImageError, match="outside of the image of 50×40"):
        cut_out(np.zeros((40, 50), np.uint8), Box(200, 0, 10, 10), 0.0, (8, 8), "grey")


def test_cut_out_refuses_a_box_that_would_take_all_memory():
    image = np.full((40, 50), 7, np.uint8)
    assert np.all(cut_out(image, Box(-900, -900, 2000, 2000), 0.0, (8, 8), "grey") == 7)
    for side in (20_000, 2**31, 2**63, 10**30):
        with pytest.raises(ImageError, match=r"too large for the image of 50×40"):
            cut_out(image, Box(-side // 2, 0, side, 10), 0.0, (8, 8), "grey")


def test_colours_are_told_apart():
    blue = np.zeros((2, 2, 3), np.uint8)
    blue[..., 0] = 255
    assert recolor(blue, "bgr")[0, 0].tolist() == [255, 0, 0]
    assert recolor(blue, "rgb")[0, 0].tolist() == [0, 0, 255]
    assert recolor(blue, "grey").shape == (2, 2)
    assert recolor(np.zeros((2, 2), np.uint8), "rgb").shape == (2, 2, 3)


def test_read_image(tmp_path):
    path = tmp_path / "größe.png"
    cv2.imencode(".png", np.full((3, 4), 9, np.uint8))[1].tofile(path)
    assert read_image(path).shape == (3, 4, 3)


def test_what_is_not_a_picture_is_said(tmp_path):
    with pytest.raises(SourceError, match="no such file"):
        read_image(tmp_path / "none.jpg")
    with pytest.raises(SourceError, match="cannot be read"):
        read_image(tmp_path)
    for content in (b"", b"hello", b"\xff\xd8\xff\xe0broken"):
        (tmp_path / "bad.jpg").write_bytes(content)
        with pytest.raises(SourceError, match="not a picture"):
            read_image(tmp_path / "bad.jpg")
