"""Engines that run a weights file, one module each, loaded on first use and chosen by the file's suffix."""

from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ferlite.errors import ModelError


class Tensor(NamedTuple):
    """The one input of a network: its real values are (stored - zero_point) · scale; floats have scale 1, point 0."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float
    zero_point: int


class Interpreter(Protocol):
    """A loaded network with one input and one output. Not thread-safe: one interpreter a thread."""

    input: Tensor

    def run(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """One batch of `input.dtype` and `input.shape` → a new float32 array of real values (1, classes)."""
        ...


_ENGINES = {".tflite": "ferlite.interpreters.litert", ".onnx": "ferlite.interpreters.onnx"}


def load(weights: Path, threads: int = 1) -> Interpreter:
    """Load a weights file. Raises ModelError for a damaged file, EngineError where its engine is not installed."""
    if weights.suffix not in _ENGINES:
        raise ModelError(f"{weights}: no engine for {weights.suffix or 'a file without suffix'}; use .tflite or .onnx")
    interpreter: Interpreter = import_module(_ENGINES[weights.suffix]).load(weights, threads)
    return interpreter
