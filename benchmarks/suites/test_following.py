"""What is done with a frame of a video, in one thread: tracking alone, and all of it by faces and frame size."""

import itertools

import pytest

from benchmarks.suites.conftest import FACES, SIZES, frames
from ferlite import Follower, Frame, Recognizer, Tracker

COUNT = 60  # frames, played again and again on a clock that goes on


def endless(*arguments, **settings):
    pictures = itertools.cycle(frames(COUNT, *arguments, **settings))
    return (Frame(number, number / 30, next(pictures).image) for number in itertools.count())


@pytest.mark.parametrize("faces", FACES)
def test_tracker(benchmark, detector, faces):
    tracker, source = Tracker(detector), endless(faces)

    def step():
        frame = next(source)
        return tracker(frame.image, frame.timestamp)

    benchmark.pedantic(step, rounds=4 * COUNT, warmup_rounds=6)


@pytest.mark.parametrize("faces", FACES)
def test_follower_by_faces(benchmark, detector, faces):
    follower, source = Follower(Recognizer(detector=detector)), endless(faces)
    benchmark.pedantic(lambda: follower(next(source)), rounds=4 * COUNT, warmup_rounds=6)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_follower_by_size(benchmark, detector, size):
    follower, source = Follower(Recognizer(detector=detector)), endless(size=size)
    benchmark.pedantic(lambda: follower(next(source)), rounds=4 * COUNT, warmup_rounds=6)
