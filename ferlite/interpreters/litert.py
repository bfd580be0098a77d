"""`.tflite` files, run by LiteRT or by the older tflite-runtime, whichever is installed."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferlite.errors import EngineError, ModelError
from ferlite.interpreters import Tensor

try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError:
    try:
        from tflite_runtime.interpreter import Interpreter
    except ImportError:
        raise EngineError(
            "no engine for .tflite files: pip install ai-edge-litert (on 32-bit systems: tflite-runtime)"
        ) from None


class LiteRTInterpreter:
    """One `.tflite` network of fixed shape with one input and one output."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        details = engine.get_input_details()[0]
        output = engine.get_output_details()[0]
        scale, zero_point = details["quantization"]
        self.input = Tensor(
            tuple(int(n) for n in details["shape"]), np.dtype(details["dtype"]), float(scale) or 1.0, int(zero_point)
        )
        # looked up once: asking the engine again costs more than copying the values
        self._input_index, self._output_index = details["index"], output["index"]
        out_scale, out_zero_point = output["quantization"]
        self._output_scale, self._output_zero_point = np.float32(out_scale or 1.0), np.float32(out_zero_point)

    def run(self, values: NDArray[Any]) -> NDArray[np.float32]:
        self._engine.set_tensor(self._input_index, values)
        self._engine.invoke()
        output: NDArray[np.float32] = self._engine.get_tensor(self._output_index).astype(np.float32)
        output -= self._output_zero_point
        output *= self._output_scale
        return output


def load(weights: Path, threads: int) -> LiteRTInterpreter:
    try:
        # by content: given a path, some versions report a missing file as a damaged one
        engine = Interpreter(model_content=weights.read_bytes(), num_threads=threads)
        engine.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{weights}: not a model LiteRT can run: {error}") from error
    if len(engine.get_input_details()) != 1 or len(engine.get_output_details()) != 1:
        raise ModelError(f"{weights}: a model needs one input and one output")
    return LiteRTInterpreter(engine)
