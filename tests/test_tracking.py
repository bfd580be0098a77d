import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferlite import Box, Detection, SettingError, Tracker
from ferlite.tracking import overlap

FPS = 30.0
IMAGE = np.zeros((480, 640), np.uint8)


class Scene:
    """A detector that knows where the faces are: each is drawn into the picture as a square of its own grey value.

    `blind` are values it does not see; `searches` and `looks` count what it was asked for.
    """

    def __init__(self, score=0.9):
        self.score, self.blind = score, set()
        self.searches = self.looks = 0

    def __call__(self, image, min_face=None):
        if min_face is None:
            self.searches += 1
        else:
            self.looks += 1
        found = []
        for value in sorted(set(np.unique(image).tolist()) - {0} - self.blind):
            rows, columns = np.nonzero(image == value)
            box = Box(*(int(v) for v in (columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1)))
            if abs(box.w - box.h) <= 2:  # cut off by the edge of a region: not a face
                found.append(Detection(box, self.score))
        return found


def picture(faces):
    """An image with squares of 40 pixels; `faces` gives the centre by value."""
    image = IMAGE.copy()
    for value, (x, y) in faces.items():
        image[max(0, y - 20) : y + 20, max(0, x - 20) : x + 20] = value
    return image


def follow(tracker, frames, start=0):
    return [tracker(picture(faces), (start + number) / FPS) for number, faces in enumerate(frames)]


def numbers(results):
    return [{face.track_id for face in found} for found in results]


def test_faces_keep_their_numbers_while_they_move_past_each_other():
    frames = [{100: (60 + 4 * n, 200), 200: (560 - 4 * n, 260)} for n in range(120)]
    tracker = Tracker(Scene())
    results = follow(tracker, frames)
    assert all(found == {1, 2} for found in numbers(results))
    first = {face.track_id: face.detection.box.x < 320 for face in results[0]}
    last = {face.track_id: face.detection.box.x < 320 for face in results[-1]}
    assert all(first[number] != last[number] for number in (1, 2))


def test_the_whole_picture_is_searched_every_few_frames_only():
    scene = Scene()
    follow(Tracker(scene, every=10), [{100: (300, 200)}] * 101)
    assert scene.searches == 11
    assert scene.looks == 90


def test_a_face_that_only_a_look_sees_is_none():
    class Badge(Scene):
        """Takes a badge for a face wherever it looks closely."""

        def __call__(self, image, min_face=None):
            self.blind = {50} if min_face is None else set()
            return super().__call__(image, min_face)

    image = picture({100: (300, 200)})
    image[165:175, 295:305] = 50
    detector, tracker = Badge(score=0.99), Tracker(Badge(score=0.99))
    assert len(detector(image[160:240, 260:340], 0.25)) == 2  # it does so
    assert all(len(tracker(image, number / FPS)) == 1 for number in range(30))


def test_every_1_always_searches():
    scene = Scene()
    follow(Tracker(scene, every=1), [{100: (300, 200)}] * 20)
    assert (scene.searches, scene.looks) == (20, 0)


def test_a_lost_face_is_searched_for_at_once_but_not_for_ever_at_full_cost():
    scene = Scene()
    tracker = Tracker(scene, every=12, patience=10)
    follow(tracker, [{100: (300, 200)}] * 6)
    jump = follow(tracker, [{100: (308, 200)}, {100: (500, 400)}], start=6)
    assert jump[-1][0].track_id == 1  # reported where it was
    assert {face.detection.box.x for face in jump[-1]} == {288, 480}  # and the new place at once
    before = scene.searches
    scene.blind = {100}
    follow(tracker, [{100: (500, 400)}] * 40, start=8)
    assert scene.searches - before <= 40 // 4 + 1


def test_a_short_miss_keeps_the_number_and_says_how_long_the_face_is_unseen():
    scene = Scene()
    tracker = Tracker(scene)
    follow(tracker, [{100: (300, 200)}] * 10)
    scene.blind = {100}
    missed = follow(tracker, [{100: (302, 200)}] * 6, start=10)
    assert numbers(missed) == [{1}] * 6
    assert [round(found[0].unseen * FPS) for found in missed] == [1, 2, 3, 4, 5, 6]
    scene.blind = set()
    (again,) = follow(tracker, [{100: (304, 200)}], start=16)[0]
    assert (again.track_id, again.unseen) == (1, 0)


def test_a_face_that_leaves_ends_within_half_a_second_and_comes_back_under_another_number():
    tracker = Tracker(Scene())
    follow(tracker, [{100: (300, 200)}] * 10)
    gone = numbers(follow(tracker, [{}] * 30, start=10))
    assert gone.index(set()) / FPS <= 0.5
    back = numbers(follow(tracker, [{100: (300, 200)}] * 10, start=40))
    assert back[-1] == {2}
    assert back.index({2}) / FPS <= 0.2


def test_a_new_face_is_found_between_the_known_ones():
    tracker = Tracker(Scene())
    follow(tracker, [{100: (300, 200)}] * 10)
    found = numbers(follow(tracker, [{100: (300, 200), 200: (100, 400)}] * 10, start=10))
    assert {1, 2} in found[:7]


def test_a_faint_face_has_to_be_found_twice():
    scene = Scene(score=0.6)
    tracker = Tracker(scene)
    assert numbers(follow(tracker, [{}, {}, {100: (300, 200)}, {}, {}, {}])) == [set()] * 6
    twice = numbers(follow(tracker, [{100: (300, 200)}] * 6, start=6))
    assert twice[-1] == {2}
    assert next(found for found in twice if found) == {2}


def test_in_the_first_frame_every_face_counts():
    assert numbers(follow(Tracker(Scene(score=0.6)), [{100: (300, 200), 200: (100, 100)}])) == [{1, 2}]


def test_a_slow_source_does_not_lose_a_face_with_one_miss():
    scene = Scene()
    tracker = Tracker(scene)
    for second in range(5):
        tracker(picture({100: (300, 200)}), second)
    scene.blind = {100}
    assert len(tracker(picture({100: (300, 200)}), 5)) == 1
    assert tracker(picture({100: (300, 200)}), 6) == []


def test_a_chance_find_is_not_reported_when_it_is_missed_and_keeps_its_number_for_a_while():
    scene = Scene()
    tracker = Tracker(scene)
    found = numbers(follow(tracker, [{100: (300, 200)}, {}, {}, {100: (302, 200)}]))
    assert found == [{1}, set(), set(), {1}]


def test_nobody_keeps_a_number_over_a_long_pause():
    tracker = Tracker(Scene())
    follow(tracker, [{100: (300, 200)}] * 6)
    (later,) = tracker(picture({100: (300, 200)}), 3600.0)
    assert later.track_id == 2


def test_a_clock_that_stands_still_does_not_hold_a_face_for_ever():
    scene = Scene()
    tracker = Tracker(scene)
    for _ in range(8):
        tracker(picture({100: (300, 200)}), 1.0)
    scene.blind = {100}
    (missed,) = tracker(picture({100: (300, 200)}), 1.0)
    assert not missed.found
    for _ in range(100):
        found = tracker(picture({100: (300, 200)}), 1.0)
    assert found == []


def test_a_new_face_does_not_take_the_place_of_a_known_one():
    """A faint second box, between a known face and where that face goes next, must not get the known face's boxes."""
    script = [[Detection(Box(100, 100, 40, 40), 0.9)]] * 5
    script += [[Detection(Box(100, 100, 40, 40), 0.9), Detection(Box(125, 100, 40, 40), 0.5)]]
    script += [[Detection(Box(118, 100, 40, 40), 0.9)]]
    steps = iter(script)
    tracker = Tracker(lambda image, min_face=None: next(steps), every=1)
    for number in range(len(script)):
        found = tracker(IMAGE, number / FPS)
    assert [(face.track_id, face.detection.box.x) for face in found if face.found] == [(1, 118)]


def test_another_size_of_picture_and_reset_start_anew_with_new_numbers():
    tracker = Tracker(Scene())
    follow(tracker, [{100: (300, 200)}] * 3)
    small = tracker(picture({100: (300, 200)})[::2, ::2], 0.2)
    assert [face.track_id for face in small] == [2]
    tracker.reset()
    assert [face.track_id for face in tracker(picture({100: (300, 200)}), 0.3)] == [3]


def test_landmarks_move_with_their_region(data):
    from ferlite import YuNetDetector, demo

    detector = YuNetDetector(data("models/face_detection_yunet_2023mar.onnx"))
    tracker = Tracker(detector)
    image = demo.moving_picture(demo.portrait(), 1.0)
    (searched,) = tracker(image, 0.0)
    (looked,) = tracker(image, 0.1)
    for a, b in zip(searched.detection.landmarks, looked.detection.landmarks, strict=True):
        assert abs(a.x - b.x) < 15  # a tenth of the face; the region's corner is over 100 pixels away
        assert abs(a.y - b.y) < 15


@pytest.mark.parametrize("settings", [{"every": 0}, {"patience": -1}, {"patience": float("nan")}])
def test_bad_settings_are_said(settings):
    (name,) = settings
    with pytest.raises(SettingError, match=f"{name} is"):
        Tracker(Scene(), **settings)


boxes = st.builds(Box, st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 60), st.integers(1, 60))


@given(boxes, boxes)
def test_overlap_is_that_of_the_pixels(a, b):
    pixels_a = {(x, y) for x in range(a.x, a.x + a.w) for y in range(a.y, a.y + a.h)}
    pixels_b = {(x, y) for x in range(b.x, b.x + b.w) for y in range(b.y, b.y + b.h)}
    assert overlap(a, b) == pytest.approx(len(pixels_a & pixels_b) / len(pixels_a | pixels_b))


@given(
    st.lists(
        st.lists(st.tuples(st.integers(-100, 800), st.integers(-100, 600), st.integers(1, 300)), max_size=6),
        max_size=12,
    )
)
def test_whatever_a_detector_says_numbers_are_unique_and_never_reused(frames):
    script = iter(frames)

    def detector(image, min_face=None):
        return [Detection(Box(x, y, side, side), 0.9) for x, y, side in next(script, [])]

    tracker = Tracker(detector)
    last = {}
    for second in range(len(frames)):
        found = [face.track_id for face in tracker(IMAGE, second)]
        assert len(found) == len(set(found))
        for number in found:
            assert second - last.get(number, second) <= 2
            last[number] = second


def test_a_face_outside_of_the_picture_is_not_looked_for():
    class Outside:
        def __call__(self, image, min_face=None):
            assert image.size
            return [Detection(Box(5000, 10, 40, 40), 0.9)]

        def work(self, shape, min_face=None):
            return shape[0] * shape[1] // min(shape[:2])

    tracker = Tracker(Outside())
    for number in range(8):
        tracker(IMAGE, number / FPS)
