"""What systemd hears, from a socket that stands for it."""

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
from threading import Thread

import cv2
import pytest

from benchmarks.mjpeg import MjpegServer
from ferlite.notify import notify, watchdog
from tests.waiting import wait_until


class Manager:
    """The socket of a service manager; `heard` are the lines it was sent."""

    def __init__(self, name):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(name)
        self.heard = []
        self._thread = Thread(target=self._listen)
        self._thread.start()

    def _listen(self):
        while (message := self._socket.recv(4096)) != b"end":
            self.heard += message.decode().splitlines()

    def lines(self, beginning):
        return [line for line in self.heard if line.startswith(beginning)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as closing:
            closing.sendto(b"end", self._socket.getsockname())
        self._thread.join()
        self._socket.close()


@pytest.mark.parametrize("kind", ["a path", "an abstract name"])
def test_what_is_notified_arrives(kind, tmp_path, monkeypatch):
    name = str(tmp_path / "notify") if kind == "a path" else f"\0ferlite-test-{os.getpid()}"
    with Manager(name) as manager:
        monkeypatch.setenv("NOTIFY_SOCKET", name.replace("\0", "@"))
        assert notify("READY=1", "STATUS=a \udcff b")
        wait_until(lambda: len(manager.heard) == 2)
    assert manager.heard == ["READY=1", "STATUS=a ? b"]


@pytest.mark.parametrize("name", [None, "", "relative", "/none/such", "@ferlite-none", "/" + 300 * "x"])
def test_without_somebody_to_hear_it_nothing_happens(name, monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if name is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", name)
    assert not notify("READY=1")


def test_the_watchdogs_time_is_for_the_process_it_names(monkeypatch):
    for microseconds, process, expected in (
        (None, None, None),
        ("30000000", None, 30.0),
        ("500000", str(os.getpid()), 0.5),
        ("500000", "1", None),
        ("0", None, None),
        ("soon", None, None),
    ):
        for name, value in (("WATCHDOG_USEC", microseconds), ("WATCHDOG_PID", process)):
            monkeypatch.delenv(name, raising=False)
            if value is not None:
                monkeypatch.setenv(name, value)
        assert watchdog() == expected


def test_a_run_is_alive_while_it_gives_results_or_looks_for_its_source_and_not_when_it_hangs(tmp_path, run_stream):
    with (
        Manager(str(tmp_path / "notify")) as manager,
        run_stream(str(tmp_path / "notify")) as (process, server, reader),
    ):
        wait_until(lambda: manager.lines("WATCHDOG=1"), 60)
        assert manager.heard[0] == "READY=1"
        wait_until(lambda: any("frames per second, 1 face" in line for line in manager.lines("STATUS=")))

        server.kill()  # the camera is unplugged
        wait_until(lambda: "connections tried: 1" in manager.lines("STATUS=")[-1])
        petted = len(manager.lines("WATCHDOG=1"))
        wait_until(lambda: len(manager.lines("WATCHDOG=1")) > petted)

        server.start()
        wait_until(lambda: "frames per second" in manager.lines("STATUS=")[-1])
        reader.stop()  # who takes the results has fallen asleep: ferlite hangs in its output
        wait_until(lambda: all(line.startswith("STATUS=no results") for line in manager.heard[-10:]))

        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 143
        wait_until(lambda: manager.heard[-1] == "STOPPING=1")


@pytest.fixture
def run_stream(portrait):
    """`ferlite run` on a stream, under a manager; its output is a small pipe that is read until told to stop."""

    @contextlib.contextmanager
    def run(manager):
        jpeg = cv2.imencode(".jpg", portrait)[1].tobytes()
        environment = os.environ | {"NOTIFY_SOCKET": manager, "WATCHDOG_USEC": "400000"}
        with MjpegServer(lambda _: jpeg, fps=20) as server:
            command = [sys.executable, "-m", "ferlite", "run", server.url, "--timeout", "inf", "--jsonl", "-"]
            with subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
            ) as process:
                fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
                reader = Reader(process.stdout)
                try:
                    yield process, server, reader
                finally:
                    process.kill()
                    reader.stop()

    return run


class Reader:
    """Takes what comes, until it is told to stop."""

    def __init__(self, stream):
        self._stream, self._stopped = stream, False
        self._thread = Thread(target=self._read)
        self._thread.start()

    def _read(self):
        while not self._stopped:
            self._stream.readline()

    def stop(self):
        self._stopped = True
        self._thread.join()
