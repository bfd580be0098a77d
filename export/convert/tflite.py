"""Keras → TFLite: float32 and full int8, at a fixed batch of 1."""

import warnings

import keras
import numpy as np
import tensorflow as tf

from export.architectures.fixed import deploy
from export.convert.equalize import equalize

REPRESENTATIVE = 500  # pictures; on `deep`, 50, 500 and 2,000 of them gave 67.7, 67.8 and 67.6 % on validation


def float32(model: keras.Model) -> bytes:
    """A deployed network (batch 1) as a float32 TFLite file."""
    return tf.lite.TFLiteConverter.from_keras_model(model).convert()


def int8(model: keras.Model, training_images: np.ndarray, seed: int) -> bytes:
    """A deployed network (batch 1) as a TFLite file with int8 weights, activations, input and output.

    The ranges are measured on pictures (n, h, w[, 3]) uint8 of the training split. A black and a white picture among
    them pin the input to scale 1 and zero point -128, so that the device feeds `pixel XOR 0x80`, without rounding.
    """
    chosen = np.random.default_rng(seed).choice(len(training_images), min(REPRESENTATIVE, len(training_images)), False)
    shape = model.input_shape[1:]
    sample = training_images[np.sort(chosen)]
    pictures = [*sample, np.zeros(shape), np.full(shape, 255)]
    model = deploy(model)  # a copy
    equalize(model, sample)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([np.asarray(p, np.float32).reshape(1, *shape)] for p in pictures)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # of statistics for an input that is pinned
        return converter.convert()
