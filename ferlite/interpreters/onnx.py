"""`.onnx` files, float or quantised, run by ONNX Runtime on the CPU."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferlite.errors import ModelError
from ferlite.interpreters import Tensor

_DTYPES = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8, "tensor(int8)": np.int8}
_NO_NUMBERS = ("tensor(string)", "tensor(complex64)", "tensor(complex128)")
# The key, length first, of the name of a file with weights (TensorProto.external_data): it may lead to any folder, and
# ONNX Runtime 1.20 and 1.21 go there. An attacker may write the length in more bytes than it needs.
_OTHER_FILE = re.compile(rb"(?:\x08|\x88\x80*\x00)location")


class OnnxInterpreter:
    """One `.onnx` network with one input and one output; a free batch size becomes 1.

    A file does not say what the integers of an integer input stand for: they are taken as they are, scale 1, point 0.
    """

    def __init__(self, session: Any, shape: tuple[int, ...] | None = None) -> None:
        self._session = session
        details = session.get_inputs()[0]
        if shape is None:
            batch, *rest = details.shape
            shape = (batch if isinstance(batch, int) else 1, *rest)
        self.input = Tensor(shape, np.dtype(_DTYPES[details.type]), 1.0, 0)
        self._input_name, self._output_names = details.name, [session.get_outputs()[0].name]

    def run(self, values: NDArray[Any]) -> NDArray[np.float32]:
        output: NDArray[Any] = self._session.run(self._output_names, {self._input_name: values})[0]
        with np.errstate(over="ignore"):  # numbers too large for float32 become inf, which the classifier refuses
            return output.astype(np.float32, copy=False)


def load(runtime: Any, model: bytes, threads: int, shape: tuple[int, ...] | None = None) -> OnnxInterpreter:
    """Load a model's bytes. Raises ModelError, or an error of ONNX Runtime's own where it refuses them."""
    if b"location" in model and _OTHER_FILE.search(model):  # the first alone is 30 times as fast
        raise ModelError("it keeps weights in another file, which no checksum covers: save it as one file")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # a damaged file is reported once, by the error
    session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    if len(session.get_inputs()) != 1 or len(session.get_outputs()) != 1:
        raise ModelError("a model needs one input and one output")
    given, result = session.get_inputs()[0], session.get_outputs()[0]
    if given.type not in _DTYPES:
        raise ModelError(f"inputs of type {given.type} are not supported")
    if shape is None and not all(isinstance(n, int) for n in given.shape[1:]):
        raise ModelError(
            f"its input {tuple(given.shape)} leaves more open than the batch size: export it with fixed sizes"
        )
    if not result.type.startswith("tensor(") or result.type in _NO_NUMBERS:
        raise ModelError(f"outputs of type {result.type} are not supported")
    return OnnxInterpreter(session, shape)
