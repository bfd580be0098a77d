"""Whether Home Assistant's own code takes what ferlite sends: announcements, and what its sensors make of the rest.

It runs not in ferlite's environment but where the packages `homeassistant` and `paho-mqtt` are, on what a broker got:

    mosquitto_sub -v -t 'hall/#' -t 'homeassistant/#' > messages.txt      # while `ferlite run … --mqtt …/hall` runs
    python benchmarks/discovery.py messages.txt

Each discovery message goes the way it does in Home Assistant: topic, abbreviations, origin, the schema of sensors, an
entity. Each entity then gets the messages of its topic; its state is what would be shown. Exit code 1 where a
message is refused, or anything is logged as a warning.
"""

import asyncio
import json
import logging
import sys
import tempfile
from pathlib import Path

from homeassistant.components.mqtt import discovery
from homeassistant.components.mqtt.models import ReceiveMessage
from homeassistant.components.mqtt.sensor import DISCOVERY_SCHEMA, MqttSensor
from homeassistant.const import __version__
from homeassistant.core import HomeAssistant

PREFIX = "homeassistant/"


class Heard(logging.Handler):
    """What was said at the level of warnings and above."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


async def check(messages: list[tuple[str, str]]) -> list[str]:
    """A line for each entity, with its state after each message; ValueError for a message that is refused."""
    with tempfile.TemporaryDirectory() as folder:
        hass = HomeAssistant(folder)
        entities = [entity(hass, *message) for message in announced(messages).items()]
        lines = []
        for made, config in entities:
            topic = config["state_topic"]
            states = [state(made, topic, payload) for at, payload in messages if at == topic]
            online = config["availability_topic"]
            alive = sorted({payload for at, payload in messages if at == online})
            lines.append(f"{made.entity_id:24} {made.native_unit_of_measurement or '':4} {alive} {states}")
        await hass.async_stop(force=True)
    return lines


def announced(messages: list[tuple[str, str]]) -> dict[str, str]:
    """The newest discovery message of each topic."""
    return {topic: payload for topic, payload in messages if topic.startswith(PREFIX)}


def entity(hass: HomeAssistant, topic: str, payload: str) -> tuple[MqttSensor, dict]:
    match = discovery.TOPIC_MATCHER.match(topic.removeprefix(PREFIX))
    if match is None or match["component"] != "sensor":
        raise ValueError(f"{topic}: not the topic of a sensor")
    found = discovery.MQTTDiscoveryPayload(json.loads(payload))
    discovery._replace_all_abbreviations(found)
    if not discovery._valid_origin_info(found):
        raise ValueError(f"{topic}: origin {found['origin']}")
    config = DISCOVERY_SCHEMA(dict(found))
    left_out = found.keys() - config.keys() - {"origin"}
    if left_out:
        raise ValueError(f"{topic}: not known there: {left_out}")
    made = MqttSensor(hass, config, None, None)  # of no entry: nothing is subscribed here
    made.entity_id = f"sensor.{match['object_id']}"
    return made, config


def state(made: MqttSensor, topic: str, payload: str) -> object:
    made._state_message_received(ReceiveMessage(topic, payload, 1, False, topic, 0.0))
    return made.state  # checks what a device class or a unit asks of a value


def main() -> int:
    lines = [line.partition(" ") for line in Path(sys.argv[1]).read_text("utf-8").splitlines()]
    messages = [(topic, payload) for topic, _, payload in lines]
    heard = Heard()
    logging.getLogger().addHandler(heard)
    states = asyncio.run(check(messages))
    print(f"Home Assistant {__version__}, {len(states)} discovery messages", *states, *heard.said, sep="\n")
    return 1 if heard.said or not states else 0


if __name__ == "__main__":
    sys.exit(main())
