"""A preview on a real port, requests to it, and a browser."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ferlite import WebPreview
from tests.web import browser

LIMIT = 20.0  # seconds for anything, on a loaded machine


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    before = sockets()
    yield
    wait_for(lambda: not [thread.name for thread in threading.enumerate() if thread.name.startswith("ferlite web")])
    wait_for(lambda: sockets() <= before)


@pytest.fixture
def preview() -> Iterator[WebPreview]:
    with WebPreview(port=0) as sink:
        yield sink


@pytest.fixture(scope="session")
def chromium() -> Iterator[browser.Browser]:
    program = browser.find()
    if program is None:
        pytest.skip("there is no Chromium; set FERLITE_CHROMIUM to the program")
    with closing(browser.Browser(program)) as running:
        yield running


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(sink: WebPreview, path: str = "/", method: str = "GET", **headers: str) -> Answer:
    """One request; underscores of header names stand for hyphens."""
    connection = http.client.HTTPConnection("127.0.0.1", sink.port, timeout=LIMIT)
    with closing(connection):
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())


class Viewer:
    """A raw connection that has asked for a stream, and reads only when it is told to."""

    def __init__(
        self, sink: WebPreview, path: str = "/stream.mjpg", ask: bool = True, buffer: int | None = None
    ) -> None:
        self.socket = socket.socket()
        if buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(LIMIT)
        self.socket.connect(("127.0.0.1", sink.port))
        if ask:
            self.socket.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        self.read = b""

    def until(self, part: bytes, count: int = 1) -> bytes:
        """All that has come once `part` has come so often."""
        while self.read.count(part) < count:
            data = self.socket.recv(1 << 16)
            assert data, f"the stream ended behind {self.read[-200:]!r}"
            self.read += data
        return self.read

    def until_end(self) -> bytes:
        while True:
            try:
                data = self.socket.recv(1 << 16)
            except ConnectionResetError:
                return self.read
            if not data:
                return self.read
            self.read += data

    def __enter__(self) -> "Viewer":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def wait_for(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + LIMIT
    while not (value := condition()):
        assert time.monotonic() < end, "it does not become true"
        time.sleep(0.01)
    return value


def sockets() -> set[str]:
    """The sockets this process has open."""
    found = set()
    for path in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # that of the list itself
            found.add(str(path.readlink()))
    return {target for target in found if target.startswith("socket:")}
