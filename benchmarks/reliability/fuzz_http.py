"""Hostile HTTP for the live preview: bytes, methods, paths, headers, cookies and hosts, whole and in pieces.

Two previews run for all cases, one that needs a token and one that does not, and both have a result to show. Whatever
is sent, the answer has to be none or one of HTTP's, of a status the preview has; without the token or the right host
nothing of the picture or the result may be in it; and nothing may be logged.
"""

import atexit
import logging
import re
import socket
import time
from contextlib import suppress
from pathlib import Path
from random import Random

import numpy as np

from benchmarks.reliability.fuzz_bytes import damaged
from benchmarks.reliability.fuzz_process import Case
from ferlite import Box, Face, Frame, FrameResult, WebPreview

TOKEN = "a token of the fuzzer"
SECRET = b"label of the fuzzer"  # stands in the result
STATUSES = (200, 400, 401, 403, 404, 405, 503)
REST = 0.03  # seconds without a byte after which no more are waited for
# fmt: off
METHODS = (
    "GET", "GET", "GET", "GET", "HEAD", "POST", "PUT", "OPTIONS", "CONNECT", "TRACE", "get", "PRI", "", "G\0T",
    "x" * 70000,
)
PATHS = (
    "/", "/", "/api/result", "/api/result", "/api/events", "/stream.mjpg", "/snapshot.jpg", "/healthz", "/page.js",
    "/style.css", "/token.html", "/../server.py", "/%2e%2e/%2e%2e/etc/passwd", "/page.js/..", "//evil.example/", "*",
    "http://evil.example/api/result", "/?token=", "/api/result?token=%ff", "/api/result?token=a&token=b", "/%00", "/%",
    "/api/result?token[]=x", "/healthz/../api/result", "/healthz%2f..%2fapi%2fresult", "/API/RESULT", "/api/result/",
    "/api//result", "/" + "x" * 70000, "/\xff", "", "?", "/api/result#", "/;", "/api/result?" + "a=1&" * 3000,
)
HOSTS = (
    "localhost", "localhost", "127.0.0.1:8000", "[::1]", "evil.example", "", "[", "]", "[::1", "localhost:x", ":",
    "localhost.evil.example", "127.0.0.1.evil.example", "a@localhost", "localhost@evil.example", "localhost/", "\xff",
    "localhost\tevil", "0x7f.1", "2130706433", "[fe80::1%25eth0]", "x" * 70000,
)
HEADERS = (
    ("Connection", ("close", "keep-alive", "upgrade", "close, close", "")),
    ("Cookie", (
        "ferlite_8000=", "ferlite_PORT=x", "ferlite_PORT=\"\\377\"", ";;;=;", "=", "\xff=\xff", "a=b; " * 2000,
        "ferlite_PORT=x; ferlite_PORT=y",
    )),
    ("Authorization", ("Bearer", "Bearer ", "Bearer x", "bearer \xff", f"Basic {TOKEN}", "Bearer" * 2000, "")),
    ("Origin", ("null", "http://evil.example", "http://localhost", "", "://", "\xff")),
    ("Sec-Fetch-Site", ("cross-site", "same-site", "none", "same-origin", "x")),
    ("Sec-Fetch-Mode", ("navigate", "cors", "x")),
    ("Content-Length", ("0", "5", "-1", "x", "99999999999999999999", "1, 1", "")),
    ("Transfer-Encoding", ("chunked", "identity", "gzip, chunked", "x")),
    ("Expect", ("100-continue", "x")),
    ("Upgrade", ("websocket", "h2c", "")),
    ("Range", ("bytes=0-", "bytes=9-1")),
    ("X", ("y" * 20000, "\0", "a\r\n b", "")),
    ("Host", HOSTS),
    ("", ("", ":")),
)
BODIES = (b"", b"", b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"ffffffffffffffff\r\n", b"x" * 100000)
VERSIONS = ("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/1.1 ", "HTTP", "", "\xff")
# fmt: on


def prepare(folder: Path) -> Case:
    errors: list[str] = []
    for name in ("ferlite", "uvicorn", "asyncio"):
        logging.getLogger(name).addHandler(_Collect(errors))
    locked, opened = WebPreview(port=0, token=TOKEN), WebPreview(port=0)
    for sink in (locked, opened):
        atexit.register(sink.close)
        sink.write(_result())
        _wait_until_shown(sink)
    sound = _request("GET", "/healthz", [("Host", "localhost"), ("Connection", "close")], "HTTP/1.1")

    def run(random: Random) -> None:
        sink = random.choice((locked, opened))
        request, allowed = hostile_request(random, sink)
        answer = _exchange(random, sink.port, request)
        _check(request, answer, allowed)
        if random.random() < 0.05:
            answer = _asked(sink.port, sound)
            assert answer.startswith(b"HTTP/1.1 200"), f"it is not sound any more: {answer[:200]!r}"
        assert not errors, errors.pop()

    return run


def hostile_request(random: Random, sink: WebPreview) -> tuple[bytes, bool]:
    """A request, and whether it might be allowed to see the result."""
    method, path, version = random.choice(METHODS), random.choice(PATHS), random.choice(VERSIONS)
    host = random.choice(HOSTS)
    headers = [("Host", host)] if random.random() < 0.95 else []
    for name, values in random.sample(HEADERS, random.choice((0, 1, 2, 4))):
        headers.append((name, random.choice(values).replace("PORT", str(sink.port))))
    random.shuffle(headers)
    request = _request(method, path, headers, version) + random.choice(BODIES)
    for _ in range(random.choice((0, 0, 0, 1))):  # one behind the other
        request += _request(random.choice(METHODS), random.choice(PATHS), headers, version)
    # damage may make any host a right one, but never a token
    hosts = [value for name, value in headers if name == "Host"]
    if random.random() < 0.4:
        request = damaged(random, request, [request, b"\r\n\r\n", random.randbytes(50)])
        hosts.append("localhost")
    own = any(value.startswith(("localhost", "127.", "[::1", "a@localhost")) for value in hosts)
    return request, sink.token is None and own


def _request(method: str, path: str, headers: list[tuple[str, str]], version: str) -> bytes:
    lines = [f"{method} {path} {version}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _exchange(random: Random, port: int, request: bytes) -> bytes:
    """The first bytes that come back: streams have no end."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(ConnectionError, TimeoutError):  # refused while it was still sent
            if random.random() < 0.2:
                place = random.randint(0, len(request))
                connection.sendall(request[:place])
                request = request[place:]
            connection.sendall(request)
            if random.random() < 0.1:
                with suppress(OSError):  # the other side was faster
                    connection.shutdown(socket.SHUT_WR)
            elif random.random() < 0.05:
                return b""
            connection.settimeout(REST if random.random() < 0.9 else 0.3)
            while not _is_whole(answer) and (data := connection.recv(1 << 16)):
                answer += data
    return answer


def _is_whole(answer: bytes) -> bool:
    """Whether a first answer with a length is there, or enough of one without."""
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"\ncontent-length: (\d+)", head)
    return end != b"" and len(body) >= (int(length[1]) if length else 20_000)


def _asked(port: int, request: bytes) -> bytes:
    """The whole answer to a request that ends the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def _check(request: bytes, answer: bytes, allowed: bool) -> None:
    said = f"{request[:300]!r} → {answer[:300]!r}"
    if answer:
        assert answer.startswith(b"HTTP/1.1 "), said
        status = answer[9:12]
        assert status.isdigit(), said
        assert int(status) in (*STATUSES, 100), said
    if not allowed:
        assert SECRET not in answer, f"shown to a stranger: {said}"
        assert b"\xff\xd8\xff" not in answer, f"shown to a stranger: {said}"


def _result() -> FrameResult:
    values = np.float32([0.5, 0.5])
    labels = (SECRET.decode(), "other")
    face = Face(Box(5, 5, 20, 20), 0.9, labels[0], values, values, labels)
    return FrameResult(Frame(0, 0.0, np.zeros((48, 64, 3), np.uint8)), (face,), 0.01)


def _wait_until_shown(sink: WebPreview) -> None:
    headers = [("Host", "localhost"), ("Connection", "close"), ("Authorization", f"Bearer {TOKEN}")]
    request = _request("GET", "/snapshot.jpg", headers, "HTTP/1.1")
    while b"\xff\xd8\xff" not in _asked(sink.port, request):
        time.sleep(0.01)


class _Collect(logging.Handler):
    """What is logged from warnings on."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._errors = errors

    def emit(self, record: logging.LogRecord) -> None:
        self._errors.append(self.format(record))
