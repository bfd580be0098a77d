"""A real HTTP server as camera: MJPEG, as cheap network cameras send it."""

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest

from ferlite import Camera, SourceError, open_source


@contextmanager
def stream(frames=10**6, fps=30.0, stall=False):
    """The URL of a stream of pictures that grow lighter; it ends, or stalls, after `frames`."""
    stop = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            try:
                for number in range(frames):
                    picture = cv2.imencode(".jpg", np.full((48, 64, 3), number % 250, np.uint8))[1].tobytes()
                    self.wfile.write(
                        b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(picture)
                    )
                    self.wfile.write(picture + b"\r\n")
                    if stop.wait(1 / fps):
                        return
                if stall:
                    stop.wait(30)
            except OSError:
                pass  # the client has gone

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/stream.mjpg"
    finally:
        stop.set()
        server.shutdown()
        server.server_close()


def test_a_slow_consumer_of_a_stream_sees_fresh_pictures():
    with stream() as url, open_source(url) as source:
        assert isinstance(source, Camera)
        ages = []
        for frame in source:
            ages.append(time.monotonic() - frame.timestamp)
            time.sleep(0.1)
            if len(ages) == 15:
                break
        assert frame.seq > 25  # 1.5 s of 30 fps: it skipped instead of falling behind
        assert source.dropped > 10
    assert np.median(ages) < 0.2


def test_a_stalled_stream_raises_within_its_timeout():
    with stream(frames=5, stall=True) as url:
        began = time.monotonic()
        with Camera(url, timeout=1.0) as source, pytest.raises(SourceError, match=r"127\.0\.0\.1"):
            for _ in source:
                pass
        assert time.monotonic() - began < 10


def test_a_stream_that_ends_is_said():
    with stream(frames=5) as url, Camera(url, timeout=3) as source, pytest.raises(SourceError, match="stopped giving"):
        for _ in source:
            pass


def test_no_server_is_said():
    with pytest.raises(SourceError, match="is the address right"):
        Camera("http://127.0.0.1:9/none.mjpg", timeout=2)


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
