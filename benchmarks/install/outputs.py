"""Whether the bundled model gives the same numbers on another machine: saved on the one, compared on the other.

The file holds the pictures too, so that both read the same ones: noise from a seed, drawn faces and, where FER-2013 is
given, the first rows of its validation split. Compared are the network's own outputs and the probabilities that the
classifier makes of them, bit for bit. Another engine rounds differently: of it 95 % of the labels have to be the same.

    python -m benchmarks.install.outputs save outputs.npz [--data fer2013.csv.zip --rows 30]
    python -m benchmarks.install.outputs compare outputs.npz
"""

import argparse
import platform
import sys
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ferlite import EmotionClassifier, interpreters
from ferlite.images import recolor, resize
from ferlite.interpreters.registry import ENGINES
from ferlite.synthetic import EXPRESSIONS, HAIRS, SKINS, face

NOISE = 20  # pictures; few, for an emulated processor takes a second for each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("save", "compare"))
    parser.add_argument("file", type=Path, metavar="FILE.npz")
    parser.add_argument("--data", type=Path, help="FER-2013, for save")
    parser.add_argument("--rows", type=int, default=30, help="of its validation split (default: 30)")
    parser.add_argument("--backend", choices=interpreters.BACKENDS, default="auto", help="engine (default: auto)")
    options = parser.parse_args()
    if options.action == "save":
        save(options.file, options.data, options.rows, options.backend)
    elif not compare(options.file, options.backend):
        sys.exit(1)


def save(target: Path, data: Path | None, rows: int, backend: str) -> None:
    groups = {"noise": _noise(), "drawn faces": _drawn()}
    if data is not None:
        from export.datasets import load  # only here: the machine that compares need not have it

        groups["FER-2013 validation"] = load(data).validation.images[:rows]
    pictures = np.concatenate(list(groups.values()))
    kinds = np.repeat(list(groups), [len(group) for group in groups.values()])
    outputs, probabilities, engine, name = _run(pictures, backend)
    arrays = {"pictures": pictures, "kinds": kinds, "outputs": outputs, "probabilities": probabilities}
    np.savez_compressed(target, **arrays, engine=engine, name=name)
    print(f"{name}: {', '.join(f'{len(group)} of {kind}' for kind, group in groups.items())}")


def compare(file: Path, backend: str) -> bool:
    """Print how much differs from the saved file; whether the network's outputs are as they should be."""
    saved = np.load(file)
    outputs, probabilities, engine, name = _run(saved["pictures"], backend)
    print(f"here:  {name}\nsaved: {saved['name']}")
    for kind in dict.fromkeys(saved["kinds"].tolist()):
        rows = saved["kinds"] == kind
        for title, here, there in (
            ("outputs", outputs[rows], saved["outputs"][rows]),
            ("probabilities", probabilities[rows], saved["probabilities"][rows]),
        ):
            equal = (here.view(np.uint32) == there.view(np.uint32)).all(axis=1)
            same = (here.argmax(axis=1) == there.argmax(axis=1)).mean()
            apart = f"largest difference {np.abs(here - there).max():.3g}, same label {same:.1%}"
            print(f"{kind}, {title}: {equal.sum()} of {len(equal)} rows bit-equal; {apart}")
    if engine != saved["engine"]:
        return bool((outputs.argmax(axis=1) == saved["outputs"].argmax(axis=1)).mean() >= 0.95)
    return np.array_equal(outputs, saved["outputs"])


def _run(pictures: NDArray[np.uint8], backend: str) -> tuple[NDArray[np.float32], NDArray[np.float32], str, str]:
    """The network's outputs and the probabilities, (n, labels) each, the engine, and all else they were made by."""
    classifier = EmotionClassifier(backend=backend)
    interpreter = interpreters.load(classifier.card.weights, backend=classifier.backend)
    tensor = interpreter.input
    # every value of an integer input occurs, whatever it stands for
    lowest = np.iinfo(tensor.dtype).min
    values = (pictures.astype(np.int16) + lowest).astype(tensor.dtype)
    outputs = np.concatenate([interpreter.run(value.reshape(tensor.shape)) for value in values])
    engine = ENGINES[classifier.backend]
    name = f"{classifier.card.weights.name}, {engine.title} {engine.version}, {platform.machine()}"
    name = f"{name}, NumPy {np.__version__}, Python {platform.python_version()}"
    return outputs, classifier.predict(pictures), engine.name, name


def _noise() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (NOISE, 48, 48), np.uint8)


def _drawn() -> NDArray[np.uint8]:
    head = slice(50, 260)  # rows and columns of a drawn face's picture
    faces = [face(*look)[head, head] for look in product(EXPRESSIONS, SKINS, HAIRS[:1])]
    return np.stack([resize(recolor(picture, "grey"), (48, 48)) for picture in faces])


if __name__ == "__main__":
    main()
