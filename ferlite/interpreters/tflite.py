"""`.tflite` files, run by LiteRT or by the older tflite-runtime: their Python interfaces are the same."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferlite.errors import ModelError
from ferlite.interpreters import Tensor

_INPUTS = (np.float32, np.float16, np.uint8, np.int8, np.int16)


class TFLiteInterpreter:
    """One `.tflite` network with one input and one output, at one shape."""

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


def load(runtime: Any, model: bytes, threads: int, shape: tuple[int, ...] | None = None) -> TFLiteInterpreter:
    """Load a model's bytes. Raises ModelError, or ValueError or RuntimeError where the engine refuses them."""
    # by content: given a path, some versions report a missing file as a damaged one
    engine = runtime.Interpreter(model_content=model, num_threads=threads)
    if shape is not None:
        engine.resize_tensor_input(engine.get_input_details()[0]["index"], shape)
    engine.allocate_tensors()
    if len(engine.get_input_details()) != 1 or len(engine.get_output_details()) != 1:
        raise ModelError("a model needs one input and one output")
    given, result = engine.get_input_details()[0], engine.get_output_details()[0]
    if given["dtype"] not in _INPUTS:
        raise ModelError(f"inputs of type {np.dtype(given['dtype'])} are not supported")
    if np.dtype(result["dtype"]).kind not in "fiu":
        raise ModelError(f"outputs of type {np.dtype(result['dtype'])} are not supported")
    scale, _ = given["quantization"]
    if not 0 <= scale < math.inf:
        raise ModelError(f"its input is quantised with the scale {scale}")
    return TFLiteInterpreter(engine)
