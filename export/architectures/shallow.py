"""`shallow`: three 3×3 convolutions of 32, 64 and 128 channels, each pooled; the first network of many courses."""

import keras
from keras import layers

from export.architectures.normalization import FusedBatchNormalization


def build(size: int, channels: int, classes: int, seed: int | None = None) -> keras.Model:
    """Raw pixels 0…255 (n, size, size, channels) → logits (n, classes); 389,255 parameters at 48, 1 and 7."""
    inputs = keras.Input((size, size, channels), name="image")
    x = layers.Rescaling(1 / 255, name="scale")(inputs)
    for width in (32, 64, 128):
        x = layers.Conv2D(width, 3, padding="same", activation="relu")(x)
        x = FusedBatchNormalization()(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(64, activation="relu")(x)
    x = FusedBatchNormalization()(x)
    x = layers.Dropout(0.5, seed=seed)(x)
    return keras.Model(inputs, layers.Dense(classes, dtype="float32", name="logits")(x), name="shallow")
