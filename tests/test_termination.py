"""SIGTERM ends `ferlite run` within two seconds, whatever it waits for; more are allowed here, for a loaded machine."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time

import cv2
import pytest

from benchmarks.mjpeg import MjpegServer
from ferlite import VideoFile
from tests.waiting import wait_until

SOON = 4.0  # seconds; a read that hangs in OpenCV alone takes 5


@contextlib.contextmanager
def running(*arguments):
    command = [sys.executable, "-m", "ferlite", "run", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def terminate(process):
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - began < SOON
    assert process.returncode == 143
    assert "Traceback" not in err
    return out, err


def url(server, scheme):
    return f"{scheme}://127.0.0.1:{server.getsockname()[1]}"


@contextlib.contextmanager
def accepted(server):
    """A connection that is taken and never answered."""
    server.settimeout(60)
    connection, _ = server.accept()
    with connection:
        yield


@pytest.fixture
def stream(portrait):
    with MjpegServer(lambda _: cv2.imencode(".jpg", portrait)[1].tobytes()) as server:
        yield server


def test_a_stream_that_has_stalled_is_left(stream):
    with running(stream.url, "--timeout", "inf", "--jsonl", "-") as process:
        for _ in range(2):  # of one result alone there is no throughput to tell
            process.stdout.readline()
        stream.stalled = True
        time.sleep(0.5)  # so that the read that hangs has begun
        out, err = terminate(process)
    assert all(json.loads(line)["faces"] is not None for line in out.splitlines())
    assert "frames per second" in err


def test_a_reconnection_that_gets_no_answer_is_left(stream):
    with running(stream.url, "--timeout", "inf", "--jsonl", "-") as process:
        process.stdout.readline()
        stream.kill()
        port = int(stream.url.split(":")[2].split("/")[0])
        with socket.create_server(("127.0.0.1", port)) as silent, accepted(silent):
            terminate(process)


def test_a_source_that_never_answered_is_left():
    with socket.create_server(("127.0.0.1", 0)) as silent, running(url(silent, "http")) as process, accepted(silent):
        terminate(process)


def test_a_clip_that_is_hard_to_encode_is_ended_whole(portrait, tmp_path):
    path = tmp_path / "clip.mp4"
    jpeg = cv2.imencode(".jpg", cv2.resize(portrait, (1280, 720)))[1].tobytes()
    with MjpegServer(lambda _: jpeg) as server, running(server.url, "--output", path) as process:
        wait_until(lambda: path.exists() and path.stat().st_size > 50_000, 60)
        terminate(process)
    with VideoFile(path) as clip:
        assert len(list(clip)) > 1


def test_a_broker_that_is_silent_is_left(portrait, tmp_path):
    photo = tmp_path / "photo.png"
    cv2.imwrite(str(photo), portrait)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        running(tmp_path, "--fps", 1, "--replay", "--mqtt", url(silent, "mqtt")) as process,
        accepted(silent),
    ):
        time.sleep(0.2)
        terminate(process)
