"""How much of what one core can do in int8 the classifier uses: the target is 60 % or more.

    python -m benchmarks.peak

The yardstick is a large convolution (benchmarks/baselines/networks.py) in the same engine, LiteRT; it is made once, in
an environment with TensorFlow (2.3 GB). Both networks take turns in one thread; multiply-adds a second are those of the
median call.
"""

import argparse
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from benchmarks.baselines import environments
from benchmarks.baselines.worker import CLOCKS
from benchmarks.command import print_machine, run
from ferlite import cards
from ferlite.errors import SettingError

YARDSTICK = 48 * 48 * 256 * 256 * 3 * 3  # multiply-adds
LEAST = 0.6  # the target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", metavar="FILE", help="an int8 .tflite with its card (default: the bundled one)")
    parser.add_argument("--rounds", type=int, default=50, help="(default: 50)")
    parser.add_argument("--calls", type=int, default=10, help="in a row (default: 10)")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: for a machine that is not idle")
    parser.add_argument(
        "--envs", type=Path, default=environments.FOLDER, metavar="FOLDER", help="(default: %(default)s)"
    )
    parser.add_argument("--output", type=Path, metavar="FILE.json")
    options = parser.parse_args()
    card = cards.find(options.model)
    work = card.notes.get("multiply_adds")
    if card.weights.suffix != ".tflite" or not isinstance(work, int):
        raise SettingError(f"{card.weights}: a .tflite file is needed whose card gives its multiply_adds")
    print_machine()
    files = {"yardstick": environments.network("convolution", options.envs), "classifier": card.weights}
    engines = {name: load(path) for name, path in files.items()}
    spent: dict[str, list[float]] = {name: [] for name in engines}
    now, order = CLOCKS[options.clock], random.Random(1)
    for number in range(options.rounds + 1):
        for name in order.sample(list(engines), len(engines)):
            for _ in range(options.calls):
                began = now()
                engines[name].invoke()
                if number:  # the first round warms up
                    spent[name].append(now() - began)
    rates = {
        name: macs / float(np.median(spent[name])) for name, macs in (("yardstick", YARDSTICK), ("classifier", work))
    }
    share = rates["classifier"] / rates["yardstick"]
    for name, path in files.items():
        milliseconds = float(np.median(spent[name])) * 1000
        print(f"{name:12}{path.name:24}{milliseconds:8.3f} ms{rates[name] / 1e9:8.0f} G multiply-adds a second")
    print(f"the classifier reaches {share:.0%}; target: {LEAST:.0%}, {'met' if share >= LEAST else 'not met'}")
    if options.output:
        options.output.write_text(json.dumps({"rates": rates, "share": share}, indent=1) + "\n")


def load(path: Path) -> Any:
    """An engine with random input. Raises SettingError where the network is not int8."""
    engine = Interpreter(model_path=str(path), num_threads=1)
    engine.allocate_tensors()
    into = engine.get_input_details()[0]
    if into["dtype"] != np.int8:
        raise SettingError(f"{path}: takes {into['dtype'].__name__}; the yardstick is for int8")
    engine.set_tensor(into["index"], np.random.default_rng(0).integers(-128, 128, into["shape"], np.int8))
    return engine


if __name__ == "__main__":
    run(main)
