"""Against a real Mosquitto wherever one is needed; what only has to be away or silent is a socket of the test's own."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferlite.errors import OutputError, SettingError
from ferlite.sinks import broker
from ferlite.sinks.broker import WAITING, Address
from ferlite.sinks.mqtt import Mqtt
from tests.sinks.mosquitto import PASSWORD, USER, Listener, Mosquitto, free_port, program
from tests.waiting import wait_until

# paho-mqtt leaves the socket of a failed handshake to the garbage collector, which closes it at once
leaves_sockets = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"
)
QUOTED = "a%3Ab%2Fc%40d%23%C3%A9"  # PASSWORD as it stands in a URL


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """The same behaviour in less time; and no thread is left."""
    monkeypatch.setattr(broker, "SHORTEST_PAUSE", 0.05)
    monkeypatch.setattr(broker, "LONGEST_PAUSE", 0.2)
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("ferlite")] == []


@pytest.fixture
def mosquitto(tmp_path):
    with Mosquitto(tmp_path) as running:
        yield running


@pytest.fixture
def url(mosquitto):
    return f"mqtt://127.0.0.1:{mosquitto.port}/hall"


@pytest.fixture
def seen(face, make_result):
    """Results made of {track_id: label}."""

    def make(timestamp, **labels):
        faces = tuple(replace(face, track_id=int(name[1:]), label=label) for name, label in labels.items())
        return replace(make_result(0, timestamp), faces=faces)

    return make


@pytest.fixture
def change(seen):
    """A result in which face 1 has another label than in the one before."""
    return lambda number: seen(float(number), _1=("happy", "sad")[number % 2])


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """Certificates of an authority of our own, for 127.0.0.1 and for another host, and of an authority nobody knows."""
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*arguments):
        subprocess.run([program("openssl"), *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for name in ("ca", "stranger"):
        openssl("req", "-x509", *key, "-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN={name}")
    for name, owner in (("here", "IP:127.0.0.1"), ("elsewhere", "DNS:elsewhere.example")):
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / "owner").write_text(f"subjectAltName={owner}")
        signed = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "owner")
        openssl("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", *signed)
    return folder


@contextlib.contextmanager
def peer(answer):
    """A server that is none: `answer` is called with each connection, and what it returns is kept open."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept, taken = [], []

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    taken.append(connection)
                    kept.append(answer(connection))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1], taken
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in taken:
                connection.close()


def all_is_sent(sink):
    link = sink._broker
    return link._client.is_connected() and not (link._queue or link._unsent or link._under_way)


def last_number(listener):
    heard = listener.payloads("hall/change")[-1:]
    return json.loads(heard[0])["timestamp"] if heard else None


def numbers(listener):
    """The numbers of the changes heard, without those that came twice."""
    return list(dict.fromkeys(json.loads(text)["timestamp"] for text in listener.payloads("hall/change")))


def test_changes_are_told_as_they_happen(mosquitto, url, seen):
    with Listener(mosquitto.port) as listener, Mqtt(url) as sink:
        before = datetime.now(UTC)
        sink.write(seen(1.5, _1="happy"))
        sink.write(seen(1.6, _1="happy"))
        sink.write(seen(1.7, _1="sad"))
        sink.write(seen(1.8))
        wait_until(lambda: len(listener.payloads("hall/change")) == 3)
        came, another, left = map(json.loads, listener.payloads("hall/change"))
    face = seen(0, _1="happy").faces[0].as_dict()
    assert {key: came[key] for key in ("track_id", "before", "after", "face", "timestamp")} == {
        "track_id": 1,
        "before": None,
        "after": "happy",
        "face": face,
        "timestamp": 1.5,
    }
    assert abs(datetime.fromisoformat(came["time"]) - before).total_seconds() < 5
    assert (another["before"], another["after"], another["face"]["label"]) == ("happy", "sad", "sad")
    assert (left["before"], left["after"], left["face"]) == ("sad", None, None)


def test_who_comes_later_is_told_what_is_true_now(mosquitto, url, seen):
    with Mqtt(url) as sink:
        sink.write(seen(0, _1="happy"))
        sink.write(seen(0, _1="sad", _2="sad", _3="happy"))
        wait_until(lambda: all_is_sent(sink))
        with Listener(mosquitto.port, "early") as listener:
            wait_until(lambda: len(listener.heard) == 9)
        sink.write(seen(1))
        with Listener(mosquitto.port, "late") as late:
            wait_until(lambda: late.payloads("hall/state"))
    kept = {topic: payload for topic, payload, retained in listener.heard if retained}
    assert kept["hall/status"] == "online"
    assert json.loads(kept["hall/state"]) == {"faces": 3, "emotion": "sad"}
    configurations = [topic for topic in kept if topic.startswith("homeassistant/sensor/ferlite_")]
    assert len(configurations) == 7
    assert late.payloads("hall/state")[-1] == '{"faces": 0, "emotion": null}'
    with Listener(mosquitto.port, "afterwards", "hall/status") as afterwards:
        wait_until(lambda: afterwards.heard == [("hall/status", "offline", True)])


def test_home_assistant_is_told_nothing_where_it_is_not_wanted(mosquitto, url, change):
    with Listener(mosquitto.port) as listener, Mqtt(url, discovery=None) as sink:
        sink.write(change(0))
        wait_until(lambda: listener.payloads("hall/change"))
    assert {topic for topic, *_ in listener.heard} <= {"hall/status", "hall/state", "hall/change", "hall/summary"}


def test_summaries_come_also_while_no_results_do_and_once_more_at_the_end(mosquitto, url, change):
    with Listener(mosquitto.port) as listener:
        with Mqtt(url, every=0.2) as sink:
            sink.write(change(0))
            wait_until(lambda: len(listener.payloads("hall/summary")) >= 2)
            sink.write(change(1))
        wait_until(lambda: "offline" in listener.payloads("hall/status"))
    summaries = [json.loads(text) for text in listener.payloads("hall/summary")]
    assert summaries[0]["emotions"] == {"happy": 1}
    assert (summaries[1]["frames"], summaries[1]["faces"]) == (0, None)
    assert summaries[-1]["emotions"] == {"sad": 1}
    assert [summary["messages_dropped"] for summary in summaries] == [0] * len(summaries)


def test_what_fits_in_the_queue_comes_after_the_broker_was_killed(mosquitto, url, change, caplog):
    with Listener(mosquitto.port, topics="hall/change") as listener, Mqtt(url, every=100) as sink:
        mosquitto.save()
        for number in range(100):
            sink.write(change(number))
        wait_until(lambda: last_number(listener) == 99)
        mosquitto.kill()
        wait_until(lambda: "connection lost" in caplog.text)
        began = time.monotonic()
        for number in range(100, 150 + WAITING):
            sink.write(change(number))
        assert time.monotonic() - began < 5  # that is, it did not wait for anything
        assert sink.dropped == 50
        mosquitto.start()
        wait_until(lambda: last_number(listener) == 149 + WAITING)
        assert numbers(listener) == [*range(100), *range(150, 150 + WAITING)]
        assert sink.dropped == 50
    assert "connected again; messages dropped: 50" in caplog.text


def test_what_was_under_way_when_the_broker_was_killed_is_sent_again(mosquitto, url, change):
    """Written without a pause, and killed at any moment of it."""
    with Listener(mosquitto.port, topics="hall/change") as listener, Mqtt(url, every=100) as sink:
        mosquitto.save()
        written = [0]

        def kill():
            mosquitto.kill()
            killed.append(written[-1])

        killed = []
        killer = threading.Timer(0.05, kill)
        killer.start()
        while not killed or len(written) < killed[0] + 100:
            written.append(len(written))
            sink.write(change(written[-1]))
            time.sleep(0.0005)
        mosquitto.start()
        wait_until(lambda: last_number(listener) == written[-1])
        heard = numbers(listener)
        assert heard == sorted(heard)
        # what it had acknowledged and not yet handed on died with it, and nothing that was written later
        assert set(range(killed[0] + 1, len(written))) <= set(heard)
        assert sink.dropped == 0


def test_a_process_that_is_killed_is_said_to_be_offline(mosquitto, url):
    code = f"import ferlite, time; sink = ferlite.Mqtt({url!r}); print('up', flush=True); time.sleep(60)"
    with (
        Listener(mosquitto.port, topics="hall/status") as listener,
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process,
    ):
        wait_until(lambda: listener.payloads("hall/status") == ["online"])
        process.send_signal(signal.SIGKILL)
        wait_until(lambda: listener.payloads("hall/status") == ["online", "offline"])


def test_credentials_have_to_be_right(tmp_path, change):
    with Mosquitto(tmp_path, passwords=True) as mosquitto:
        for user, password in ((USER, "wrong"), ("nobody", PASSWORD)):
            with pytest.raises(OutputError, match=f"refuses user '{user}': .*are user and password right") as refused:
                Mqtt(f"mqtt://{user}@127.0.0.1:{mosquitto.port}", password)
            assert password not in str(refused.value)
        with pytest.raises(OutputError, match="refuses a nameless user"):
            Mqtt(f"mqtt://127.0.0.1:{mosquitto.port}")
        with pytest.raises(OutputError, match=f"refuses user '{USER}' without a password: "):
            Mqtt(f"mqtt://{USER}@127.0.0.1:{mosquitto.port}")
        for url, password in ((f"{USER}:{QUOTED}", None), (USER, PASSWORD)):
            with Mqtt(f"mqtt://{url}@127.0.0.1:{mosquitto.port}", password, every=100) as sink:
                sink.write(change(0))
                wait_until(lambda sink=sink: all_is_sent(sink))
            assert sink.dropped == 0


@leaves_sockets
def test_certificates_have_to_hold(tmp_path, authority, change):
    with Mosquitto(tmp_path, certificate=authority / "here") as mosquitto:
        url = f"mqtts://127.0.0.1:{mosquitto.port}"
        for ca in (None, authority / "stranger.crt"):
            with pytest.raises(OutputError, match=r"its certificate does not hold: .*--mqtt-ca"):
                Mqtt(url, ca=ca)
        with Mqtt(url, ca=authority / "ca.crt") as sink:
            for number in range(300):
                sink.write(change(number))
            wait_until(lambda: all_is_sent(sink))
        assert sink.dropped == 0
        mosquitto.kill()
    with (
        Mosquitto(tmp_path, certificate=authority / "elsewhere") as mosquitto,
        pytest.raises(OutputError, match=r"not valid for '127\.0\.0\.1'; use a name that stands in it$"),
    ):
        Mqtt(f"mqtts://127.0.0.1:{mosquitto.port}", ca=authority / "ca.crt")


@leaves_sockets
def test_tls_and_none_do_not_go_together(tmp_path, authority, mosquitto, caplog):
    with Mqtt(f"mqtts://127.0.0.1:{mosquitto.port}", ca=authority / "ca.crt"):
        # it hangs up, as a broker that just ends does too
        assert re.search(r"no TLS connection: (UNEXPECTED_EOF|it was cut off).*; is the port right\?", caplog.text)
    with (
        peer(lambda connection: connection.sendall(b"220 a mail server")) as (port, _),
        pytest.raises(OutputError, match="no TLS connection: WRONG_VERSION_NUMBER; is the port right"),
    ):
        Mqtt(f"mqtts://127.0.0.1:{port}")
    folder = tmp_path / "tls"
    folder.mkdir()
    with Mosquitto(folder, certificate=authority / "here") as other, Mqtt(f"mqtt://127.0.0.1:{other.port}"):
        assert "no answer; is it an MQTT broker, and is its port perhaps one for TLS" in caplog.text


def test_a_broker_that_is_away_at_the_start_is_waited_for(mosquitto, url, change, caplog):
    mosquitto.kill()
    began = time.monotonic()
    with Mqtt(url) as sink:
        assert time.monotonic() - began < 3
        assert (
            f"mqtt://127.0.0.1:{mosquitto.port}: cannot be reached: Connection refused; waiting for it" in caplog.text
        )
        sink.write(change(0))
        mosquitto.start()
        with Listener(mosquitto.port, topics="hall/status") as listener:
            wait_until(lambda: listener.payloads("hall/status") == ["online"])
        wait_until(lambda: all_is_sent(sink))
    assert sink.dropped == 0
    assert caplog.text.count("cannot be reached") == 1


def test_credentials_that_are_refused_later_are_logged_and_tried_again(tmp_path, change, caplog):
    with Mosquitto(tmp_path, passwords=True) as mosquitto:
        mosquitto.kill()
        with Mqtt(f"mqtt://{USER}:wrong@127.0.0.1:{mosquitto.port}") as sink:
            mosquitto.start()
            wait_until(lambda: "refuses user 'board'" in caplog.text)
            sink.write(change(0))
            thread = sink._broker._thread
            assert thread.is_alive()
    assert "wrong" not in caplog.text


@leaves_sockets
@pytest.mark.parametrize("scheme", ["mqtt", "mqtts"])
def test_a_broker_that_is_silent_stops_nobody(scheme, monkeypatch, change, caplog):
    monkeypatch.setattr(broker, "CONNECT", 0.2)
    with peer(lambda connection: connection) as (port, taken):
        with Mqtt(f"{scheme}://127.0.0.1:{port}") as sink:
            assert "no answer" in caplog.text
            began = time.monotonic()
            for number in range(WAITING + 10):
                sink.write(change(number))
            assert time.monotonic() - began < 5
            assert sink.dropped == 10
            began = time.monotonic()
        assert time.monotonic() - began < 2
        assert sink.dropped == WAITING + 11  # the last summary too
        wait_until(lambda: not sink._broker._thread.is_alive())
        assert taken


def test_a_broker_that_falls_silent_after_its_welcome_stops_nobody(change):
    def welcome(connection):
        connection.recv(1000)
        connection.sendall(b"\x20\x02\x00\x00")
        return connection

    with peer(welcome) as (port, _):
        with Mqtt(f"mqtt://127.0.0.1:{port}") as sink:
            for number in range(2 * WAITING):
                sink.write(change(number))
            assert WAITING - 100 < sink.dropped <= WAITING
            began = time.monotonic()
        assert time.monotonic() - began < 2
        assert sink.dropped >= 2 * WAITING  # what was never acknowledged was never sent


@pytest.mark.parametrize("garbage", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x20\x00", b"\xff" * 100, b""])
def test_a_peer_that_speaks_something_else_is_tried_again(garbage, caplog, change):
    def babble(connection):
        with contextlib.suppress(OSError):
            connection.recv(1000)
            connection.sendall(garbage)
        connection.close()

    with peer(babble) as (port, taken), Mqtt(f"mqtt://127.0.0.1:{port}") as sink:
        sink.write(change(0))
        wait_until(lambda: len(taken) > 3)
        assert "; waiting for it" in caplog.text


def test_closed_is_closed(mosquitto, url, change):
    sink = Mqtt(url)
    sink.close()
    sink.close()
    with pytest.raises(OutputError, match="hall: is closed"):
        sink.write(change(0))


def test_faces_without_tracking_are_said(mosquitto, url, make_result):
    with Mqtt(url) as sink, pytest.raises(SettingError, match="need tracking"):
        sink.write(make_result())


def test_without_the_client_library_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    with pytest.raises(OutputError, match="pip install 'paho-mqtt>=2,<3'"):
        Mqtt("mqtt://127.0.0.1")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 300])
def test_hosts_that_are_none_are_said_at_once_or_waited_for(host, caplog):
    """A machine without a name server cannot tell whether there is such a host."""
    said = ""
    try:
        Mqtt(f"mqtt://{host}").close()
    except OutputError as error:
        said = str(error)
    known = ("no address for this name", "cannot be the name of a host", "no answer yet")
    assert any(reason in said + caplog.text for reason in known)


def test_files_that_are_no_certificates_are_said(tmp_path):
    (tmp_path / "ca.pem").write_text("none")
    for name in ("ca.pem", "absent.pem"):
        with pytest.raises(OutputError, match=rf"{name}: cannot be read as certificates \(PEM\)"):
            Mqtt("mqtts://127.0.0.1", ca=tmp_path / name)
    with pytest.raises(SettingError, match="certificates are for mqtts://"):
        Mqtt("mqtt://127.0.0.1", ca=tmp_path / "ca.pem")


@pytest.mark.parametrize("every", [0, -1, float("nan"), float("inf")])
def test_summaries_need_a_time_between_them(every):
    with pytest.raises(SettingError, match="every is"):
        Mqtt("mqtt://127.0.0.1", every=every)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("mqtt://broker", ("mqtt", "broker", 1883, "ferlite", None, None)),
        ("mqtts://me@broker/", ("mqtts", "broker", 8883, "ferlite", "me", "given")),
        ("mqtt://me:p%40%2F@[::1]:99/a/b%20c/", ("mqtt", "::1", 99, "a/b c", "me", "p@/")),
    ],
)
def test_addresses(url, parts):
    address = Address.parse(url, "given" if parts[4] else None)
    assert (address.scheme, address.host, address.port, address.topic, address.user, address.password) == parts


@pytest.mark.parametrize(
    "url",
    [
        *("", "broker", "http://broker", "mqtt://", "mqtt://:1883", "mqtt://[b", "mqtt://b?x=1", "mqtt://b#a"),
        *("localhost:1883", "mqtt:broker", "mqtt://b/a/#", "mqtt://b?"),
        *("mqtt://b:x", "mqtt://b:0", "mqtt://b:99999", "mqtt://b/a+b", "mqtt://b/$SYS", "mqtt://b/a%23"),
        *("mqtt://:secret@b", "mqtt://me:sec/ret@b", "mqtt://me:sec#ret@b", "mqtt://b/" + 1001 * "a"),
    ],
)
def test_addresses_that_are_none_are_said_without_their_password(url):
    with pytest.raises(SettingError) as refused:
        Address.parse(url)
    assert "sec" not in str(refused.value)


@given(st.text(min_size=4), st.text("abc/:@#?[]", min_size=1))
def test_a_password_is_never_shown(password, rest):
    password = f"<<{password}>>"
    try:
        address = Address.parse(f"mqtt://me:{password}@{rest}", "other")
        said = f"{address} {address!r}"
    except SettingError as error:
        said = str(error)
    assert "<<" not in said


def test_the_command_says_how_many_messages_are_lost(tmp_path):
    image = tmp_path / "0.png"
    cv2.imwrite(str(image), np.zeros((48, 64, 3), np.uint8))
    done = subprocess.run(
        [sys.executable, "-m", "ferlite", "run", tmp_path, "--mqtt", f"mqtt://127.0.0.1:{free_port()}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Connection refused; waiting for it" in done.stderr
    assert "--mqtt: messages that did not reach the broker: 1" in done.stdout  # the last summary


def test_the_command_sends_what_it_sees(tmp_path, portrait):
    clip = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"MJPG"), 25, (512, 600))
    for _ in range(5):
        writer.write(portrait)
    writer.release()

    with Mosquitto(tmp_path, passwords=True) as mosquitto:
        done = subprocess.run(
            [sys.executable, "-m", "ferlite", "run", clip, "--mqtt", f"mqtt://{USER}@127.0.0.1:{mosquitto.port}/hall"],
            capture_output=True,
            text=True,
            env=os.environ | {"FERLITE_MQTT_PASSWORD": PASSWORD},
            timeout=600,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        with Listener(mosquitto.port, topics="hall/state", password=PASSWORD) as listener:
            wait_until(lambda: listener.heard)
    assert listener.heard == [("hall/state", '{"faces": 1, "emotion": "neutral"}', True)]
