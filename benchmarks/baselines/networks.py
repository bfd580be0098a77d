"""Networks of the shapes that are timed, with random weights: how fast they run does not depend on what they learnt.

Needs TensorFlow; run in its own environment by environments.py:

    python -m benchmarks.baselines.networks mini_xception FILE.tflite
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray


def deep() -> keras.Model:
    """The deep network of most FER-2013 tutorials on 48×48 grey: six convolutions, 2.4 million parameters."""
    stack: list[keras.Layer] = [keras.Input((48, 48, 1))]
    for filters, size in ((64, 5), (128, 3), (256, 3)):
        for _ in range(2):
            stack += [
                layers.Conv2D(filters, size, padding="same", activation="elu", kernel_initializer="he_normal"),
                layers.BatchNormalization(),
            ]
        stack += [layers.MaxPooling2D(), layers.Dropout(0.4)]
    stack += [layers.Flatten(), layers.Dense(128, activation="elu"), layers.BatchNormalization()]
    return keras.Sequential([*stack, layers.Dropout(0.6), layers.Dense(7, activation="softmax")])


def mini_xception() -> keras.Model:
    """The shape of mini-XCEPTION (Arriaga et al. 2017): depthwise separable, residual, 58 thousand parameters."""
    image = keras.Input((48, 48, 1), batch_size=1)
    x = image
    for _ in range(2):
        x = layers.Conv2D(8, 3, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    for filters in (16, 32, 64, 128):
        shortcut = layers.Conv2D(filters, 1, strides=2, padding="same", use_bias=False)(x)
        shortcut = layers.BatchNormalization()(shortcut)
        x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.MaxPooling2D(3, strides=2, padding="same")(layers.BatchNormalization()(x))
        x = layers.Add()([x, shortcut])
    x = layers.Conv2D(7, 3, padding="same")(x)
    return keras.Model(image, layers.Softmax()(layers.GlobalAveragePooling2D()(x)))


def convolution() -> keras.Model:
    """One large convolution, 3×3 from 256 to 256 channels on 48×48: 1.36 G multiply-adds, the yardstick of peak.py."""
    image = keras.Input((48, 48, 256), batch_size=1)
    return keras.Model(image, layers.Conv2D(256, 3, padding="same", activation="relu")(image))


def write(name: str, path: Path) -> None:
    """Convert a network: float32, and the large convolution to full int8."""
    model = {"mini_xception": mini_xception, "convolution": convolution}[name]()
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if name == "convolution":
        rng = np.random.default_rng(0)

        def samples() -> Iterator[list[NDArray[np.float32]]]:
            for _ in range(4):
                yield [rng.random(model.input_shape, np.float32)]

        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = samples
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    content = converter.convert()
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)


if __name__ == "__main__":
    write(sys.argv[1], Path(sys.argv[2]))
