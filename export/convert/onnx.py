"""Keras → ONNX: float32 and int8, at a fixed batch of 1, channels last like TFLite."""

import gc
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import tf2onnx
from onnxruntime import quantization
from onnxruntime.quantization.shape_inference import quant_pre_process

from export.convert.representative import with_limits

OPSET = 17  # old enough for the ONNX Runtime that small boards have
INPUT = "image"


def float32(model: keras.Model) -> bytes:
    """A deployed network (batch 1) as a float32 ONNX file."""
    signature = [tf.TensorSpec(model.input_shape, tf.float32, name=INPUT)]
    converted, _ = tf2onnx.convert.from_keras(model, signature, opset=OPSET)
    content = converted.SerializeToString()
    del converted
    gc.collect()  # of the copies of the graph that tf2onnx leaves in cycles: gigabytes of a ResNet34
    return content


def int8(network: bytes, pictures: np.ndarray) -> bytes:
    """An equalized float32 ONNX file as one with int8 weights, uint8 activations, float32 input and output.

    The ranges are measured on pictures (n, h, w, c) float32 of the training split. Signed activations would be up to
    four times slower on x86. There, on processors without VNNI, ONNX Runtime adds two products in 16 bits, which
    weights of 8 bits overflow without a word: a `nano` kept 91.0 % of its labels on one. With 7 bits it keeps 98.3 %.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, prepared, target = (Path(folder, f"{name}.onnx") for name in ("float32", "prepared", "int8"))
        source.write_bytes(network)
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)  # else it needs SymPy
        quantization.quantize_static(
            str(prepared),
            str(target),
            _Pictures(with_limits(pictures)),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            reduce_range=True,
        )
        return target.read_bytes()


class _Pictures(quantization.CalibrationDataReader):
    def __init__(self, pictures: np.ndarray) -> None:
        self._left = iter(pictures)

    def get_next(self) -> dict[str, np.ndarray] | None:
        picture = next(self._left, None)
        return None if picture is None else {INPUT: picture[None]}
