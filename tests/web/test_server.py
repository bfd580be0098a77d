import ast
import json
import logging
import os
import re
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace

import cv2
import numpy as np
import pytest

from ferlite import Camera, Frame, FrameResult, OutputError, SettingError, WebPreview
from ferlite.web import app, connections, feed
from tests.conftest import ROOT
from tests.test_threads import in_a_fork
from tests.web.conftest import LIMIT, Viewer, ask, wait_for


def written(sink, make_result, count=1, **settings):
    for seq in range(count):
        sink.write(make_result(seq, **settings))


def has_result(sink):
    return wait_for(lambda: (answer := ask(sink, "/api/result")).status == 200 and answer)


def test_the_page_and_its_files_are_served_with_nothing_from_elsewhere(preview):
    page = ask(preview)
    assert page.status == 200
    assert "<title>" in page.text
    for name in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        answer = ask(preview, f"/{name}") if name != "stream.mjpg" else page
        assert answer.status == 200, name
        # addresses with a host are names of formats only
        assert set(re.findall(r"https?://[^\"' ]+", answer.text)) <= {"http://www.w3.org/2000/svg"}, name


def test_every_answer_tells_browsers_to_keep_it_to_the_page(preview, make_result):
    written(preview, make_result)
    for path in ("/", "/page.js", "/api/result", "/snapshot.jpg", "/healthz", "/none"):
        headers = ask(preview, path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"], path
        assert "unsafe" not in headers["Content-Security-Policy"], path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin", path
        assert headers["Cache-Control"] == "no-store", path
        assert "Server" not in headers, path


def test_the_newest_result_as_json_is_the_results_own_with_the_machine(preview, make_result):
    assert ask(preview, "/api/result").status == 503  # none yet
    assert ask(preview, "/snapshot.jpg").status == 503
    written(preview, make_result, 3)
    wait_for(lambda: ask(preview, "/api/result").json.get("seq") == 2 if has_result(preview) else False)
    values = ask(preview, "/api/result").json
    assert values.items() >= json.loads(json.dumps(make_result(2).as_dict())).items()
    assert values.keys() >= {"fps", "temperature_c", "limits", "labels"}
    assert values["labels"][3] == "happy"


def test_frames_per_second_are_those_of_the_results(preview, make_result):
    for seq in range(30):
        preview.write(make_result(seq))
        time.sleep(0.02)
    fps = has_result(preview).json["fps"]
    assert 5 < fps < 50  # 50 at most, less where the machine is loaded


def test_a_snapshot_is_the_newest_picture_with_its_faces_drawn_in(preview, make_result):
    written(preview, make_result)
    has_result(preview)
    answer = ask(preview, "/snapshot.jpg")
    assert answer.headers["Content-Type"] == "image/jpeg"
    image = cv2.imdecode(np.frombuffer(answer.body, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (120, 160, 3)
    assert abs(image[100, 100].astype(int) - 128).max() < 12  # the frame's own grey
    assert abs(image[50, 20].astype(int) - (80, 220, 250)).max() < 60  # the box, in the colour of happy


def test_large_pictures_are_made_smaller_with_their_boxes(preview, make_result, face):
    result = make_result(shape=(2000, 4000, 3))
    preview.write(replace(result, faces=(replace(face, box=face.box._replace(x=2000, y=1000, w=800, h=800)),)))
    has_result(preview)
    image = cv2.imdecode(np.frombuffer(ask(preview, "/snapshot.jpg").body, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (640, 1280, 3)
    assert abs(image[450, 640].astype(int) - (80, 220, 250)).max() < 60


def test_the_stream_has_whole_pictures_and_ferlite_can_read_it(preview, make_result):
    stop = threading.Event()

    def write():
        for seq in range(10_000):
            preview.write(make_result(seq))
            if stop.wait(0.02):
                break

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with Viewer(preview) as viewer:
            data = viewer.until(b"--ferlite\r\nContent-Type", 3)
        head, _, jpeg = data.split(b"--ferlite\r\n")[1].partition(b"\r\n\r\n")
        assert f"Content-Length: {len(jpeg) - 2}".encode() in head
        assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (120, 160, 3)
        with Camera(f"{preview.url}stream.mjpg") as camera:
            assert next(iter(camera)).image.shape == (120, 160, 3)
    finally:
        stop.set()
        writer.join()


def test_events_begin_with_the_past_and_bring_each_result_within_the_rate(preview, make_result):
    with Viewer(preview, "/api/events") as viewer:
        viewer.until(b"event: history")
        began = time.monotonic()
        for seq in range(100):
            preview.write(make_result(seq))
            time.sleep(0.005)
        viewer.until(b'"seq": 99,')
        took = time.monotonic() - began
    assert viewer.read.count(b"event: result") <= 15 * took + 2
    with Viewer(preview, "/api/events") as late:
        history = late.until(b"\n\nevent: result").split(b"event: history\ndata: ")[1].split(b"\n")[0]
    ((face, label, start, end),) = json.loads(history)["spans"]
    assert (face, label) == (-1, "happy")  # the test's face has no track id
    assert 0.3 < start - end < LIMIT


def test_viewers_are_told_that_nothing_comes_and_that_it_ends(make_result):
    with WebPreview(port=0) as sink, Viewer(sink, "/api/events") as viewer:
        viewer.until(b'event: waiting\ndata: {"seconds": null}')
        written(sink, make_result)
        viewer.until(b"event: result")
        assert re.search(rb'event: waiting\ndata: {"seconds": 1\.\d}', viewer.until(b"event: waiting", 2))
        assert ask(sink, "/healthz").json["seconds_since_result"] >= 1
        sink.close()
        assert viewer.until_end().endswith(b"event: end\ndata: {}\n\n")


def test_only_get_and_head_are_answered(preview, make_result):
    for path in ("/", "/api/result", "/api/events", "/stream.mjpg", "/snapshot.jpg"):
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            assert ask(preview, path, method).status == 405
    written(preview, make_result)
    for path in ("/", "/api/events", "/stream.mjpg", "/healthz"):  # streams too end behind their head
        answer = ask(preview, path, "HEAD")
        assert (answer.status, answer.body) == (200, b"")
    assert ask(preview, "/../setup.cfg").status == 404
    assert ask(preview, "/token.html").status == 404
    assert ask(preview, "/api/result/").status == 404


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:9000", 200),  # as by a tunnel
        ("127.0.0.1", 200),
        ("127.8.9.1:80", 200),
        ("[::1]:8000", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost.evil.example", 403),
        ("192.168.0.7", 403),
        ("", 403),
        ("[", 403),
        ("a@localhost@b", 403),
    ],
)
def test_without_a_token_only_names_of_this_machine_are_answered(preview, host, status):
    assert ask(preview, Host=host).status == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors", "Sec_Fetch_Dest": "image"}, 403),
        ({"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "cors", "Sec_Fetch_Dest": "empty"}, 403),
        ({"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "iframe"}, 403),
        ({"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}, 200),  # a link
        ({"Sec_Fetch_Site": "same-origin", "Sec_Fetch_Mode": "cors", "Sec_Fetch_Dest": "empty"}, 200),
        ({"Sec_Fetch_Site": "same-origin", "Origin": "https://door.example"}, 200),  # a proxy asks by another Host
        ({"Sec_Fetch_Site": "none"}, 200),
    ],
)
def test_requests_that_another_website_makes_are_refused(preview, headers, status):
    assert ask(preview, "/healthz", **headers).status == status
    own = {"Origin": f"http://127.0.0.1:{preview.port}"}
    assert ask(preview, "/healthz", **own).status == 200


def test_a_token_is_taken_from_the_link_the_cookie_and_the_header_alone(make_result):
    token = "correct horse battery"
    with WebPreview(port=0, token=token) as sink:
        assert sink.url == f"http://127.0.0.1:{sink.port}/?token=correct%20horse%20battery"
        written(sink, make_result)
        private = ("/", "/page.js", "/api/result", "/api/events", "/stream.mjpg", "/snapshot.jpg", "/none")
        for path in private:
            for wrong in ({}, {"Authorization": f"Basic {token}"}, {"Authorization": "Bearer"}, {"Cookie": token}):
                answer = ask(sink, path, **wrong)
                assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), (path, wrong)
        assert ask(sink, "/?token=correct").status == 401
        assert ask(sink, "/?token=%ff%00").status == 401
        assert '<label for="token">' in ask(sink).text  # a page that asks, for people
        assert "hidden>This is not its token" in ask(sink).text
        assert 'role="alert">This is not its token' in ask(sink, "/?token=correct").text
        assert ask(sink, "/api/result").text.startswith("This preview needs its token: ")
        for answer in (
            ask(sink, "/api/result?token=correct"),
            ask(sink, "/api/result", Authorization="Bearer correct"),
        ):
            assert answer.text.startswith("This is not the token of this preview: ")
        assert ask(sink, "/healthz").status == 200
        assert ask(sink, "/healthz?token=wrong").headers["Set-Cookie"] is None
        assert ask(sink, Authorization=f"bearer {token}").status == 200
        answer = ask(sink, "/?token=correct+horse+battery", Host="pi.local")
        cookie = answer.headers["Set-Cookie"]
        assert answer.status == 200
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert "correct" not in cookie
        for path in ("/", "/page.js", "/api/result", "/snapshot.jpg"):
            assert ask(sink, path, Cookie=f"other=1; {cookie.split(';')[0]}").status in (200, 503)
        again = cookie.split(";")[0]
    with WebPreview(port=sink.port, token=token) as sink:  # started again, the page goes on
        assert ask(sink, Cookie=again).status == 200
    with WebPreview(port=sink.port, token=token + "!") as sink:
        assert ask(sink, Cookie=again).status == 401


def test_an_address_that_others_reach_has_a_token_of_its_own():
    tokens = set()
    for _ in range(2):
        with WebPreview("0.0.0.0", 0) as sink:
            assert sink.token is not None
            assert sink.url.endswith(f"?token={sink.token}")
            assert ask(sink).status == 401
            assert ask(sink, f"/?token={sink.token}").status == 200
            tokens.add(sink.token)
    assert len(tokens) == 2
    assert min(map(len, tokens)) >= 20


def test_what_cannot_be_is_said():
    for settings, words in (
        ({"port": 65536}, "port is 65536"),
        ({"port": -1}, "port is -1"),
        ({"host": ""}, "host is empty"),
        ({"fps": 0}, "fps is 0"),
        ({"fps": float("nan")}, "fps is nan"),
        ({"token": "short"}, r"at least 16 .* this one has 5"),
        ({"token": "ä" * 20}, "ASCII"),
        ({"token": "a" * 20 + "\n"}, "printable"),
    ):
        with pytest.raises(SettingError, match=words):
            WebPreview(**({"port": 0} | settings))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OutputError, match=f"127.0.0.1:{port}: cannot be listened on: another program does so"):
            WebPreview(port=port)
    for host, words in (("no.such.host.invalid", "no such address"), ("192.0.2.1", "not an address of this machine")):
        with pytest.raises(OutputError, match=f"{host}:0: cannot be listened on: {words}"):
            WebPreview(host, 0)
    with pytest.raises(OutputError, match="no such address"):
        WebPreview("x" * 100, 0)


@pytest.mark.parametrize("name", ["starlette", "uvicorn"])
def test_the_missing_extra_is_said(name):
    code = f"import sys; sys.modules[{name!r}] = None\nimport ferlite\nferlite.WebPreview(port=0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "EngineError: the live preview needs" in done.stderr.splitlines()[-1]
    assert "pip install 'ferlite[web]'" in done.stderr.splitlines()[-1]


def test_a_closed_preview_says_so_and_its_port_is_free_at_once(make_result):
    sink = WebPreview(port=0)
    with Viewer(sink), Viewer(sink, "/api/events"), Viewer(sink, ask=False):
        began = time.monotonic()
        sink.close()
        assert time.monotonic() - began < 4  # under one where the machine is free
        sink.close()
        with pytest.raises(OutputError, match=f"127.0.0.1:{sink.port}: the preview is closed"):
            sink.write(make_result())
        WebPreview(port=sink.port).close()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of fork beside threads, from Python 3.12 on
def test_a_fork_is_refused_and_does_not_keep_the_port(make_result):
    with WebPreview(port=0) as sink:
        assert f"OutputError: 127.0.0.1:{sink.port}: is served by process {os.getpid()}" in in_a_fork(
            lambda: sink.write(make_result())
        )
        assert in_a_fork(sink.close) == "None"
        assert ask(sink).status == 200
        receiving, sending = os.pipe()
        child = os.fork()
        if child == 0:
            os.read(receiving, 1)
            os._exit(0)
        sink.close()
        try:
            WebPreview(port=sink.port).close()  # though the child still has a copy of the socket
        finally:
            os.write(sending, b"x")
            os.waitpid(child, 0)
            os.close(receiving)
            os.close(sending)


def test_a_program_that_forgets_to_close_ends_all_the_same_with_viewers_too():
    code = """
import socket, threading, time
import numpy as np
import ferlite
sink = ferlite.WebPreview(port=0)
viewers = []
for path in ("/stream.mjpg", "/api/events"):
    viewers.append(socket.create_connection(("127.0.0.1", sink.port)))
    viewers[-1].sendall(f"GET {path} HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n".encode())
result = ferlite.FrameResult(ferlite.Frame(0, 0.0, np.zeros((480, 640), np.uint8)), (), 0.01)
def write():
    while True:
        sink.write(result)
        time.sleep(0.001)
threading.Thread(target=write, daemon=True).start()
while b"Content-Length" not in viewers[0].recv(1 << 16):
    pass
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=600)
    errors = done.stderr.replace("OutputError", "")  # of the writer, which may be heard or not
    assert "Exception in ASGI application" not in errors
    assert "RuntimeError" not in errors


def test_what_cannot_be_shown_is_left_out_and_said_once(preview, make_result, caplog):
    bad = make_result(1)
    object.__setattr__(bad.frame, "image", bad.frame.image.astype("float32"))
    worse = replace(make_result(2), latency=float("nan"))
    preview.write(bad)
    has_result(preview)
    assert ask(preview, "/snapshot.jpg").status == 500
    preview.write(worse)
    preview.write(bad)
    time.sleep(0.2)
    preview.write(make_result(3))
    wait_for(lambda: ask(preview, "/api/result").json["seq"] == 3)
    assert ask(preview, "/snapshot.jpg").status == 200
    assert [record.levelname for record in caplog.records if record.name == "ferlite.web.feed"] == ["WARNING"]


def test_a_server_that_fails_is_said_by_the_next_write(make_result, monkeypatch):
    async def fail(self):
        raise ZeroDivisionError("of the test")

    monkeypatch.setattr(feed.Feed, "run", fail)
    with WebPreview(port=0) as sink:
        sink._thread.join(LIMIT)
        with pytest.raises(OutputError, match=r"the preview has failed: .*of the test"):
            sink.write(make_result())


def test_pictures_are_drawn_once_for_all_who_look_and_not_without(preview, make_result, monkeypatch):
    drawn = []
    encode = feed.encode
    monkeypatch.setattr(feed, "encode", lambda image, faces: drawn.append(1) or encode(image, faces))
    written(preview, make_result, 5)
    with Viewer(preview, "/api/events") as listener:  # of results only
        listener.until(b"event: result")
    assert drawn == []
    viewers = [Viewer(preview) for _ in range(10)]
    try:
        for viewer in viewers:
            viewer.until(b"Content-Length")
        assert drawn == [1]
    finally:
        for viewer in viewers:
            viewer.socket.close()


def test_fifty_viewers_who_never_read_hold_up_nobody(preview, make_result):
    """Neither the writer, nor the one who reads, nor the memory."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (480, 640, 3), dtype=np.uint8)  # some 400 KB each: no buffer holds a second of them
    deaf = [Viewer(preview, "/stream.mjpg" if number % 2 else "/api/events", buffer=4096) for number in range(50)]
    stop, longest = threading.Event(), 0.0

    def write():
        nonlocal longest
        for seq in range(100_000):
            result = make_result(seq)
            object.__setattr__(result.frame, "image", noise)
            began = time.thread_time()
            preview.write(result)
            longest = max(longest, time.thread_time() - began)
            if stop.wait(0.01):
                break

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with Viewer(preview) as reader:
            reader.until(b"--ferlite\r\nContent-Type", 5)
            wait_for(lambda: preview._feed.viewers == 51)
            reader.read = b""
            reader.until(b"--ferlite\r\nContent-Type", 5)
            held = [c.transport.get_write_buffer_size() for c in preview._server.server_state.connections]
        assert max(held) <= len(reader.read)  # of each at most the picture that it does not take
        assert len(held) == 51
    finally:
        stop.set()
        writer.join()
        for viewer in deaf:
            viewer.socket.close()
    assert longest < 0.1  # seconds of its own work, not of what else the machine does
    wait_for(lambda: preview._feed.viewers == 0)


def test_a_viewer_who_was_slow_goes_on_with_the_newest_picture(preview, make_result):
    noise = np.random.default_rng(0).integers(0, 60, (480, 640, 3), dtype=np.uint8)  # some 200 KB as JPEG

    def shade(seq):
        result = make_result(seq)
        object.__setattr__(result.frame, "image", noise + np.uint8(seq))
        return result

    with Viewer(preview, buffer=4096) as viewer:
        for seq in range(180):
            preview.write(shade(seq))
            time.sleep(0.01)
        wait_for(lambda: preview._feed.moment.number == 180)
        pictures = viewer.until(b"--ferlite\r\nContent-Type", 2)
        while True:
            viewer.socket.settimeout(0.7)
            try:
                pictures += viewer.socket.recv(1 << 16)
            except TimeoutError:
                break
    parts = [part.partition(b"\r\n\r\n")[2] for part in pictures.split(b"--ferlite\r\n")[1:-1]]
    shades = [cv2.imdecode(np.frombuffer(part, np.uint8), cv2.IMREAD_COLOR)[300:, 300:].mean() - 30 for part in parts]
    assert len(shades) < 12  # of 180: what lay in the system's buffers, then
    assert shades[-1] == pytest.approx(179, abs=3)  # at once the newest


def test_more_viewers_than_there_are_places_for_are_refused_in_words(preview, make_result, monkeypatch):
    monkeypatch.setattr(app, "STREAMS", 3)
    written(preview, make_result)
    viewers = [Viewer(preview) for _ in range(3)]
    try:
        for viewer in viewers:
            viewer.until(b"Content-Length")
        answer = ask(preview, "/stream.mjpg")
        assert (answer.status, answer.text) == (503, "There are 3 viewers already, and no more at the same time.\n")
        assert ask(preview, "/snapshot.jpg").status == 200
        viewers[0].socket.close()
        wait_for(lambda: ask(preview, "/stream.mjpg", "HEAD").status == 200)
    finally:
        for viewer in viewers:
            viewer.socket.close()


def test_connections_are_bounded_and_the_idle_and_the_stuck_are_cut_off(make_result, monkeypatch):
    monkeypatch.setattr(connections, "MOST", 5)
    monkeypatch.setattr(connections, "PATIENCE", 0.4)
    with WebPreview(port=0) as sink:
        noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
        result = make_result()
        object.__setattr__(result.frame, "image", noise)
        sink.write(result)
        silent = [Viewer(sink, ask=False) for _ in range(2)]
        silent[1].socket.sendall(b"GET / HT")
        deaf = Viewer(sink, buffer=4096)
        good = Viewer(sink, "/api/events")
        good.until(b"event: result")
        wait_for(lambda: len(sink._server.server_state.connections) == 4)
        for seq in range(20):  # so that there is something that is not taken
            result = make_result(seq)
            object.__setattr__(result.frame, "image", noise)
            sink.write(result)
            time.sleep(0.05)
        wait_for(lambda: len(sink._server.server_state.connections) == 1)
        good.until(b"event: waiting")
        extra = [Viewer(sink, ask=False) for _ in range(6)]
        wait_for(lambda: len(sink._server.server_state.connections) <= 5)
        for viewer in (*silent, deaf, good, *extra):
            viewer.socket.close()


def test_nonsense_is_answered_and_written_to_no_log(preview, caplog, capfd):
    for text in (b"\0\0\0\0\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"):
        with Viewer(preview, ask=False) as viewer:
            viewer.socket.sendall(text)
            assert viewer.until_end().startswith(b"HTTP/1.1 400")
    for method in (b"GET", b"HEAD"):  # a request, and in place of its body what is none
        with Viewer(preview, ask=False) as viewer:
            head = b" / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
            viewer.socket.sendall(method + head + b"no length\r\n" * 9)
            viewer.until_end()
    with Viewer(preview, ask=False) as viewer:
        viewer.socket.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 1_000_000)
        assert viewer.until_end()[:12] in (b"HTTP/1.1 400", b"")
    with Viewer(preview, ask=False) as viewer:
        viewer.socket.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        viewer.until(b"HTTP/1.1 200")
    assert ask(preview).status == 200
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


def test_a_run_with_a_preview_listens_there_alone_and_connects_to_nothing():
    """As tests/test_privacy.py has it for a run without."""
    code = """
import sys
seen = []
sys.addaudithook(lambda event, args: seen.append((event, str(args[1:]))) if event.startswith("socket.") else None)
import ferlite
from ferlite import demo
with ferlite.WebPreview(port=0) as web, ferlite.Pipeline(demo.synthetic_camera(seconds=0.3)) as pipeline:
    for result in pipeline:
        web.write(result)
print([entry for entry in seen if entry[0] in ("socket.bind", "socket.connect", "socket.sendto")])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    ((event, arguments),) = ast.literal_eval(done.stdout.splitlines()[-1])
    assert (event, ast.literal_eval(arguments)[0]) == ("socket.bind", ("127.0.0.1", 0))


def test_results_of_any_labels_and_many_faces_are_events(preview, face):
    frame = Frame(0, 0.0, np.zeros((48, 64), np.uint8))
    faces = tuple(
        replace(face, track_id=number, labels=("0", 'a "b" </script>', "\u2028é"), label="0",
                probabilities=np.float32([0.5, 0.3, 0.2]), raw=np.float32([0.5, 0.3, 0.2]))
        for number in range(1, 101)
    )  # fmt: skip
    with Viewer(preview, "/api/events") as viewer:
        viewer.until(b"event: history")
        preview.write(FrameResult(frame, faces, 0.01))
        text = viewer.until(b'"limits"').split(b"event: result\ndata: ")[1].split(b"\n")[0]
    values = json.loads(text)
    assert len(values["faces"]) == 100
    assert values["labels"] == list(faces[0].labels)
