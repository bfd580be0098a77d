"""`cnn-512`: four unpadded 3×3 convolutions and one dense layer of 512, as in many widely copied web-camera demos."""

import keras
from keras import layers


def build(size: int, channels: int, classes: int, seed: int | None = None) -> keras.Model:
    """Raw pixels 0…255 (n, size, size, channels) → logits (n, classes); 2,489,095 parameters at 48, 1 and 7."""
    inputs = keras.Input((size, size, channels), name="image")
    x = layers.Rescaling(1 / 255, name="scale")(inputs)
    x = layers.Conv2D(32, 3, activation="relu")(x)
    for width in (64, 128, 256):
        x = layers.Conv2D(width, 3, activation="relu")(x)
        x = layers.MaxPooling2D()(x)
        x = layers.Dropout(0.25, seed=seed)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(512, activation="relu")(x)
    x = layers.Dropout(0.5, seed=seed)(x)
    return keras.Model(inputs, layers.Dense(classes, dtype="float32", name="logits")(x), name="cnn-512")
