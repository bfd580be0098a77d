import itertools
import threading
import time

import cv2
import numpy as np
import pytest

from benchmarks.mjpeg import MjpegServer
from ferlite import (
    Box,
    Detection,
    Frame,
    ModelError,
    Pipeline,
    Recognizer,
    Replay,
    SettingError,
    Smoother,
    SourceError,
    demo,
)
from ferlite.capture import live
from ferlite.capture.live import LiveSource
from ferlite.detectors import QUICK
from ferlite.detectors.haar import HaarDetector


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    yield
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ferlite")]


class Frames:
    """A source of the same picture; a file unless it is `live`."""

    fps, total = 30.0, None

    def __init__(self, picture, count=10**9, live=False, pause=0.0, failure=None):
        self.picture, self.count, self.live, self.pause, self.failure = picture, count, live, pause, failure
        self.seen = self.dropped = 0
        self.closed_by = []

    def __iter__(self):
        while self.seen < self.count and not (self.live and self.closed_by):
            time.sleep(self.pause)
            timestamp = time.monotonic() if self.live else self.seen / 30
            self.seen += 1
            yield Frame(self.seen - 1, timestamp, self.picture)
        if self.failure is not None:
            raise self.failure

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.closed_by.append(threading.current_thread())


@pytest.fixture
def quick(portrait):
    """A recognizer whose detector takes no time: the portrait's face, always."""
    return Recognizer(detector=lambda image, min_face=None: [Detection(Box(20, 20, 100, 100), 0.9)])


def test_the_synthetic_camera_end_to_end():
    with Pipeline(demo.synthetic_camera(1.5)) as pipeline:
        results = list(pipeline)
    numbers = [result.frame.seq for result in results]
    assert numbers == sorted(set(numbers))
    assert pipeline.seen == len(results) + pipeline.dropped == 45
    assert sum(len(result.faces) == 1 for result in results) >= 0.9 * len(results)
    # the face keeps its number, though the badge on its cap may be taken for another one for a moment
    assert all(1 in {face.track_id for face in result.faces} for result in results if result.faces)
    assert all(result.latency >= result.detecting + result.classifying > 0 for result in results)
    assert [result.dropped for result in results] == sorted(result.dropped for result in results)
    assert pipeline.stats.count == len(results)


def test_a_file_loses_no_frame_however_slow_the_caller_is(portrait, quick):
    source = Frames(portrait, 40)
    with Pipeline(source, quick) as pipeline:
        numbers = [result.frame.seq for result in pipeline if time.sleep(0.003) is None]
    assert numbers == list(range(40))
    assert pipeline.dropped == 0
    assert source.seen == 40


def test_a_file_is_not_read_far_ahead(portrait, quick):
    source = Frames(portrait)
    with Pipeline(source, quick) as pipeline:
        next(pipeline)
        time.sleep(0.1)
        assert source.seen <= 8


def test_a_slow_caller_of_a_live_source_gets_fresh_results(portrait, quick):
    with Pipeline(demo.synthetic_camera(2.0), quick) as pipeline:
        ages = []
        for result in pipeline:
            ages.append(time.monotonic() - result.frame.timestamp)
            time.sleep(0.15)
    assert len(ages) < 20
    assert np.median(ages) < 0.1
    assert pipeline.seen == len(ages) + pipeline.dropped == 60


def test_every_frame_is_accounted_for_when_a_live_run_is_left_early(portrait, quick):
    for stop in (1, 7):
        with Pipeline(demo.synthetic_camera(30), quick) as pipeline:
            taken = list(itertools.islice(pipeline, stop))
        assert len(taken) == stop
        assert pipeline.seen == stop + pipeline.dropped
        assert list(pipeline) == []


def test_stages_overlap(portrait):
    """Three stages of 30 ms each: one after the other they would take 90 ms a frame."""

    def detector(image, min_face=None):
        time.sleep(0.03)
        return [Detection(Box(20, 20, 100, 100), 0.9)]

    recognizer = Recognizer(detector=detector)
    predict = recognizer.classifier.predict_faces
    recognizer.classifier.predict_faces = lambda *arguments: time.sleep(0.03) or predict(*arguments)
    with Pipeline(Frames(portrait, 20, pause=0.03), recognizer, search_every=1) as pipeline:
        began = time.monotonic()
        assert len(list(pipeline)) == 20
    assert time.monotonic() - began < 20 * 0.09 * 0.75


def test_max_fps_limits_the_frames_taken(quick):
    with Pipeline(demo.synthetic_camera(1.5), quick, max_fps=10) as pipeline:
        count = len(list(pipeline))
    assert 8 <= count <= 16
    assert pipeline.seen == count + pipeline.dropped == 45


def test_labels_are_steadier_than_raw_ones_and_the_raw_ones_stay(data):
    with Pipeline(data("media/videos/one_face_emotions.mp4")) as pipeline:
        faces = [result.faces[0] for result in pipeline if result.faces and result.faces[0].unseen == 0]
    steady = [face.label for face in faces]
    raw = [face.labels[int(face.raw.argmax())] for face in faces]
    changes = [sum(a != b for a, b in itertools.pairwise(labels)) for labels in (steady, raw)]
    assert changes[0] * 4 <= changes[1]
    assert {"happy"} <= set(steady)


def test_without_smoothing_labels_are_the_raw_ones(data):
    with Pipeline(data("media/videos/webcam_640x480_b.mkv"), smoothing=0) as pipeline:
        faces = [face for result in pipeline for face in result.faces]
    assert faces
    assert all(face.label == face.labels[int(face.raw.argmax())] for face in faces)
    assert all(face.track_id for face in faces)


def test_without_tracking_every_frame_stands_for_itself(portrait):
    recognizer = Recognizer()
    with Pipeline(Frames(portrait, 3), recognizer, tracking=False) as pipeline:
        results = list(pipeline)
    (expected,) = recognizer(portrait)
    for result in results:
        (face,) = result.faces
        assert (face.track_id, face.box, face.label) == (None, expected.box, expected.label)
        assert np.array_equal(face.probabilities, expected.probabilities)


def test_a_missed_face_stays_as_it_was_for_a_while(portrait):
    seen = {"now": True}

    def detector(image, min_face=None):
        return [Detection(Box(20, 20, 100, 100), 0.9)] if seen["now"] else []

    with Pipeline(Frames(portrait, 60), Recognizer(detector=detector)) as pipeline:
        results = []
        for result in pipeline:
            results.append(result)
            seen["now"] = len(results) < 20
    missed = [result.faces[0] for result in results if result.faces and result.faces[0].unseen > 0]
    assert 3 <= len(missed) <= 15
    last = next(result.faces[0] for result in reversed(results) if result.faces and result.faces[0].unseen == 0)
    assert all(np.array_equal(face.probabilities, last.probabilities) for face in missed)
    assert results[-1].faces == ()


def test_a_known_face_is_classified_every_few_frames_and_followed_in_all(portrait):
    steps = itertools.count()

    def detector(image, min_face=None):
        return [Detection(Box(20 + next(steps), 20, 100, 100), 0.9)]

    recognizer = Recognizer(detector=detector)
    predict, classified = recognizer.classifier.predict_faces, []
    recognizer.classifier.predict_faces = lambda image, faces: classified.append(len(faces)) or predict(image, faces)
    with Pipeline(Frames(portrait, 9), recognizer, search_every=1, classify_every=4) as pipeline:
        faces = [result.faces[0] for result in pipeline]
    assert classified == [1, 0, 0, 0, 1, 0, 0, 0, 1]
    assert [face.box.x for face in faces] == list(range(20, 29))
    assert np.array_equal(faces[3].raw, faces[0].raw)
    assert not np.array_equal(faces[4].raw, faces[0].raw)
    assert all(face.unseen == 0 for face in faces)


def test_a_smoother_of_ones_own_is_used(portrait, quick):
    class Counting(Smoother):
        calls = 0

        def __call__(self, *arguments):
            Counting.calls += 1
            return super().__call__(*arguments)

    with Pipeline(Frames(portrait, 5), quick, smoothing=Counting(0.1)) as pipeline:
        list(pipeline)
    assert Counting.calls == 5


def test_live_sources_are_searched_quickly_and_files_thoroughly_unless_the_detector_was_told(portrait):
    asked = []

    class Noting(HaarDetector):
        def __call__(self, image, min_face=None):
            asked.append(min_face or self.min_face)
            return []

    for settings in ({}, {"tracking": False}):
        for is_live, told, wanted in ((True, None, QUICK), (False, None, None), (True, 0.3, 0.3), (False, 0.3, 0.3)):
            asked.clear()
            recognizer = Recognizer(detector=Noting(told))
            with Pipeline(Frames(portrait, 1, live=is_live), recognizer, **settings) as pipeline:
                list(pipeline)
            assert asked == [wanted]


@pytest.mark.parametrize("source", [None, True, ["a.jpg"], cv2.VideoCapture(), 1.5])
def test_what_is_no_source_is_said(source):
    with pytest.raises(SettingError, match="source is"):
        Pipeline(source)


def test_what_is_no_recognizer_or_detector_is_said():
    with pytest.raises(SettingError, match="recognizer is 'yunet'"):
        Pipeline("clip.mp4", "yunet")
    for detector in (HaarDetector, None, 3):
        with pytest.raises(SettingError, match="detector is"):
            Recognizer(detector=detector)


def test_separate_photos_lose_no_face(portrait, tmp_path):
    """A faint face in the first picture, or in one of another size than the one before, is not waited for."""
    recognizer = Recognizer(detector=lambda image, min_face=None: [Detection(Box(20, 20, 100, 100), 0.5)])
    for number in range(4):
        cv2.imwrite(str(tmp_path / f"{number}.png"), portrait[: 500 + 20 * number])
    with Pipeline(tmp_path, recognizer) as pipeline:
        assert [len(result.faces) for result in pipeline] == [1, 1, 1, 1]


def test_a_missing_source_is_said_before_a_model_is_loaded():
    with pytest.raises(SourceError, match="no such file"):
        Pipeline("nothing.mp4")


@pytest.mark.parametrize("place", ["source", "detector", "classifier", "picture"])
@pytest.mark.parametrize("live", [True, False])
def test_an_error_anywhere_reaches_the_caller_and_ends_everything(portrait, quick, place, live):
    failure = ZeroDivisionError(f"of the {place}")

    def broken(*_):
        raise failure

    picture = portrait.astype(np.float32) if place == "picture" else portrait
    source = Frames(picture, 3, live=live, pause=0.005, failure=failure if place == "source" else None)
    if place == "detector":
        quick.detector = broken
    elif place == "classifier":
        quick.classifier.predict_faces = broken
    with (
        pytest.raises((ZeroDivisionError, ValueError), match=f"of the {place}|has to be uint8"),
        Pipeline(source, quick) as pipeline,
    ):
        list(pipeline)
    assert source.closed_by


def test_an_error_of_the_caller_ends_everything(quick):
    source = demo.synthetic_camera(30)
    with pytest.raises(ZeroDivisionError), Pipeline(source, quick) as pipeline:  # noqa: PT012
        for _ in pipeline:
            raise ZeroDivisionError
    assert not source._thread.is_alive()


def test_a_recognizer_that_cannot_be_made_closes_the_source(monkeypatch):
    def broken(**_):
        raise ModelError("damaged")

    source = demo.synthetic_camera(30)
    monkeypatch.setattr("ferlite.pipeline.Recognizer", broken)
    with pytest.raises(ModelError, match="damaged"):
        Pipeline(source)
    assert not source._thread.is_alive()


def test_a_pipeline_that_was_never_iterated_closes_its_source(portrait, quick):
    source = Frames(portrait)
    with Pipeline(source, quick):
        pass
    assert source.closed_by == [threading.main_thread()]


def test_a_short_miss_of_a_new_face_changes_nothing_over_time(portrait):
    """It is not reported while it is missed, and goes on where it was: its mean does not start anew."""
    calls = itertools.count()

    def detector(image, min_face=None):
        return [] if next(calls) in (3, 4) else [Detection(Box(20, 20, 100, 100), 0.9)]

    class Counting(Smoother):
        def keep(self, track_ids):
            kept.append(set(track_ids))
            super().keep(track_ids)

    kept = []
    with Pipeline(Frames(portrait, 8), Recognizer(detector=detector), search_every=1, smoothing=Counting()) as pipeline:
        numbers = [[face.track_id for face in result.faces] for result in pipeline]
    assert numbers == [[1], [1], [1], [], [], [1], [1], [1]]
    assert kept == [{1}] * 8


def test_a_smoother_can_be_used_again(portrait, quick):
    smoother = Smoother()
    for start in (600.0, 0.0):
        source = Frames(portrait, 3)
        frames = [Frame(number, start + number / 30, portrait) for number in range(3)]
        source.__class__ = type("Timed", (Frames,), {"__iter__": lambda self, frames=frames: iter(frames)})
        with Pipeline(source, quick, smoothing=smoother) as pipeline:
            results = list(pipeline)
        assert np.allclose(results[0].faces[0].probabilities, results[0].faces[0].raw)


def test_a_pipeline_can_be_closed_while_it_starts(quick, monkeypatch):
    source = demo.synthetic_camera(30)
    start = threading.Thread.start

    def slow(thread):
        start(thread)
        if thread.name.startswith("ferlite"):
            raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", slow)
    with pytest.raises(KeyboardInterrupt), Pipeline(source, quick) as pipeline:
        next(pipeline)
    assert not source._thread.is_alive()


def test_no_more_threads_is_said_and_closes_the_source(portrait, quick, monkeypatch):
    def broken(thread):
        raise RuntimeError("can't start new thread")

    source = Frames(portrait)
    pipeline = Pipeline(source, quick)
    monkeypatch.setattr(threading.Thread, "start", broken)
    with pytest.raises(RuntimeError, match="can't start"), pipeline:
        next(pipeline)
    assert source.closed_by


def test_a_detector_may_close_the_pipeline(portrait):
    def detector(image, min_face=None):
        pipeline.close()
        return []

    with Pipeline(Frames(portrait, live=True), Recognizer(detector=detector)) as pipeline:
        assert list(pipeline) == []


def test_when_the_classifier_has_failed_nothing_more_is_searched(portrait, quick):
    searched = []

    def detector(image, min_face=None):
        searched.append(1)
        return [Detection(Box(20, 20, 100, 100), 0.9)]

    def broken(*_):
        raise ZeroDivisionError

    quick.detector, quick.classifier.predict_faces = detector, broken
    with Pipeline(Frames(portrait, live=True, pause=0.01), quick) as pipeline:
        with pytest.raises(ZeroDivisionError):
            next(pipeline)
        time.sleep(0.2)
        assert len(searched) < 5


def test_another_thread_may_close_it(quick):
    pipeline = Pipeline(demo.synthetic_camera(30), quick)
    next(pipeline)
    threading.Timer(0.3, pipeline.close).start()
    began = time.monotonic()
    list(pipeline)
    assert time.monotonic() - began < 5
    pipeline.close()  # twice does no harm


def test_a_source_that_hangs_does_not_keep_the_caller(portrait, quick, monkeypatch):
    monkeypatch.setattr(live, "CLOSE_TIMEOUT", 0.2)
    release = threading.Event()

    class Reader:
        def read(self):
            release.wait(10)

        def close(self):
            pass

    source = LiveSource(Reader(), "hanging", timeout=0.2)
    began = time.monotonic()
    with pytest.raises(SourceError, match=r"no picture for 0\.2 s"), Pipeline(source, quick) as pipeline:
        next(pipeline)
    assert time.monotonic() - began < 3
    release.set()
    source._thread.join(5)


def test_latency_of_live_frames_counts_from_the_picture(portrait, quick):
    class Old(Frames):
        def __iter__(self):
            yield Frame(0, time.monotonic() - 5, self.picture)

    with Pipeline(Old(portrait, live=True), quick) as pipeline:
        assert next(pipeline).latency > 5


def test_a_stream_that_dies_and_comes_back(quick, monkeypatch):
    monkeypatch.setattr(live, "SHORTEST_PAUSE", 0.05)
    picture = demo.moving_picture(demo.portrait(), 0)
    jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
    with MjpegServer(lambda _: jpeg) as server, Pipeline(server.url, quick) as pipeline:
        first = next(pipeline)
        server.kill()
        threading.Timer(0.3, server.start).start()
        later = next(result for result in pipeline if pipeline.source.reconnects)
        assert {face.track_id for face in first.faces} == {1}
        assert later.faces
        assert later.frame.seq > first.frame.seq


def test_a_replayed_file_is_live(data, quick):
    with Pipeline(Replay(data("media/videos/webcam_640x480_b.mkv")), quick) as pipeline:
        assert len(list(pipeline)) + pipeline.dropped == pipeline.seen == 65


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_fps": 0}, "max_fps is 0"),
        ({"search_every": 0}, "every is 0"),
        ({"classify_every": 0}, "classify_every is 0"),
        ({"smoothing": -1}, "seconds is -1"),
    ],
)
def test_bad_settings_are_said_and_leave_nothing_open(quick, settings, message):
    source = demo.synthetic_camera(30)
    with pytest.raises(SettingError, match=message):
        Pipeline(source, quick, **settings)
    assert not source._thread.is_alive()
