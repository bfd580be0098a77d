"""All boards that tell one broker what they see, as a table in the terminal.

python mqtt_dashboard.py HOST [PORT]

Boards send by `ferlite run 0 --mqtt mqtt://HOST/hall`, each with a topic of its own, like `hall`. Needs
`pip install paho-mqtt`. Ctrl-C ends it.
"""

import json
import sys
from contextlib import suppress

import paho.mqtt.client as mqtt

Board = dict[str, object]
COLUMNS = ("status", "faces", "emotion", "fps", "temperature")
boards: dict[str, Board] = {}


def subscribe(client: mqtt.Client, *_: object) -> None:  # at each connection, so that a broker may restart
    client.subscribe([(f"+/{kind}", 0) for kind in ("status", "state", "summary")])


def show(client: mqtt.Client, _: object, message: mqtt.MQTTMessage) -> None:
    name, _, kind = message.topic.rpartition("/")
    text = message.payload.decode()
    boards.setdefault(name, {}).update({"status": text} if kind == "status" else json.loads(text))
    print(f"\n{'board':16}" + "".join(f"{column:>13}" for column in COLUMNS))
    for name, board in sorted(boards.items()):
        print(f"{name:16}" + "".join(f"{cell(board.get(column)):>13}" for column in COLUMNS), flush=True)


def cell(value: object) -> str:
    return "-" if value is None else f"{value:.1f}" if isinstance(value, float) else str(value)


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
client.on_connect, client.on_message = subscribe, show
client.connect(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1883)
with suppress(KeyboardInterrupt):
    client.loop_forever()
