"""What Home Assistant has to be told so that it shows ferlite by itself: MQTT discovery.

https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
"""

import hashlib
import json
from typing import Any

import ferlite

MEASURED = {"state_class": "measurement"}
COUNTED = {"state_class": "total_increasing"}
DIAGNOSTIC = {"entity_category": "diagnostic"}
# object id: topic below ours, value in its JSON, and what Home Assistant is told of it
SENSORS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "emotion": ("state", "value_json.emotion", {"name": "Emotion", "icon": "mdi:emoticon-outline"}),
    "faces": ("state", "value_json.faces", {"name": "Faces", "icon": "mdi:face-recognition"} | MEASURED),
    "fps": ("summary", "value_json.fps", {"name": "Frame rate", "unit_of_measurement": "fps"} | MEASURED | DIAGNOSTIC),
    "latency": (
        "summary",
        "(value_json.latency_p50 * 1000) | round(1) if value_json.latency_p50 is number else none",
        {"name": "Latency", "unit_of_measurement": "ms", "device_class": "duration"} | MEASURED | DIAGNOSTIC,
    ),
    "temperature": (
        "summary",
        "value_json.temperature",
        {"name": "Temperature", "unit_of_measurement": "°C", "device_class": "temperature"} | MEASURED | DIAGNOSTIC,
    ),
    "dropped": ("summary", "value_json.dropped", {"name": "Dropped frames"} | COUNTED | DIAGNOSTIC),
    "messages_dropped": ("summary", "value_json.messages_dropped", {"name": "Dropped messages"} | COUNTED | DIAGNOSTIC),
}


def discovery(topic: str, prefix: str, board: str) -> dict[str, str]:
    """The retained messages, by topic, that describe the sensors below `topic` as those of one device."""
    # of the topic alone, so that a board that is set up anew stays the device it was
    device = f"ferlite_{hashlib.sha256(topic.encode()).hexdigest()[:12]}"
    common = {
        "availability_topic": f"{topic}/status",
        "device": {
            "identifiers": [device],
            "name": topic.replace("/", " "),
            "manufacturer": "ferlite",
            "model": board,
            "sw_version": ferlite.__version__,
        },
        "origin": {"name": "ferlite", "sw_version": ferlite.__version__},  # for its log
    }
    return {
        f"{prefix}/sensor/{device}/{name}/config": json.dumps(
            {
                **described,
                "unique_id": f"{device}_{name}",
                "state_topic": f"{topic}/{below}",
                "value_template": f"{{{{ {value} }}}}",
                **common,
            }
        )
        for name, (below, value, described) in SENSORS.items()
    }
