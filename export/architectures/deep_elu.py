"""`deep-elu`: six convolutions with ELU before batch normalisation and heavy dropout, the usual "deep CNN" notebook."""

import keras
from keras import layers

from export.architectures.normalization import FusedBatchNormalization

STAGES = ((64, 5, 0.4), (128, 3, 0.4), (256, 3, 0.5))  # channels, kernel, dropout; two convolutions each


def build(size: int, channels: int, classes: int, seed: int | None = None) -> keras.Model:
    """Raw pixels 0…255 (n, size, size, channels) → logits (n, classes); 2,395,591 parameters at 48, 1 and 7."""
    inputs = keras.Input((size, size, channels), name="image")
    x = layers.Rescaling(1 / 255, name="scale")(inputs)
    for width, kernel, dropout in STAGES:
        for _ in range(2):
            x = layers.Conv2D(width, kernel, padding="same", activation="elu", kernel_initializer="he_normal")(x)
            x = FusedBatchNormalization()(x)
        x = layers.MaxPooling2D()(x)
        x = layers.Dropout(dropout, seed=seed)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(128, activation="elu", kernel_initializer="he_normal")(x)
    x = FusedBatchNormalization()(x)
    x = layers.Dropout(0.6, seed=seed)(x)
    return keras.Model(inputs, layers.Dense(classes, dtype="float32", name="logits")(x), name="deep-elu")
