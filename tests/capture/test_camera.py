"""A real HTTP server as camera, and what may go wrong with it; devices as far as a machine without any allows."""

import base64
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest

from benchmarks.mjpeg import MjpegServer
from ferlite import Camera, SettingError, SourceError, open_source
from ferlite.capture import live
from ferlite.capture.camera import shown, with_password


@cache
def jpeg(number: int, size: tuple[int, int] = (48, 64)) -> bytes:
    """A picture that grows lighter with its number."""
    return cv2.imencode(".jpg", np.full((*size, 3), number % 250, np.uint8))[1].tobytes()


@pytest.fixture
def server():
    with MjpegServer(jpeg) as server:
        yield server


@pytest.fixture(autouse=True)
def quick_to_reconnect(monkeypatch):
    monkeypatch.setattr(live, "SHORTEST_PAUSE", 0.05)


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    yield
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ferlite")]


def take(source, count, within=10.0):
    """That many frames, the first of which may take its time."""
    deadline = time.monotonic() + within
    frames = []
    for frame in source:
        frames.append(frame)
        if len(frames) == count:
            return frames
        assert time.monotonic() < deadline
    raise AssertionError("the source ended")


def test_a_slow_consumer_of_a_stream_sees_fresh_pictures(server):
    with open_source(server.url) as source:
        assert isinstance(source, Camera)
        ages = []
        for frame in source:
            ages.append(time.monotonic() - frame.timestamp)
            time.sleep(0.1)
            if len(ages) == 15:
                break
        assert frame.seq > 25  # 1.5 s of 30 fps: it skipped instead of falling behind
        assert source.dropped > 10
    assert source.seen == 15 + source.dropped
    assert np.median(ages) < 0.2


def test_what_the_camera_gives_is_told(server):
    with Camera(server.url) as source:
        assert (source.settings.width, source.settings.height) == (64, 48)
        assert str(source.settings).startswith(source.settings.format)


def test_a_server_that_is_killed_and_comes_back_is_found_again(server, caplog):
    with Camera(server.url, timeout=20) as source:
        before = take(source, 5)
        server.kill()
        threading.Timer(0.3, server.start).start()
        after = take(source, 10, within=20)
        assert source.reconnects == 1
    numbers = [frame.seq for frame in before + after]
    assert numbers == sorted(set(numbers))
    assert "reconnecting" in caplog.text
    assert "connected again" in caplog.text


def test_a_server_that_stays_away_is_said_within_the_timeout_and_found_later(server):
    with Camera(server.url, timeout=1.0) as source:
        take(source, 5)
        server.kill()
        began = time.monotonic()
        with pytest.raises(SourceError, match=r"no picture for 1 s: .*is the address right"):
            take(source, 100)
        assert time.monotonic() - began < 5
        server.start()
        take(source, 5)  # the source goes on trying until it is closed


def test_a_stalled_stream_raises_within_its_timeout(server):
    with Camera(server.url, timeout=1.0) as source:
        take(source, 5)
        server.stalled = True
        began = time.monotonic()
        with pytest.raises(SourceError, match=r"127\.0\.0\.1.*no picture for 1 s"):
            take(source, 100)
        assert time.monotonic() - began < 5


def test_a_stall_that_passes_is_overcome_by_another_connection(server):
    with Camera(server.url, timeout=6.0) as source:  # a connection is given up after half of it
        take(source, 5)
        server.stalled = True
        threading.Timer(3.2, setattr, (server, "stalled", False)).start()
        take(source, 5)
        assert server.connections > 1


@pytest.mark.parametrize(
    "damaged", [lambda n: jpeg(n)[: len(jpeg(n)) // 2], lambda n: b"no picture" * 50, lambda n: b""], ids=range(3)
)
def test_damaged_pictures_pass_or_are_said_and_whole_ones_are_found_again(server, damaged):
    with Camera(server.url, timeout=2.0) as source:
        take(source, 5)
        server.picture = damaged
        began = time.monotonic()
        with suppress(SourceError):  # or they are concealed
            for frame in source:
                assert frame.image.shape == (48, 64, 3)
                if time.monotonic() - began > 1:
                    break
        assert time.monotonic() - began < 5
        server.picture = jpeg
        take(source, 10, within=15)


def test_pictures_of_another_size_are_taken(server):
    with Camera(server.url, timeout=4.0) as source:
        take(source, 5)
        for size in ((96, 128), (24, 32)):
            server.picture = lambda number, size=size: jpeg(number, size)
            frames = take(source, 15, within=15)
            assert frames[-1].image.ndim == 3


def test_a_stream_that_ends_for_good_is_said():
    with MjpegServer(jpeg, last=8) as server, Camera(server.url, timeout=1) as source:
        with pytest.raises(SourceError, match="no picture for 1 s"):
            take(source, 1000)
        assert source.seen > 0


def test_no_server_is_said():
    with pytest.raises(SourceError, match="is the address right"):
        Camera("http://127.0.0.1:9/none.mjpg", timeout=2)


def test_sizes_are_asked_of_cameras_only(server):
    with pytest.raises(SettingError, match="size and fps of a stream"):
        Camera(server.url, size=(640, 480))


def test_no_camera_is_said():
    with pytest.raises(SourceError, match="no camera at /dev/video97"):
        open_source(97)
    with pytest.raises(SourceError, match="no camera at /dev/video97"):
        open_source("97")
    with pytest.raises(SourceError, match="no camera at /dev/camera-that-is-not"):
        open_source("/dev/camera-that-is-not")


def test_a_device_that_gives_no_picture_is_said():
    # as a camera does that another program holds
    with pytest.raises(SourceError, match=r"gives no picture.*another program"):
        open_source("/dev/null")


def test_no_permission_is_said(monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(SourceError, match="usermod -aG video"):
        open_source("/dev/null")


class V4L2Camera:
    """What a driver does with wishes: this one knows two sizes and one rate, and forgets the size with the format."""

    def __init__(self, *_):
        self.values = {cv2.CAP_PROP_FPS: 30.0, cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*"YUYV")}
        self.size = [640, 480]

    def set(self, name, value):
        if name == cv2.CAP_PROP_FOURCC:
            self.values[name], self.size = value, [640, 480]
        elif name == cv2.CAP_PROP_FRAME_WIDTH:
            self.size[0] = 1280 if value >= 1280 else 640
        elif name == cv2.CAP_PROP_FRAME_HEIGHT:
            self.size[1] = 720 if value >= 720 else 480
        return True

    def get(self, name):
        return self.values.get(name, 0.0)

    def read(self):
        time.sleep(0.01)
        return True, np.zeros((self.size[1], self.size[0], 3), np.uint8)

    def release(self):
        pass


def test_a_device_is_asked_for_format_size_and_rate_and_what_it_gives_is_told(monkeypatch, caplog):
    monkeypatch.setattr(cv2, "VideoCapture", V4L2Camera)
    with Camera("/dev/null", size=(1280, 720), fps=30) as camera:
        assert camera.settings == ("MJPG", 1280, 720, 30.0)
        assert take(camera, 1)[0].image.shape == (720, 1280, 3)
    assert not caplog.text
    with Camera("/dev/null", size=(1920, 1080), fps=60) as camera:
        assert str(camera.settings) == "MJPG 1280×720 at 30 fps"
    assert "was asked for MJPG 1920×1080 at 60 fps, gives MJPG 1280×720 at 30 fps" in caplog.text


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("rtsp://board:p@ss/w?rd@camera:554/live", "rtsp://…@camera:554/live"),
        ("http://pi:8000/stream.mjpg?token=secret&a=b@c", "http://…@c"),
        ("http://pi:8000/stream.mjpg?token=secret", "http://pi:8000/stream.mjpg?…"),
        ("http://pi:8000/stream.mjpg", "http://pi:8000/stream.mjpg"),
        ("/dev/video0", "/dev/video0"),
    ],
)
def test_what_opens_a_stream_is_not_shown(url, said):
    assert shown(url) == said


def test_a_stream_with_a_password_is_read_and_says_neither_it_nor_its_token():
    word = "p@ss/wörd"
    with locked(f"board:{word}") as port:
        url = f"http://board@127.0.0.1:{port}/live?token=secret"
        with Camera(with_password(url, word), timeout=2) as camera:
            assert take(camera, 1)[0].image.shape == (48, 64, 3)
            assert camera.name == f"http://…@127.0.0.1:{port}/live?…"
        with pytest.raises(SourceError, match="user and password where they are asked for") as refused:
            Camera(with_password(url, "wrong"), timeout=1)
        assert "wrong" not in str(refused.value)
    assert with_password("http://camera/live", word) == "http://camera/live"


@contextmanager
def locked(credentials: str) -> Iterator[int]:
    """A server that shows its stream to this user alone."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.headers.get("Authorization") != f"Basic {base64.b64encode(credentials.encode()).decode()}":
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            with suppress(OSError):  # the reader has seen enough
                for number in range(1000):
                    picture = jpeg(number)
                    head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(picture)
                    self.wfile.write(head + picture + b"\r\n")
                    time.sleep(0.03)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
