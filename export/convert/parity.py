"""The gate every converted file passes: the device runtime, in its own process, against the trained network."""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export.errors import ParityError


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a converted network may be from the trained one on the validation split."""

    agreement: float  # smallest share of pictures with the same top label
    accuracy: float  # largest difference of the accuracies


FLOAT32 = Tolerance(agreement=0.999, accuracy=0.001)
# a network that is often wrong has many pictures near a tie: `deep` keeps 98.5 % of its labels, `deep-elu` 95.4 %
INT8 = Tolerance(agreement=0.94, accuracy=0.01)


@dataclass(frozen=True, slots=True)
class Parity:
    """What the comparison found."""

    rows: int
    agreement: float
    accuracy: float
    trained_accuracy: float

    def summary(self) -> str:
        """A line for people."""
        return (
            f"{self.accuracy:.2%} on {self.rows} validation rows (trained network {self.trained_accuracy:.2%}), "
            f"same label for {self.agreement:.2%}"
        )


def compare(
    name: str, probabilities: np.ndarray, trained: np.ndarray, labels: np.ndarray, tolerance: Tolerance
) -> Parity:
    """What the device says, (n, classes), against the trained network's logits (n, classes) and the labels (n,).

    Raises ParityError, with the file's `name`, outside of the tolerance; a single picture may always differ.
    """
    top, expected = probabilities.argmax(1), trained.argmax(1)
    found = Parity(
        rows=len(labels),
        agreement=float(np.mean(top == expected)),
        accuracy=float(np.mean(top == labels)),
        trained_accuracy=float(np.mean(expected == labels)),
    )
    one = 1.001 / found.rows  # of a few pictures a single one, near a tie, is a large share
    lost, changed = 1 - found.agreement, abs(found.accuracy - found.trained_accuracy)
    if lost > max(1 - tolerance.agreement, one) or changed > max(tolerance.accuracy, one):
        advice = (
            "; a network that has learnt little loses most in int8: train it longer, or leave the file out by --format"
        )
        raise ParityError(
            f"{name} is not what was trained: same label for {found.agreement:.2%} of {found.rows} pictures "
            f"(at least {tolerance.agreement:.2%}), accuracy {found.accuracy:.2%} against "
            f"{found.trained_accuracy:.2%} (within {tolerance.accuracy:.2%})" + advice * (tolerance == INT8)
        )
    return found


def device_probabilities(weights: Path, images: np.ndarray) -> np.ndarray:
    """Probabilities (n, labels) float32 by ferlite."""
    return on_device(_PROBABILITIES, weights, images if images.ndim == 3 else images[..., ::-1])  # ferlite takes BGR


def on_device(program: str, weights: Path, images: np.ndarray) -> np.ndarray:
    """What a program on ferlite makes of weights and images, in a process that never saw TensorFlow.

    TensorFlow and LiteRT in one process can abort: both register the same options of LLVM. The program's arguments are
    the weights, a file of the images, and the file to save its result in. Raises ParityError where it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "images.npy"), Path(folder, "result.npy")
        np.save(source, images)
        command = [sys.executable, "-c", program, str(weights), str(source), str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ParityError(f"{weights.name} does not run on the device runtime: {done.stderr.strip()[-2000:]}")
        return np.load(target)


_PROBABILITIES = """
import sys
import numpy as np
from ferlite import EmotionClassifier
weights, source, target = sys.argv[1:]
np.save(target, EmotionClassifier(weights).predict(np.load(source)))
"""
