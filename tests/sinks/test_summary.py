from dataclasses import replace

import pytest

from ferlite.sinks.summary import Summary, dominant
from ferlite.types import Box


@pytest.fixture
def seen(face, make_result):
    """A result of faces with these labels."""

    def make(*labels, latency=0.01, dropped=0):
        faces = tuple(replace(face, label=label) for label in labels)
        return replace(make_result(), faces=faces, latency=latency, dropped=dropped)

    return make


def test_a_summary_counts_what_came_since_the_one_before(seen):
    summary = Summary()
    summary.add(seen("happy", "happy", latency=0.01))
    summary.add(seen("happy", "sad", latency=0.02))
    summary.add(seen(latency=0.3, dropped=4))
    figures = summary.take()
    assert figures.pop("seconds") >= 0
    assert figures.pop("fps") > 0
    assert figures == {
        "frames": 3,
        "latency_p50": 0.02,
        "dropped": 4,
        "faces": 0,
        "emotion": "happy",
        "emotions": {"happy": 3, "sad": 1},
        "shares": {"happy": 0.75, "sad": 0.25},
    }
    summary.add(seen("fear"))
    assert summary.take()["emotions"] == {"fear": 1}


def test_without_a_frame_nothing_is_made_up(seen):
    summary = Summary()
    summary.add(seen("happy", dropped=7))
    summary.take()
    figures = summary.take()
    assert (figures["frames"], figures["fps"], figures["dropped"]) == (0, 0, 7)
    assert (figures["faces"], figures["emotion"], figures["latency_p50"]) == (None, None, None)
    assert figures["emotions"] == figures["shares"] == {}


def test_the_rate_is_that_of_the_frames_over_the_whole_period(seen, monkeypatch):
    now = iter([100.0, 110.0, 110.0, 112.0, 112.0])
    monkeypatch.setattr("ferlite.sinks.summary.time.monotonic", lambda: next(now))
    summary = Summary()
    for _ in range(30):
        summary._stats.add(0.01, 105.0)
    figures = summary.take()
    assert (figures["seconds"], figures["fps"]) == (10, 3)
    assert summary.take()["seconds"] == 2


def test_the_dominant_emotion_is_the_commonest_and_of_equals_that_of_the_larger_face(face, seen):
    small = replace(face, label="sad", box=Box(0, 0, 10, 10))
    large = replace(face, label="fear", box=Box(0, 0, 90, 90))
    assert dominant((small, large)) == dominant((large, small)) == "fear"
    assert dominant((small, small, large)) == "sad"
    assert dominant(()) is None
