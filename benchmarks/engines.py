"""Whether the engines give the same results: probabilities on FER-2013's validation split, saved and compared.

The engines rarely fit into one environment, so each one saves a file in its own:

    python -m benchmarks.engines --data fer2013.csv.zip --model FILE --backend NAME --save probs.npz
    python -m benchmarks.engines --compare a.npz b.npz …
"""

import argparse
import time
from itertools import combinations
from pathlib import Path

import numpy as np

from export.datasets import load
from ferlite import EmotionClassifier
from ferlite.interpreters import BACKENDS
from ferlite.interpreters.registry import ENGINES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="FER-2013")
    parser.add_argument("--model", help="weights file with its card, or a bundled model (default: the bundled one)")
    parser.add_argument("--backend", choices=BACKENDS, default="auto", help="engine (default: auto)")
    parser.add_argument("--threads", type=int, default=1, help="of the engine (default: 1)")
    parser.add_argument("--save", type=Path, metavar="FILE.npz", help="where to save the probabilities")
    parser.add_argument("--compare", type=Path, nargs="+", metavar="FILE.npz", help="saved files to compare in pairs")
    options = parser.parse_args()
    if options.compare and len(options.compare) > 1:
        compare(options.compare)
    elif options.data and options.save:
        save(options.data, options.model, options.backend, options.threads, options.save)
    else:
        parser.error("give --data and --save, or --compare with two files or more")


def save(data: Path, model: str | None, backend: str, threads: int, target: Path) -> None:
    classifier = EmotionClassifier(model, threads, backend)
    validation = load(data).validation
    began = time.perf_counter()
    probabilities = classifier.predict(validation.images)
    milliseconds = (time.perf_counter() - began) / len(validation.images) * 1000
    engine = ENGINES[classifier.backend]
    name = f"{classifier.card.weights.name}, {engine.title} {engine.version}, threads {threads}"
    np.savez(target, probabilities=probabilities, name=name)
    accuracy = np.mean(probabilities.argmax(1) == validation.labels)
    print(f"{name}: accuracy {accuracy:.2%} of {len(probabilities)}, {milliseconds:.3f} ms a face")


def compare(files: list[Path]) -> None:
    runs = [np.load(file) for file in files]
    for one, other in combinations(runs, 2):
        a, b = one["probabilities"], other["probabilities"]
        if a.shape != b.shape:
            raise SystemExit(f"{one['name']} gave {a.shape}, {other['name']} {b.shape}: not of the same pictures")
        agreement, difference = np.mean(a.argmax(1) == b.argmax(1)), np.abs(a - b).max()
        print(f"{one['name']} | {other['name']}: same label {agreement:.2%}, largest difference {difference:.4f}")


if __name__ == "__main__":
    main()
