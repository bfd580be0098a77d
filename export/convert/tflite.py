"""Keras → TFLite: float32 and full int8, at a fixed batch of 1."""

import warnings

import keras
import numpy as np
import tensorflow as tf

from export.convert.representative import with_limits


def float32(model: keras.Model) -> bytes:
    """A deployed network (batch 1) as a float32 TFLite file."""
    return tf.lite.TFLiteConverter.from_keras_model(model).convert()


def int8(model: keras.Model, pictures: np.ndarray) -> bytes:
    """An equalized network (batch 1) as a TFLite file with int8 weights, activations, input and output.

    The ranges are measured on pictures (n, h, w, c) float32 of the training split. Scale 1 and zero point -128 of the
    input let the device feed `pixel XOR 0x80`.
    """
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([picture[None]] for picture in with_limits(pictures))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # of statistics for an input that is pinned
        return converter.convert()
