import json
import re

from ferlite.sinks.homeassistant import SENSORS, discovery


def test_every_sensor_is_described_by_its_own_message():
    messages = discovery("house/hall", "homeassistant", "Raspberry Pi 4")
    assert len(messages) == len(SENSORS)
    described = [json.loads(payload) for payload in messages.values()]
    assert len({sensor["unique_id"] for sensor in described}) == len(SENSORS)
    for topic, sensor in zip(messages, described, strict=True):
        assert re.fullmatch(r"homeassistant/sensor/[\w-]+/[\w-]+/config", topic)  # what Home Assistant takes
        assert sensor["availability_topic"] == "house/hall/status"
        assert sensor["state_topic"] in ("house/hall/state", "house/hall/summary")
        assert re.fullmatch(r"\{\{ .+ \}\}", sensor["value_template"])
        assert sensor["device"] == described[0]["device"]
        assert sensor["origin"]["name"] == "ferlite"
    assert described[0]["device"]["name"] == "house hall"
    assert described[0]["device"]["model"] == "Raspberry Pi 4"


def test_each_topic_is_a_device_of_its_own_and_stays_it():
    boards = [discovery(topic, "homeassistant", "any") for topic in ("a/b", "a_b", "a b")]
    assert len({topic for board in boards for topic in board}) == 3 * len(SENSORS)
    assert discovery("a/b", "homeassistant", "another board").keys() == boards[0].keys()
