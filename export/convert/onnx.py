"""Keras → ONNX float32, at a fixed batch of 1."""

import keras
import tensorflow as tf
import tf2onnx

OPSET = 17  # old enough for the ONNX Runtime that small boards have


def float32(model: keras.Model) -> bytes:
    """A deployed network (batch 1) as a float32 ONNX file, channels last like TFLite."""
    signature = [tf.TensorSpec(model.input_shape, tf.float32, name="image")]
    converted, _ = tf2onnx.convert.from_keras(model, signature, opset=OPSET)
    return converted.SerializeToString()
