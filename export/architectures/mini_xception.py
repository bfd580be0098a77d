"""`mini-xception`: separable convolutions with residual branches, about 58 thousand parameters.

After Arriaga, Valdenegro-Toro and Plöger, *Real-time Convolutional Neural Networks for Emotion and Gender
Classification*, 2017.
"""

import keras
from keras import layers

from export.architectures.normalization import FusedBatchNormalization


def build(size: int, channels: int, classes: int, seed: int | None = None) -> keras.Model:
    """Raw pixels 0…255 (n, size, size, channels) → logits (n, classes); 58,423 parameters at 7 classes, any size."""
    inputs = keras.Input((size, size, channels), name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1, name="scale")(inputs)
    for _ in range(2):
        x = layers.Conv2D(8, 3, use_bias=False)(x)
        x = FusedBatchNormalization()(x)
        x = layers.ReLU()(x)
    for width in (16, 32, 64, 128):
        x = _module(x, width)
    x = layers.Conv2D(classes, 3, padding="same")(x)
    return keras.Model(inputs, layers.GlobalAveragePooling2D(dtype="float32", name="logits")(x), name="mini-xception")


def _module(x, width: int):
    residual = layers.Conv2D(width, 1, strides=2, padding="same", use_bias=False)(x)
    residual = FusedBatchNormalization()(residual)
    x = layers.SeparableConv2D(width, 3, padding="same", use_bias=False)(x)
    x = FusedBatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.SeparableConv2D(width, 3, padding="same", use_bias=False)(x)
    x = FusedBatchNormalization()(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    return layers.add([x, residual])
