"""Every example runs as its first lines say, on a recorded clip in the place of a camera."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import cv2
import pytest

import ferlite

EXAMPLES = Path(__file__).parents[1] / "examples"
TESTED = {
    "fastapi_live.py",
    "five_lines.py",
    "flask_photos.py",
    "gpio_reaction.py",
    "mqtt_dashboard.py",
    "own_model.py",
    "picamera2_change.py",
    "several_cameras.py",
    "sqlite_log.py",
}


@pytest.fixture
def clip(tmp_path, portrait) -> Path:
    """Ten pictures of one face in the left half."""
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (800, 480))
    picture = cv2.copyMakeBorder(cv2.resize(portrait, (400, 480)), 0, 0, 0, 400, cv2.BORDER_CONSTANT)
    for _ in range(10):
        writer.write(picture)
    writer.release()
    return path


@pytest.fixture
def run(tmp_path):
    """Run an example as a user does, from another folder; its lines."""

    def example(name: str, *arguments: object, **environment: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, EXAMPLES / name, *map(str, arguments)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(EXAMPLES.parent)} | environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return example


@pytest.fixture
def start():
    """Start an example that has no end; it is interrupted when the block ends."""

    @contextmanager
    def example(name: str, *arguments: object) -> Iterator["subprocess.Popen[str]"]:
        command = [sys.executable, EXAMPLES / name, *map(str, arguments)]
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        ) as process:
            stopper = Timer(600, process.kill)  # a line that never comes is waited for no longer
            stopper.start()
            try:
                yield process
            finally:
                stopper.cancel()
                process.send_signal(signal.SIGINT)
        assert process.returncode == 0

    return example


def test_all_of_them_are_tested_and_say_how_they_are_run():
    assert {path.name for path in EXAMPLES.glob("*.py")} == TESTED
    for name in TESTED:
        assert name.removesuffix(".py") in (EXAMPLES / name).read_text(encoding="utf-8").split('"""')[1], name


def test_five_lines(run, clip):
    lines = run("five_lines.py", clip)
    assert len(lines) == 10
    assert re.fullmatch(r"#1 neutral \d+%", lines[-1])


def test_the_gpio_reaction_looks_at_the_face(run, clip):
    pytest.importorskip("gpiozero")
    lines = run("gpio_reaction.py", clip, GPIOZERO_PIN_FACTORY="mock", GPIOZERO_MOCK_PIN_CLASS="mockpwmpin")
    assert re.fullmatch(r"LED off, servo at -0\.[3-7]\d: #1 neutral \d+%", lines[-1])


def test_several_cameras_end_one_by_one(run, clip, tmp_path):
    other = tmp_path / "other.avi"
    other.write_bytes(clip.read_bytes())
    lines = run("several_cameras.py", clip, other, tmp_path / "none.avi")
    for path in (clip, other):
        assert sum(line.startswith(f"{path}: #1 neutral") for line in lines) == 10
    assert sorted(line for line in lines if line.endswith(": ended")) == sorted(
        f"{path}: ended" for path in (clip, other, tmp_path / "none.avi")
    )


def test_a_model_of_ones_own(run, make_network, tmp_path, portrait):
    cv2.imwrite(str(tmp_path / "photo.jpg"), portrait)
    labels, said = run("own_model.py", make_network(), "photo.jpg")
    assert labels == "labels: calm, tense"
    assert re.fullmatch(r"photo\.jpg \(\d+, \d+, \d+, \d+\): calm 6\d%, tense 3\d%", said)


def test_changes_before_the_camera_module(run, clip):
    assert run("picamera2_change.py", clip) == ["    0.00  person 1: new -> neutral"]


def test_a_log_in_sqlite(run, clip, tmp_path):
    assert run("sqlite_log.py", "seen.db", clip) == ["neutral: 1"]  # ten pictures are 0.9 s
    assert run("sqlite_log.py", "seen.db", clip) == ["neutral: 2"]  # it is gone on with
    database = sqlite3.connect(tmp_path / "seen.db")
    assert database.execute("SELECT person, label FROM seen").fetchall() == [(1, "neutral")] * 2
    database.close()


def test_a_dashboard_of_all_boards(start, clip, tmp_path):
    pytest.importorskip("paho.mqtt")
    from tests.sinks.mosquitto import Mosquitto

    with Mosquitto(tmp_path) as broker, start("mqtt_dashboard.py", "127.0.0.1", broker.port) as dashboard:
        url = f"mqtt://127.0.0.1:{broker.port}/hall"
        with ferlite.Pipeline(clip) as pipeline, ferlite.Mqtt(url) as board:
            for result in pipeline:
                board.write(result)
        # the summary comes at the end, and after it the board says good-bye
        pattern = r"hall +offline +1 +neutral +\d+\.\d +\S+\n"
        assert any(re.fullmatch(pattern, line) for line in dashboard.stdout)


def test_photos_over_http_by_flask(load, portrait):
    pytest.importorskip("flask")
    client = load("flask_photos").app.test_client()
    answer = client.post("/faces", data=cv2.imencode(".jpg", portrait)[1].tobytes())
    assert [face["label"] for face in answer.json["faces"]] == ["neutral"]
    bad = client.post("/faces", data=b"nothing")
    assert bad.status_code == 400
    assert bad.json == {"error": "not a picture OpenCV can read (7 bytes); convert it to JPEG or PNG"}
    assert client.post("/faces", data=bytes(20_000_001)).status_code == 413


def test_the_newest_result_by_fastapi(load, clip, monkeypatch):
    testclient = pytest.importorskip("fastapi.testclient")
    monkeypatch.setenv("SOURCE", str(clip))
    module = load("fastapi_live")
    with testclient.TestClient(module.app) as client:
        while (answer := client.get("/faces")).status_code == 503:
            assert answer.json() == {"detail": "no picture yet"}
        assert [face["label"] for face in answer.json()["faces"]] == ["neutral"]
        json.dumps(answer.json(), allow_nan=False)


@pytest.fixture
def load(monkeypatch):
    """An example as a module."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.setenv("OPENCV_IO_MAX_IMAGE_PIXELS", "50000000")
    loaded = []

    def module(name: str):
        loaded.append(name)
        return __import__(name)

    yield module
    for name in loaded:
        sys.modules.pop(name, None)
