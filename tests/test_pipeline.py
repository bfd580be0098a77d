import time

import pytest

from ferlite import Frame, ModelError, Pipeline, SourceError, demo
from ferlite.capture.live import LiveSource


def test_the_synthetic_camera_end_to_end():
    with Pipeline(demo.synthetic_camera(1.5)) as pipeline:
        results = list(pipeline)
    numbers = [result.frame.seq for result in results]
    assert numbers == sorted(set(numbers))
    assert len(results) + pipeline.source.dropped == 45
    assert sum(len(result.faces) == 1 for result in results) >= 0.9 * len(results)
    assert all(result.latency > 0 for result in results)
    assert pipeline.stats.count == len(results)


def test_a_live_source_gets_the_quick_detector_and_a_file_the_thorough_one(data):
    with Pipeline(demo.synthetic_camera(0.1)) as live, Pipeline(data("media/videos/no_face.mp4")) as file:
        assert live.recognizer.detector.min_face > file.recognizer.detector.min_face


def test_a_missing_source_is_said_before_a_model_is_loaded():
    with pytest.raises(SourceError, match="no such file"):
        Pipeline("nothing.mp4")


def test_an_error_of_the_recognizer_reaches_the_caller_and_the_source_is_closed(portrait):
    class Reader:
        def read(self):
            time.sleep(0.005)
            return portrait

        def close(self):
            pass

    def broken(image):
        raise ZeroDivisionError("of the recognizer")

    source = LiveSource(Reader(), "test")
    with pytest.raises(ZeroDivisionError, match="of the recognizer"), Pipeline(source, broken) as pipeline:
        list(pipeline)
    assert not source._thread.is_alive()


def test_a_recognizer_that_cannot_be_made_closes_the_source(monkeypatch):
    def broken(**_):
        raise ModelError("damaged")

    source = demo.synthetic_camera(30)
    monkeypatch.setattr("ferlite.pipeline.Recognizer", broken)
    with pytest.raises(ModelError, match="damaged"):
        Pipeline(source)
    assert not source._thread.is_alive()


def test_latency_of_live_frames_counts_from_the_picture(portrait):
    class Source:
        live, fps, total, dropped = True, None, None, 0

        def __iter__(self):
            yield Frame(0, time.monotonic() - 5, portrait)

        def close(self):
            pass

    (result,) = Pipeline(Source())
    assert result.latency > 5
