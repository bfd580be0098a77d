"""Threaded capture against OpenCV's plain `read`, in a program that is slower than the camera.

`python -m benchmarks.frame_age` measures it over a minute, in unique frames.
"""

import itertools
import time

import cv2
import pytest

from benchmarks.mjpeg import MjpegServer
from ferlite import Camera, demo

SLOW = 0.1  # seconds that the program takes for a frame, of 30 a second


@pytest.fixture
def server():
    picture = cv2.imencode(".jpg", demo.moving_picture(demo.portrait(), 0))[1].tobytes()
    with MjpegServer(lambda _: picture) as server:
        yield server


def test_threaded(benchmark, server):
    with Camera(server.url) as camera:
        source = iter(camera)
        benchmark.pedantic(lambda: next(source), setup=lambda: time.sleep(SLOW), rounds=20)
        ages = [time.monotonic() - frame.timestamp for frame in itertools.islice(camera, 5) if not time.sleep(SLOW)]
    benchmark.extra_info["oldest frame, ms"] = round(max(ages) * 1000)
    assert camera.seen > 20


def test_plain(benchmark, server):
    capture = cv2.VideoCapture(server.url, cv2.CAP_FFMPEG)
    benchmark.pedantic(capture.read, setup=lambda: time.sleep(SLOW), rounds=20)
    capture.release()
