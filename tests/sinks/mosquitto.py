"""A real Mosquitto for tests: with passwords, TLS, and a death in the middle of its work."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from tests.waiting import wait_until

PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
USER, PASSWORD = "board", "a:b/c@d#é"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def program(name):
    path = shutil.which(name, path=PATH)
    if path is None:
        pytest.skip(f"{name} is not installed (apt install mosquitto openssl)")
    return path


class Mosquitto:
    """A broker on a port of its own, open to all or, by `passwords`, to USER alone; TLS by a `certificate`.

    After `save` it knows its subscribers again when it was killed: what comes before they are back waits for them.
    """

    def __init__(self, folder: Path, passwords=False, certificate=None):
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._store = folder / "mosquitto.db"
        lines = [
            f"listener {self.port} 127.0.0.1",
            "user root",  # does not matter to others; root would lose the right to read this folder
            f"allow_anonymous {str(not passwords).lower()}",
            "persistence true",
            f"persistence_location {folder}/",
            "max_queued_messages 10000",
        ]
        if passwords:
            file = folder / "passwords"
            file.touch()
            subprocess.run([program("mosquitto_passwd"), "-b", file, USER, PASSWORD], check=True, capture_output=True)
            lines.append(f"password_file {file}")
        if certificate:
            lines += [f"certfile {certificate.with_suffix('.crt')}", f"keyfile {certificate.with_suffix('.key')}"]
        self._config.write_text("\n".join(lines) + "\n")
        self.start()

    def start(self):
        self._process = subprocess.Popen(
            [program("mosquitto"), "-c", self._config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self._answers)

    def save(self):
        self._process.send_signal(signal.SIGUSR1)
        wait_until(self._store.exists)

    def kill(self):
        self._process.kill()
        self._process.wait()

    def _answers(self):
        assert self._process.poll() is None, "mosquitto did not start"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


class Listener:
    """A subscriber to everything: `heard` are (topic, payload, retained) in the order of their coming."""

    def __init__(self, port, name="listener", topics="#", password=None):
        self.heard = []
        self._client = Client(CallbackAPIVersion.VERSION2, name, clean_session=False)
        if password is not None:
            self._client.username_pw_set(USER, password)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda *_: self._client.subscribe(topics, 1)
        self._client.on_message = lambda _, __, m: self.heard.append((m.topic, m.payload.decode(), m.retain))
        subscribed = []
        self._client.on_subscribe = lambda *_: subscribed.append(True)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        wait_until(lambda: subscribed)

    def payloads(self, topic):
        return [payload for heard, payload, _ in self.heard if heard == topic]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._client.disconnect()
        self._client.loop_stop()
