"""`.onnx` files, run by ONNX Runtime on the CPU."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferlite.errors import EngineError, ModelError
from ferlite.interpreters import Tensor

try:
    import onnxruntime
except ImportError:
    raise EngineError("no engine for .onnx files: pip install 'ferlite[onnx]'") from None

_DTYPES = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8, "tensor(int8)": np.int8}


class OnnxInterpreter:
    """One `.onnx` network with one input and one output; a free batch size becomes 1."""

    def __init__(self, session: Any) -> None:
        self._session = session
        details = session.get_inputs()[0]
        shape = tuple(n if isinstance(n, int) else 1 for n in details.shape)
        self.input = Tensor(shape, np.dtype(_DTYPES[details.type]), 1.0, 0)
        self._input_name, self._output_names = details.name, [session.get_outputs()[0].name]

    def run(self, values: NDArray[Any]) -> NDArray[np.float32]:
        output: NDArray[np.float32] = self._session.run(self._output_names, {self._input_name: values})[0]
        return output.astype(np.float32, copy=False)


def load(weights: Path, threads: int) -> OnnxInterpreter:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # a damaged file is reported once, by the error below
    try:
        session = onnxruntime.InferenceSession(weights.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors share no public base class
        raise ModelError(f"{weights}: not a model ONNX Runtime can run: {error}") from error
    if len(session.get_inputs()) != 1 or len(session.get_outputs()) != 1:
        raise ModelError(f"{weights}: a model needs one input and one output")
    if session.get_inputs()[0].type not in _DTYPES:
        raise ModelError(f"{weights}: inputs of type {session.get_inputs()[0].type} are not supported")
    return OnnxInterpreter(session)
