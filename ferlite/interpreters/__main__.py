"""The trial of an engine, `python -m ferlite.interpreters ENGINE WEIGHTS [SHAPE]`: fails or dies as the engine does."""

import sys
from pathlib import Path

import numpy as np

from ferlite import interpreters
from ferlite.errors import ModelError
from ferlite.interpreters import trial


def main() -> None:
    engine, weights, *shape = sys.argv[1:]
    trial.answer(lambda: _run(engine, Path(weights), tuple(map(int, shape)) or None))


def _run(engine: str, weights: Path, shape: tuple[int, ...] | None) -> None:
    """Twice: on zeros, and on noise, for what happens on some values only."""
    interpreter = interpreters.load(weights, backend=engine, shape=shape)
    tensor = interpreter.input
    noise = np.random.default_rng(0).integers(0, 256, tensor.shape, np.uint8)
    try:
        interpreter.run(noise.astype(tensor.dtype))
    except Exception as error:  # the engines' own errors share no base class
        raise ModelError(f"{weights}: fails on a picture of noise: {error}") from error


if __name__ == "__main__":
    main()
