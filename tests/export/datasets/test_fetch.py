"""Against servers on this computer; Kaggle's own client reaches one of them as if it were Kaggle."""

import base64
import contextlib
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from export.datasets import fetch as module
from export.datasets.fetch import fetch
from export.errors import DatasetError
from ferlite import downloads
from ferlite.downloads import Download
from ferlite.errors import DownloadError, OutputError

COUNTS = {"Training": (2, 1), "PublicTest": (1, 1), "PrivateTest": (0, 2)}
PIXELS = " ".join(["7"] * 48 * 48)
ROWS = [f"{label},{PIXELS},{usage}" for usage, of in COUNTS.items() for label in (0, 1) for _ in range(of[label])]
CSV = "\n".join(["emotion,pixels,Usage", *ROWS, ""]).encode()
VOTES = b"Usage,Image name,neutral\nTraining,a.png,10\n" * 100
ROOT = Path(__file__).parents[3]


def packed(**members):
    """A .tar.gz with these files in a folder."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as target:
        for name, content in members.items():
            member = tarfile.TarInfo(f"fer2013/{name.replace('_', '.')}")
            member.size = len(content)
            target.addfile(member, io.BytesIO(content))
    return archive.getvalue()


class Server(ThreadingHTTPServer):
    """Gives `content` to whoever asks, or what `answer` makes of it; `asked` is what was asked for."""

    daemon_threads = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.content = b""
        self.answer = whole
        self.kaggle_status = 302
        self.asked = []
        self.gate = threading.Event()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        with contextlib.suppress(ConnectionError):
            self.server.answer(self)

    def do_POST(self):
        """What Kaggle does: it says where the file lies."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        service = self.path.rpartition("/")[2]
        self.server.asked.append((service, body, self.headers["Authorization"]))
        if service == "IntrospectToken":
            return self.say(200, {"active": body["token"] == "valid", "username": "someone"})
        if self.server.kaggle_status != 302:
            return self.say(self.server.kaggle_status, {"code": self.server.kaggle_status, "message": "Kaggle says no"})
        self.head(302, Location=f"{self.server.url}/storage/{body['fileName']}?signature=x", Content_Length=0)

    def say(self, status, values):
        content = json.dumps(values).encode()
        self.head(status, Content_Type="application/json", Content_Length=len(content))
        self.wfile.write(content)

    def head(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def log_message(self, *_):
        pass


def whole(handler):
    handler.head(200, Content_Length=len(handler.server.content))
    handler.wfile.write(handler.server.content)


def half(handler):
    handler.head(200, Content_Length=len(handler.server.content))
    handler.wfile.write(handler.server.content[: len(handler.server.content) // 2])


def half_and_silence(handler):
    half(handler)
    handler.server.gate.wait()


def silence(handler):
    handler.server.gate.wait()


def status(code):
    return lambda handler: handler.head(code, Content_Length=0)


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.gate.set()
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def surroundings(tmp_path, monkeypatch):
    """No credentials of the person who runs the tests, no proxies, and nobody waits for long."""
    for name in list(os.environ):
        if name.startswith("KAGGLE_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(downloads, "PAUSES", (0.01,))
    monkeypatch.setattr(downloads, "TIMEOUT", 5.0)


@pytest.fixture
def votes(server):
    """What there is to fetch beside Kaggle."""
    server.content = VOTES
    digest = hashlib.sha256(VOTES).hexdigest()
    return Download("ferplus", "fer2013new.csv", f"{server.url}/votes", digest, len(VOTES), "MIT", "votes")


@pytest.fixture
def kaggle(server, monkeypatch):
    """The server as Kaggle: its client takes http://localhost for it, by way of a proxy that answers itself."""
    pytest.importorskip("requests")
    if subprocess.run([sys.executable, "-c", "import importlib.util as i; assert i.find_spec('kaggle')"]).returncode:
        pytest.skip("the package kaggle is not installed")
    server.content = packed(README=b"about", fer2013_csv=CSV)
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.setenv("KAGGLE_USERNAME", "someone")
    monkeypatch.setenv("KAGGLE_KEY", "secret")
    return server


def test_the_votes_lie_complete_and_alone_in_their_folder(server, votes, tmp_path):
    folder = tmp_path / "new" / "data"
    assert fetch(folder, ["ferplus"], votes=votes) == {"ferplus": folder / "fer2013new.csv"}
    assert (folder / "fer2013new.csv").read_bytes() == VOTES
    assert [path.name for path in folder.iterdir()] == ["fer2013new.csv"]


def test_votes_that_are_there_are_not_fetched_again(server, votes, tmp_path):
    fetch(tmp_path / "data", ["ferplus"], votes=votes)
    fetch(tmp_path / "data", ["ferplus"], votes=votes)
    assert server.asked == ["/votes"]


def test_another_file_of_that_name_is_left_alone(server, votes, tmp_path):
    (tmp_path / "fer2013new.csv").write_text("mine")
    with pytest.raises(DatasetError, match=r"fer2013new\.csv: not the file expected: it has another checksum; move it"):
        fetch(tmp_path, ["ferplus"], votes=votes)
    assert (tmp_path / "fer2013new.csv").read_text() == "mine"
    (tmp_path / "fer2013.csv").write_text("emotion,pixels,Usage\n0,1 2 3,Training\n")
    with pytest.raises(DatasetError, match="not the file expected: row 2 is no picture: '0,1 2 3,Training'"):
        fetch(tmp_path, ["fer2013"], counts=COUNTS)
    assert server.asked == []


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (status(403), "403 Forbidden"),
        (status(404), "404 Not Found"),
        (status(500), "500 Internal"),
        (half, "it ended after"),
        (half_and_silence, "timed out"),
        (silence, "timed out"),
    ],
)
def test_votes_that_do_not_come_are_said_and_leave_nothing(server, votes, tmp_path, monkeypatch, answer, message):
    server.answer = answer
    monkeypatch.setattr(downloads, "TIMEOUT", 0.2)
    with pytest.raises(DownloadError, match=rf"fer2013new\.csv cannot be fetched from http.*{message}"):
        fetch(tmp_path / "data", ["ferplus"], votes=votes)
    assert list((tmp_path / "data").iterdir()) == []


def test_other_votes_than_expected_are_said_and_leave_nothing(votes, tmp_path):
    with pytest.raises(DownloadError, match=r"wrong checksum: sha256 .*, expected 000000000000"):
        fetch(tmp_path / "data", ["ferplus"], votes=replace(votes, sha256="0" * 64))
    assert list((tmp_path / "data").iterdir()) == []


def test_nobody_listening_is_said(votes, tmp_path):
    with pytest.raises(DownloadError, match="refused"):
        fetch(tmp_path, ["ferplus"], votes=replace(votes, url="http://127.0.0.1:1/votes"))


def test_what_a_killed_process_left_is_no_hindrance(votes, tmp_path):
    left = tmp_path / "partial-fer2013new.csv"
    left.mkdir()
    (left / "fer2013new.csv.part").write_bytes(VOTES[:100])
    fetch(tmp_path, ["ferplus"], votes=votes)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_an_interruption_leaves_nothing(server, votes, tmp_path):
    server.answer = half_and_silence
    code = f"""
import signal
from pathlib import Path
from export.datasets.fetch import fetch
from ferlite.downloads import Download
signal.signal(signal.SIGINT, signal.default_int_handler)
fetch(Path({str(tmp_path / "data")!r}), ["ferplus"], votes={votes!r})
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 30
        while not list(tmp_path.glob("data/partial-*/*.part")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in process.communicate()[1]
    assert list((tmp_path / "data").iterdir()) == []


def test_too_little_space_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SPACE", 10**18)
    with pytest.raises(OutputError, match=r"MB are free there, 1,000,000,000,000 MB are needed"):
        fetch(tmp_path, ["fer2013"])


def test_a_folder_that_cannot_be_written_is_said(votes, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file/data: cannot be written: Not a directory"):
        fetch(tmp_path / "file" / "data", ["ferplus"], votes=votes)
    with pytest.raises(OutputError, match="file: cannot be written: File exists"):
        fetch(tmp_path / "file", ["ferplus"], votes=votes)


def test_unknown_things_to_fetch_are_said(tmp_path):
    with pytest.raises(DatasetError, match="nothing to fetch by the name faces; there are fer2013, ferplus"):
        fetch(tmp_path, ["ferplus", "faces"])


def test_fer2013_comes_by_kaggles_client(kaggle, tmp_path):
    folder = tmp_path / "data"
    assert fetch(folder, ["fer2013"], counts=COUNTS) == {"fer2013": folder / "fer2013.csv"}
    assert (folder / "fer2013.csv").read_bytes() == CSV
    assert [path.name for path in folder.iterdir()] == ["fer2013.csv"]
    credentials = "Basic " + base64.b64encode(b"someone:secret").decode()
    wanted = {"competitionName": module.COMPETITION, "fileName": "fer2013.tar.gz"}
    assert kaggle.asked == [
        ("DownloadDataFile", wanted, credentials),
        f"{kaggle.url}/storage/fer2013.tar.gz?signature=x",
    ]
    fetch(folder, ["fer2013"], counts=COUNTS)
    assert len(kaggle.asked) == 2


def test_a_token_is_as_good_as_a_key(kaggle, tmp_path, monkeypatch):
    monkeypatch.delenv("KAGGLE_KEY")
    monkeypatch.setenv("KAGGLE_API_TOKEN", "valid")
    fetch(tmp_path, ["fer2013"], counts=COUNTS)
    assert kaggle.asked[-2][2] == "Bearer valid"


def test_no_credentials_are_said_before_anything_is_asked(kaggle, tmp_path, monkeypatch, capfd):
    monkeypatch.delenv("KAGGLE_KEY")
    with pytest.raises(
        DownloadError, match=r"no credentials.*KAGGLE_API_TOKEN.*kaggle\.json.*accept.*/rules"
    ) as caught:
        fetch(tmp_path / "data", ["fer2013"], counts=COUNTS)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")  # the client's own page of advice is not seen
    assert kaggle.asked == []
    assert list((tmp_path / "data").iterdir()) == []


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (401, "the credentials are refused .*make a new token"),
        (403, r"not allowed \(Kaggle says no\); log in, accept the competition's rules at https://.*/rules"),
        (404, "there is no such file .* by a browser from https://www.kaggle.com/competitions/.*/data"),
        (503, "the server answers 503 .*fetch again later"),
    ],
)
def test_what_kaggle_refuses_is_explained(kaggle, tmp_path, code, message):
    kaggle.kaggle_status = code
    with pytest.raises(DownloadError, match=f"fer2013.tar.gz cannot be fetched from Kaggle: {message}"):
        fetch(tmp_path / "data", ["fer2013"], counts=COUNTS)
    assert list((tmp_path / "data").iterdir()) == []


def test_no_network_is_said(kaggle, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with pytest.raises(DownloadError, match=r"no connection \(.*refused.*fetch again later, or by a browser"):
        fetch(tmp_path, ["fer2013"], counts=COUNTS)


@pytest.mark.parametrize("answer", [half_and_silence, silence])
def test_a_silent_kaggle_is_not_waited_for_without_end(kaggle, tmp_path, answer):
    kaggle.answer = answer
    with pytest.raises(DownloadError, match="Kaggle has sent nothing for 2 s; fetch again later"):
        fetch(tmp_path / "data", ["fer2013"], counts=COUNTS, patience=2.0)
    assert list((tmp_path / "data").iterdir()) == []


def test_a_kaggle_client_that_is_missing_is_said(kaggle, tmp_path, monkeypatch):
    hidden = tmp_path / "kaggle.py"
    hidden.write_text("raise ModuleNotFoundError('no kaggle', name='kaggle')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(DownloadError, match="its client is not installed; pip install kaggle"):
        fetch(tmp_path / "data", ["fer2013"], counts=COUNTS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<h1>Log in, please</h1>", "is damaged"),
        (packed(fer2013_csv=CSV)[:-20], "is damaged"),
        (packed(train_csv=CSV), r"fer2013\.tar\.gz from Kaggle has no fer2013\.csv inside"),
        (packed(fer2013_csv=CSV[:-10_000]), "another fer2013.csv than expected: row .* is no picture"),
        (packed(fer2013_csv=CSV.replace(b"\n1,", b"\n0,", 1)), r"\[3, 0\] rows by label with Usage Training instead"),
        (packed(fer2013_csv=b"emotion,pixels\n"), "row 1 is 'emotion,pixels' instead of"),
    ],
)
def test_something_else_than_fer2013_is_said_and_leaves_nothing(kaggle, tmp_path, content, message):
    kaggle.content = content
    with pytest.raises(DatasetError, match=message):
        fetch(tmp_path / "data", ["fer2013"], counts=COUNTS)
    assert list((tmp_path / "data").iterdir()) == []


def test_the_known_file_is_taken_for_what_it_is(data, tmp_path):
    import zipfile

    with zipfile.ZipFile(data("data/fer2013/fer2013.csv.zip")) as archive:
        archive.extract("fer2013.csv", tmp_path)
    (tmp_path / "fer2013new.csv").write_bytes(data("data/fer2013/fer2013new.csv").read_bytes())
    assert set(fetch(tmp_path)) == {"fer2013", "ferplus"}
