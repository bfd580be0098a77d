"""Against a server on this computer that does what servers and networks do at their worst."""

import contextlib
import hashlib
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ferlite import downloads
from ferlite.cards import sha256
from ferlite.downloads import Download
from ferlite.errors import DownloadError, ModelError, OutputError, SettingError

CONTENT = random.Random(0).randbytes(5_000)
HALF = len(CONTENT) // 2


class Server(ThreadingHTTPServer):
    """Answers one request after the other by `answers`, the last one for ever; `ranges` is what was asked for."""

    daemon_threads = False  # closing waits for them, so nothing of one test is left in the next

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/toy.bin"
        self.answers: list[Callable[[Handler], None]] = [whole]
        self.ranges: list[str | None] = []
        self.sent = 0
        self.gate = threading.Event()


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.ranges.append(self.headers["Range"])
        answer = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        with contextlib.suppress(ConnectionError):  # the other side has left
            answer(self)

    def log_message(self, *_: object) -> None:
        pass

    def head(self, status: int, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def send(self, content: bytes) -> None:
        self.server.sent += len(content)  # before: the client may have all of it before this thread goes on
        self.wfile.write(content)


def whole(handler: Handler) -> None:
    """The content, or the part of it that was asked for."""
    if handler.headers["Range"] is None:
        return without_ranges(handler)
    start = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    content_range = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
    handler.head(206, Content_Length=len(CONTENT) - start, Content_Range=content_range)
    handler.send(CONTENT[start:])


def without_ranges(handler: Handler) -> None:
    handler.head(200, Content_Length=len(CONTENT))
    handler.send(CONTENT)


def without_length(handler: Handler) -> None:
    handler.head(200)
    handler.send(CONTENT)
    handler.wfile.write(b"and something more")


def out_of_range(handler: Handler) -> None:
    without_ranges(handler) if handler.headers["Range"] is None else handler.head(416, Content_Length=0)


def half(handler: Handler) -> None:
    handler.head(200, Content_Length=len(CONTENT))
    handler.send(CONTENT[:HALF])


def half_and_silence(handler: Handler) -> None:
    half(handler)
    handler.server.gate.wait()


def half_and_the_rest_later(handler: Handler) -> None:
    half_and_silence(handler)
    handler.send(CONTENT[HALF:])


def half_and_reset(handler: Handler) -> None:
    half(handler)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(handler.connection.detach())


def no_answer(handler: Handler) -> None:
    handler.close_connection = True


def nonsense(handler: Handler) -> None:
    handler.send(b"220 mail.example ESMTP\r\n")


def corrupt(handler: Handler) -> None:
    handler.head(200, Content_Length=len(CONTENT))
    handler.send(CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]))


def endless(handler: Handler) -> None:
    handler.head(200)
    while not handler.server.gate.is_set():
        handler.send(bytes(10_000))


def page(handler: Handler) -> None:
    handler.head(200, Content_Length=18)
    handler.send(b"<h1>Log in, please")


def status(code: int) -> Callable[[Handler], None]:
    return lambda handler: handler.head(code, Content_Length=0)


def endless_redirect(handler: Handler) -> None:
    handler.head(302, Location="/moved.bin")
    while not handler.server.gate.is_set():
        handler.wfile.write(bytes(10_000))


def redirect(url: str) -> Callable[[Handler], None]:
    return lambda handler: handler.head(302, Location=url, Content_Length=0)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FERLITE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "cache"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that has the download `toy`, and a client in a hurry."""
    monkeypatch.setattr(downloads, "PAUSES", (0.01, 0.01, 0.01))
    monkeypatch.setattr(downloads, "TIMEOUT", 5.0)
    with Server() as server:
        digest = hashlib.sha256(CONTENT).hexdigest()
        toy = Download("toy", "toy.bin", server.url, digest, len(CONTENT), "CC0", "noise")
        monkeypatch.setitem(downloads.DOWNLOADS, "toy", toy)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.gate.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def part(cache: Path) -> Path:
    """Where an unfinished download lies; its folder is there."""
    cache.mkdir()
    return cache / "toy.bin.part"


@contextlib.contextmanager
def child(before: str = "") -> Iterator[subprocess.Popen[str]]:
    """Another process that pulls `toy`, and says so when it begins and when it is done."""
    code = f"""
import signal
from ferlite import downloads
from ferlite.downloads import Download
signal.signal(signal.SIGINT, signal.default_int_handler)  # pytest itself may run where it is ignored
downloads.DOWNLOADS["toy"] = {downloads.DOWNLOADS["toy"]!r}
{before}
print("pulling", flush=True)
downloads.pull("toy")
print("pulled")
"""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_download_lies_complete_and_alone_in_its_folder(server, cache):
    place = downloads.pull("toy")
    assert place == cache / "toy.bin" == downloads.path("toy")
    assert place.read_bytes() == CONTENT
    assert list(cache.iterdir()) == [place]


def test_what_is_there_is_not_fetched_again(server):
    assert downloads.pull("toy") == downloads.pull("toy")
    assert len(server.ranges) == 1


def test_progress_counts_the_bytes_up_to_the_last(server):
    server.answers = [half, whole]
    seen = []
    downloads.pull("toy", progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(set(seen))
    assert (HALF, len(CONTENT)) in seen
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_another_address_can_be_given(server):
    url = server.url.replace("127.0.0.1", "localhost") + "?mirror"
    assert downloads.pull("toy", url).read_bytes() == CONTENT
    downloads.path("toy").unlink()
    server.answers = [status(404)]
    with pytest.raises(DownloadError, match=r"from http://localhost:\d+/toy\.bin\?mirror: the server answers 404"):
        downloads.pull("toy", url)


@pytest.mark.parametrize(
    "url", ["http://example.org/toy", "ftp://127.0.0.1/toy", "file:///etc/passwd", "toy", "", "http://["]
)
def test_unsafe_addresses_are_refused(server, url):
    with pytest.raises(SettingError, match="only https"):
        downloads.pull("toy", url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:many/toy", "http://127.0.0.1/a toy", "http://127.0.0.1/ä", "https://a..b/"]
)
def test_addresses_that_are_none_are_said_at_once(server, monkeypatch, url):
    monkeypatch.setattr(downloads, "PAUSES", (60.0,))
    with pytest.raises(DownloadError, match="cannot be fetched from http"):
        downloads.pull("toy", url)


@pytest.mark.parametrize("answer", [half, half_and_reset, half_and_silence])
def test_a_connection_that_breaks_is_continued_where_it_broke(server, monkeypatch, answer):
    server.answers = [answer, whole]
    monkeypatch.setattr(downloads, "TIMEOUT", 0.5)
    assert downloads.pull("toy").read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={HALF}-"]
    assert server.sent == len(CONTENT)


@pytest.mark.parametrize("answer", [status(500), status(503), status(429), no_answer, nonsense])
def test_faults_that_pass_are_waited_for(server, answer):
    server.answers = [answer, answer, whole]
    assert downloads.pull("toy").read_bytes() == CONTENT
    assert len(server.ranges) == 3


def test_after_some_tries_it_is_said_and_what_came_is_kept(server, cache):
    server.answers = [half, status(500)]
    with pytest.raises(DownloadError, match=r"500 Internal Server Error; .* give its path"):
        downloads.pull("toy")
    assert len(server.ranges) == 4
    server.answers = [whole]
    assert downloads.pull("toy").read_bytes() == CONTENT
    assert server.ranges[4:] == [f"bytes={HALF}-"]
    assert list(cache.iterdir()) == [cache / "toy.bin"]


def test_a_server_that_stays_silent_is_said(server, monkeypatch):
    server.answers = [half_and_silence]
    monkeypatch.setattr(downloads, "TIMEOUT", 0.1)
    with pytest.raises(DownloadError, match="timed out"):
        downloads.pull("toy")


def test_a_file_that_is_not_there_is_asked_for_once(server):
    server.answers = [status(404)]
    with pytest.raises(DownloadError, match=r"toy\.bin cannot be fetched from .*: the server answers 404 Not Found"):
        downloads.pull("toy")
    assert len(server.ranges) == 1


@pytest.mark.parametrize("answer", [without_ranges, without_length, out_of_range])
def test_a_server_without_ranges_starts_anew(server, part, answer):
    part.write_bytes(CONTENT[:HALF])
    server.answers = [answer]
    assert downloads.pull("toy").read_bytes() == CONTENT
    assert server.ranges[0] == f"bytes={HALF}-"
    assert server.sent == len(CONTENT)


@pytest.mark.parametrize("left", [bytes(1000), bytes(len(CONTENT)), CONTENT + b"more"])
def test_a_wrong_part_is_thrown_away(server, part, left):
    part.write_bytes(left)
    assert downloads.pull("toy").read_bytes() == CONTENT
    assert server.ranges[-1] is None


def test_a_whole_part_needs_no_server(server, part):
    part.write_bytes(CONTENT)
    assert downloads.pull("toy").read_bytes() == CONTENT
    assert server.ranges == []


@pytest.mark.parametrize("answer", [corrupt, endless])
def test_other_content_is_tried_twice_and_never_kept(server, cache, answer):
    server.answers = [answer]
    digest = hashlib.sha256(CONTENT).hexdigest()[:12]
    with pytest.raises(DownloadError, match=f"wrong checksum: sha256 [0-9a-f]{{12}}…, expected {digest}…"):
        downloads.pull("toy")
    assert server.ranges == [None, None]
    assert list(cache.iterdir()) == []


def test_a_page_in_place_of_the_file_is_said_and_spoils_nothing(server, part):
    part.write_bytes(CONTENT[:HALF])
    server.answers = [page]
    with pytest.raises(DownloadError, match="the server has 18 bytes there, the file 5,000: a log-in page"):
        downloads.pull("toy")
    assert part.read_bytes() == CONTENT[:HALF]


@pytest.mark.parametrize("answer", [redirect("/moved.bin"), endless_redirect])
def test_redirects_are_followed_with_the_range(server, part, answer):
    part.write_bytes(CONTENT[:HALF])
    server.answers = [answer, whole]
    assert downloads.pull("toy").read_bytes() == CONTENT
    assert server.ranges == [f"bytes={HALF}-"] * 2


@pytest.mark.parametrize("url", ["http://example.org/toy.bin", "ftp://127.0.0.1/toy.bin", "file:///etc/passwd"])
def test_redirects_to_unsafe_addresses_are_refused(server, url):
    server.answers = [redirect(url)]
    with pytest.raises(DownloadError, match=r"the server answers 302 .*not (https|allowed)"):
        downloads.pull("toy")
    assert len(server.ranges) == 1


def test_redirects_in_a_circle_are_one_line(server):
    server.answers = [redirect("/toy.bin")]
    with pytest.raises(DownloadError, match="infinite loop") as error:
        downloads.pull("toy")
    assert "\n" not in str(error.value)


def test_a_port_where_nobody_listens_is_said_at_once(server, monkeypatch):
    monkeypatch.setattr(downloads, "PAUSES", (60.0,))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/toy.bin"
        with pytest.raises(DownloadError, match=f"{url}: Connection refused; .* fetch the file elsewhere"):
            downloads.pull("toy", url)


def test_a_name_that_is_not_found_is_said_at_once(server, monkeypatch):
    def offline(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(downloads, "PAUSES", (60.0,))
    monkeypatch.setattr(socket, "getaddrinfo", offline)
    with pytest.raises(DownloadError, match=r"example\.org/toy: Temporary failure in name resolution"):
        downloads.pull("toy", "https://example.org/toy")


def test_https_where_none_is_spoken_is_said(server):
    with pytest.raises(DownloadError, match="SSL"):
        downloads.pull("toy", server.url.replace("http:", "https:"))


def test_of_two_processes_one_waits_for_the_other(server, cache):
    server.answers = [half_and_the_rest_later]
    with child() as first, child() as second:
        for process in (first, second):
            assert process.stdout.readline() == "pulling\n"
        wait_for(lambda: server.sent >= HALF)
        time.sleep(0.2)  # time enough for the other to ask as well, if it did
        server.gate.set()
        assert first.communicate() == second.communicate() == ("pulled\n", "")
    assert server.ranges == [None]
    assert downloads.path("toy").read_bytes() == CONTENT
    assert len(list(cache.iterdir())) == 1


def test_a_killed_process_is_continued(server, cache):
    server.answers = [half_and_silence, whole]
    part = cache / "toy.bin.part"
    with child() as process:
        wait_for(lambda: part.exists() and part.stat().st_size == HALF)
        process.kill()
    with pytest.raises(ModelError, match="no such file"):
        downloads.path("toy")
    assert downloads.pull("toy").read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={HALF}-"]


@pytest.mark.parametrize("answer", [half, half_and_silence])
def test_ctrl_c_ends_waiting_and_keeps_what_came(server, cache, answer):
    server.answers = [answer]
    part = cache / "toy.bin.part"
    with child("downloads.PAUSES = (60.0,)") as process:
        wait_for(lambda: part.exists() and part.stat().st_size == HALF)
        process.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in process.communicate(timeout=120)[1]
    assert part.read_bytes() == CONTENT[:HALF]


def test_a_full_disk_is_said(server, cache):
    """A limit on the file's size stands for the disk: in a process of its own, as it cannot be lifted again."""
    limit = """
import resource
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (3500, 3500))
"""
    with child(limit) as process:
        errors = process.communicate()[1]
    assert "OutputError" in errors
    assert f"{cache / 'toy.bin'}: cannot be written: File too large" in errors
    assert downloads.pull("toy").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=3500-"]


def test_folders_that_cannot_be_written_are_said(server, cache, monkeypatch):
    (cache / "toy.bin").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"toy\.bin: cannot be written: Is a directory; FERLITE_CACHE sets"):
        downloads.pull("toy")
    for taken in (cache / "file", cache / "file" / "deeper"):
        (cache / "file").touch()
        monkeypatch.setenv("FERLITE_CACHE", str(taken))
        with pytest.raises(OutputError, match="cannot be written"):
            downloads.pull("toy")


def test_a_progress_that_fails_is_not_taken_for_the_disk(server):
    def progress(done: int, total: int) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        downloads.pull("toy", progress=progress)


def test_a_file_never_pulled_is_said(server):
    with pytest.raises(ModelError, match=r"no such file; `ferlite models pull toy` fetches it, or give the path"):
        downloads.path("toy")


def test_a_damaged_file_is_said_and_replaced(server, cache):
    place = downloads.pull("toy")
    place.write_bytes(CONTENT[:-1])
    with pytest.raises(ModelError, match=r"damaged: wrong checksum: .*`ferlite models pull toy` fetches it again"):
        downloads.path("toy")
    assert downloads.pull("toy").read_bytes() == CONTENT
    place.unlink()
    place.mkdir()
    with pytest.raises(ModelError, match="cannot be read: Is a directory"):
        downloads.path("toy")


def test_unknown_names_list_the_known_ones():
    for function in (downloads.path, downloads.pull):
        with pytest.raises(SettingError, match=r"nothing: no download of that name \(there are: yunet\)"):
            function("nothing")


def test_yunet_is_described_as_it_is(data):
    path = data("models/face_detection_yunet_2023mar.onnx")
    yunet = downloads.DOWNLOADS["yunet"]
    assert (path.name, path.stat().st_size, sha256(path)) == (yunet.file, yunet.size, yunet.sha256)
