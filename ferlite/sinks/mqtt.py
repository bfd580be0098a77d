"""Changes and summaries for an MQTT broker, and so for Home Assistant, Node-RED and the like; never a picture.

docs/mqtt.md has the topics and what their messages look like.
"""

import json
import math
import os
from datetime import UTC, datetime, timedelta
from os import PathLike
from threading import TIMEOUT_MAX, Event, Thread
from typing import Any

from ferlite import device
from ferlite.errors import OutputError, SettingError
from ferlite.sinks.broker import Address, Broker
from ferlite.sinks.callback import Change, OnChange
from ferlite.sinks.homeassistant import discovery as announcements
from ferlite.sinks.summary import Summary, dominant
from ferlite.types import FrameResult, Sink

EVERY = 10.0  # seconds
CLOSE_TIMEOUT = 1.0  # seconds for what waits: a service has to end within two
PREFIX = "homeassistant"


class Mqtt(Sink):
    """Every change of a tracked face as it happens, and a summary `every` so many seconds.

    `url` is `mqtt[s]://[user[:password]@]host[:port][/topic]`, the topic "ferlite" without one; one for each device.
    `password` is for a URL without. Over mqtts:// the broker's certificate is always verified, against the system's
    authorities or those in the PEM file `ca`. `discovery` is the prefix under which Home Assistant looks for
    devices; None tells it nothing.

    `write` never waits and never fails because the broker is away: 1,000 messages wait for it, the oldest give way and
    are counted in `dropped`. A broker that is out of reach at the start is waited for too, as it may be starting.
    Raises OutputError at the start for what waiting does not mend (a host name that does not exist, a certificate that
    does not hold, credentials that are refused) and without paho-mqtt, and SettingError for a URL that is none and for
    faces without tracking. `close` says "offline" and waits for at most a second.
    """

    def __init__(
        self,
        url: str,
        password: str | None = None,
        ca: str | PathLike[str] | None = None,
        every: float = EVERY,
        discovery: str | None = PREFIX,
    ) -> None:
        if not 0 < every < math.inf:
            raise SettingError(f"every is {every}; summaries need a time above 0 seconds between them")
        address = Address.parse(url, password)
        self.topic, self.every = address.topic, every
        self._came = datetime.now(UTC)
        self._state: dict[str, Any] = {}
        self._changes = OnChange(self._send_change)
        self._summary = Summary()
        self._process = os.getpid()
        self._closing = Event()
        self._broker = Broker(address, f"{self.topic}/status", ca)
        if discovery is not None:
            for topic, payload in announcements(self.topic, discovery, device.describe()["board"]).items():
                self._broker.keep(topic, payload)
        # a thread of its own: a sensor may take its time, and summaries come also while no results do
        self._thread = Thread(target=self._summarize, name="ferlite mqtt summaries", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Messages that will never be sent: pushed out by newer ones, or left when it was closed."""
        return self._broker.dropped

    def write(self, result: FrameResult) -> None:
        if os.getpid() != self._process:
            raise OutputError(f"{self.topic}: is sent by process {self._process}; a fork copies no threads")
        if self._closing.is_set():
            raise OutputError(f"{self.topic}: is closed")
        self._came = datetime.now(UTC) - timedelta(seconds=result.latency)
        self._changes.write(result)
        self._summary.add(result)
        state = {"faces": len(result.faces), "emotion": dominant(result.faces)}
        if state != self._state:
            self._state = state
            self._broker.keep(f"{self.topic}/state", json.dumps(state))

    def close(self) -> None:
        if self._closing.is_set() or os.getpid() != self._process:
            return
        self._closing.set()
        self._thread.join(CLOSE_TIMEOUT / 4)  # it sends the last summary
        self._broker.close(CLOSE_TIMEOUT * 3 / 4)

    def _send_change(self, change: Change) -> None:
        self._send(
            "change",
            self._came,
            {
                "timestamp": round(change.timestamp, 6),
                "track_id": change.track_id,
                "before": change.before,
                "after": change.after,
                "face": change.face and change.face.as_dict(),
            },
        )

    def _summarize(self) -> None:
        ended = False
        while not ended:
            ended = self._closing.wait(min(self.every, TIMEOUT_MAX))
            temperature = device.state().temperature
            figures = self._summary.take() | {"temperature": temperature, "messages_dropped": self.dropped}
            self._send("summary", datetime.now(UTC), figures)

    def _send(self, below: str, when: datetime, values: dict[str, Any]) -> None:
        time = {"time": when.isoformat(timespec="milliseconds")}
        self._broker.send(f"{self.topic}/{below}", json.dumps(time | values))
