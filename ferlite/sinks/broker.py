"""A connection to an MQTT broker that is kept up, and the messages that wait for it; what they say is not known here.

paho-mqtt speaks the protocol. The thread is ours, not paho's: that one cannot be stopped within a given time, and ends
at a peer that speaks something else.
"""

import hashlib
import logging
import platform
import select
import socket
import ssl
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from os import PathLike
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urlsplit

from ferlite.errors import OutputError, SettingError

if TYPE_CHECKING:
    from paho.mqtt.client import Client
    from paho.mqtt.reasoncodes import ReasonCode

log = logging.getLogger(__name__)
TOPIC = "ferlite"
PORTS = {"mqtt": 1883, "mqtts": 8883}
WAITING = 1000  # messages: hours of one face's changes, and less than 1 MB
UNDER_WAY = 20  # messages sent and not acknowledged yet: what paho-mqtt allows too
KEEP_ALIVE = 20  # seconds: a broker silent for twice as long is given up, a board for one and a half times as long
CONNECT = 5.0  # seconds for one attempt; the first one is waited for
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds before the next attempt; doubled each time in between
STEADY = 2.0  # seconds a connection has to hold for the pauses to start from the shortest again
FORM = "the address of an MQTT broker is mqtt[s]://[user[:password]@]host[:port][/topic]"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker is and who we are there; as text it is without user and password."""

    scheme: str
    host: str
    port: int
    topic: str
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str, password: str | None = None) -> Self:
        """The parts of `FORM`; `password` is for addresses without one. Raises SettingError, which never shows it."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise SettingError(f"{FORM}; here the host or port is none, or a sign was not written as %…") from None
        if parts.scheme not in PORTS or "://" not in url:
            begins = f", not with {parts.scheme}://" if "://" in url else ""
            raise SettingError(f"{FORM}; it has to begin with mqtt:// or mqtts://{begins}")
        if not parts.hostname or port == 0 or any(sign in url for sign in "?#"):
            raise SettingError(f"{FORM}; here the host is missing, or a sign in it was not written as %…")
        user = None if parts.username is None else unquote(parts.username)
        password = password if parts.password is None else unquote(parts.password)
        if password is not None and not user:
            raise SettingError(f"{FORM}; here is a password without a user")
        topic = unquote(parts.path).strip("/") or TOPIC
        if any(sign in topic for sign in "+#\0") or topic.startswith("$") or len(topic.encode()) > 1000:
            raise SettingError(f"{topic[:100]!r} cannot be a topic: it has +, # or NUL, begins with $, or is too long")
        return cls(parts.scheme, parts.hostname, port or PORTS[parts.scheme], topic, user, password)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


class Broker:
    """Messages to a broker, each of them at least once and in order; nobody who sends waits for the network.

    While the broker is away, `WAITING` messages wait; the oldest give way to new ones and are counted in `dropped`.
    `status` is the topic that says "online" and "offline", at the end of the process too, however it ended.

    What waiting does not mend is an OutputError at the start: a host name that does not exist, a certificate that does
    not hold, credentials that are refused. A broker that is out of reach is waited for, with growing pauses: it may be
    starting, as after a power cut. Once connected all of these are waited for, and logged.
    """

    def __init__(self, address: Address, status: str, ca: str | PathLike[str] | None = None) -> None:
        self.address, self.dropped = address, 0
        self._status = status
        self._queue: deque[tuple[str, str]] = deque()
        self._retained = {status: "online"}
        self._unsent: dict[str, None] = {}  # topics of these, in order
        self._under_way: dict[int, bool] = {}  # message numbers, and whether each is of the queue
        self._lock = Lock()
        self._closing, self._settled = Event(), Event()
        self._deadline = 0.0
        self._connected_at: float | None = None
        self._answered = self._lost = False
        self._leaving = False
        self._trouble = ""
        self._refusal: OutputError | None = None
        self._client = self._make_client(ca)
        self._wake, self._waker = socket.socketpair()
        self._wake.setblocking(False)
        self._waker.setblocking(False)
        self._thread = Thread(target=self._run, name=f"ferlite {address}", daemon=True)
        self._thread.start()
        if not self._settled.wait(CONNECT + 1):
            log.warning("%s: no answer yet; waiting for it", address)
        if self._refusal is not None:
            self.close(CONNECT)
            raise self._refusal

    def send(self, topic: str, payload: str) -> None:
        """Queue a message; the oldest one makes room for it."""
        with self._lock:
            if len(self._queue) >= WAITING:
                self._queue.popleft()
                self.dropped += 1
            self._queue.append((topic, payload))
        self._wake_up()

    def keep(self, topic: str, payload: str) -> None:
        """Send a retained message; of those with one topic only the newest is sent, and after each new connection."""
        with self._lock:
            self._retained[topic] = payload
            self._unsent[topic] = None
        self._wake_up()

    def close(self, seconds: float) -> None:
        """Send what waits and "offline", and end the thread; what takes longer is dropped, and counted."""
        if self._closing.is_set():
            return
        self._deadline = time.monotonic() + 2 / 3 * seconds
        self._closing.set()
        self._wake_up()
        self._thread.join(seconds)
        if self._thread.is_alive():  # in an attempt to connect
            log.debug("%s: its thread ends within %g s", self.address, CONNECT)
        with self._lock:
            self.dropped += len(self._queue) + sum(self._under_way.values())
            self._queue.clear()
            self._under_way.clear()

    def _make_client(self, ca: str | PathLike[str] | None) -> "Client":
        try:
            from paho.mqtt.client import Client
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError as error:
            raise OutputError(f"{self.address}: MQTT needs paho-mqtt 2: pip install 'paho-mqtt>=2,<3'") from error
        address = self.address
        # the same after a restart: the broker then ends what is left of the connection before, and its last will
        # comes before our "online"
        number = hashlib.sha256(f"{platform.node()}/{address.topic}".encode()).hexdigest()[:12]
        client = Client(CallbackAPIVersion.VERSION2, f"ferlite-{number}")
        client.connect_timeout = CONNECT
        client.on_connect, client.on_disconnect, client.on_publish = (
            self._on_connect,
            self._on_disconnect,
            self._on_sent,
        )
        client.will_set(self._status, "offline", 1, True)
        if address.user is not None:
            client.username_pw_set(address.user, address.password)
        if address.scheme == "mqtts":
            try:
                client.tls_set_context(ssl.create_default_context(cafile=ca))
            except OSError as error:
                raise OutputError(f"{ca}: cannot be read as certificates (PEM): {error.strerror or error}") from error
        elif ca is not None:
            raise SettingError(f"{ca}: certificates are for mqtts://, not for {address}")
        client.connect_async(address.host, address.port, KEEP_ALIVE)
        return client

    def _run(self) -> None:
        pause = SHORTEST_PAUSE
        while self._refusal is None and not self._closing.is_set():
            self._connected_at, self._answered = None, False
            try:
                self._client.reconnect()
                self._serve()
            except Exception as error:  # also what paho makes of a peer that speaks something else
                self._report(*_explained(error, self.address.scheme == "mqtts"))
            if self._connected_at is not None and time.monotonic() - self._connected_at > STEADY:
                pause = SHORTEST_PAUSE
            self._closing.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        self._hang_up()

    def _serve(self) -> None:
        """Until the connection is lost, or all is said that was to be said."""
        client = self._client
        while not self._finished():
            self._pass_on()
            connection = client.socket()
            if connection is None:
                return
            poll = select.poll()
            poll.register(self._wake, select.POLLIN)
            poll.register(connection, select.POLLIN | (select.POLLOUT if client.want_write() else 0))
            ready = dict(poll.poll(0 if _holds_back(connection) else 100 if self._closing.is_set() else 1000))
            with suppress(BlockingIOError):
                self._wake.recv(1000)
            if ready.get(connection.fileno(), 0) & ~select.POLLOUT or _holds_back(connection):
                client.loop_read()
            if client.want_write():
                client.loop_write()
            client.loop_misc()

    def _finished(self) -> bool:
        said = self._leaving and not self._under_way
        return self._closing.is_set() and (said or time.monotonic() > self._deadline)

    def _pass_on(self) -> None:
        while self._client.is_connected() and len(self._under_way) < UNDER_WAY:
            with self._lock:
                queued = not self._unsent
                if self._unsent:
                    topic = next(iter(self._unsent))
                    del self._unsent[topic]
                    payload = self._retained[topic]
                elif self._queue:
                    topic, payload = self._queue.popleft()
                elif self._closing.is_set() and not self._leaving:
                    self._leaving, queued = True, False
                    topic, payload = self._status, "offline"
                else:
                    return
            sent = self._client.publish(topic, payload, 1, not queued)
            self._under_way[sent.mid] = queued

    def _hang_up(self) -> None:
        if self._leaving and not self._under_way:
            self._client.disconnect()
        connection = self._client.socket()
        if connection is not None:  # without a word: the broker then says "offline" for us
            connection.close()
        self._wake.close()
        self._waker.close()

    def _on_connect(self, _client: object, _data: object, _flags: object, reason: "ReasonCode", *_: object) -> None:
        self._answered = True
        if reason.is_failure:
            user = "a nameless user" if self.address.user is None else f"user {self.address.user!r}"
            if self.address.user is not None and self.address.password is None:
                user += " without a password"
            lasting = str(reason) != "Server unavailable"
            self._report(f"refuses {user}: {reason}" + "; are user and password right?" * lasting, lasting)
            return
        if self._trouble:
            log.warning("%s: connected%s; messages dropped: %d", self.address, " again" * self._lost, self.dropped)
        self._trouble = ""
        self._connected_at = time.monotonic()
        with self._lock:
            self._unsent = dict.fromkeys(self._retained)
        self._settled.set()

    def _on_disconnect(self, _client: object, _data: object, _flags: object, reason: "ReasonCode", *_: object) -> None:
        if self._leaving:
            return
        if self._connected_at is not None:
            self._lost = True
            self._report(f"connection lost ({reason})")
        elif not self._answered:
            self._report("no answer; is it an MQTT broker, and is its port perhaps one for TLS (mqtts://)?")

    def _on_sent(self, _client: object, _data: object, number: int, *_: object) -> None:
        self._under_way.pop(number, None)

    def _report(self, trouble: str, lasting: bool = False) -> None:
        if lasting and not self._settled.is_set():
            self._refusal = OutputError(f"{self.address}: {trouble}")
        elif trouble != self._trouble:
            log.warning("%s: %s; waiting for it", self.address, trouble)
        self._trouble = trouble
        self._settled.set()

    def _wake_up(self) -> None:
        with suppress(OSError):  # it has enough to wake up from, or has ended
            self._waker.send(b"\0")


def _holds_back(connection: object) -> bool:
    """Whether bytes wait in the TLS layer, of which the system's poll knows nothing."""
    return isinstance(connection, ssl.SSLSocket) and connection.pending() > 0


def _explained(error: Exception, tls: bool) -> tuple[str, bool]:
    """What went wrong with a connection, and whether it would go wrong for ever."""
    if isinstance(error, ssl.SSLCertVerificationError):
        advice = "a private authority's own certificate is given by `ca`, --mqtt-ca"
        if "not valid for" in error.verify_message:
            advice = "use a name that stands in it"
        return f"its certificate does not hold: {error.verify_message.rstrip('.')}; {advice}", True
    if isinstance(error, ssl.SSLError):
        # a connection that ended in the middle may also be of a broker that is about to end
        return f"no TLS connection: {error.reason or error}; is the port right?", not isinstance(error, ssl.SSLEOFError)
    if isinstance(error, socket.gaierror):
        return f"no address for this name: {error.strerror}", error.errno == socket.EAI_NONAME
    if isinstance(error, UnicodeError):
        return "this cannot be the name of a host", True
    if tls and isinstance(error, ConnectionResetError):
        # what a broker without TLS does with the first words of it; one that is about to end does so too
        return "no TLS connection: it was cut off; is the port right?", False
    if isinstance(error, TimeoutError):
        return f"no answer within {CONNECT:g} s", False
    return f"cannot be reached: {getattr(error, 'strerror', None) or error}", False
