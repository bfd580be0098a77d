"""`vgg-ferplus`: ten unpadded 3×3 convolutions and two dense layers of 1,024, a VGG cut down for FER+.

Without padding 48×48 pixels come down to 2×2. Batch normalisation follows every second convolution, and both of the
last stage.
"""

import keras
from keras import layers

from export.architectures.normalization import FusedBatchNormalization

STAGES = ((64, (False, True, False, True)), (128, (False, True, False, True)), (256, (True, True)))  # normalised?


def build(size: int, channels: int, classes: int, seed: int | None = None) -> keras.Model:
    """Raw pixels 0…255 (n, size, size, channels) → logits (n, classes); 3,623,239 parameters at 48, 1 and 7."""
    inputs = keras.Input((size, size, channels), name="image")
    x = layers.Rescaling(1 / 255, name="scale")(inputs)
    for stage, (width, normalised) in enumerate(STAGES):
        if stage:
            x = layers.MaxPooling2D()(x)
            x = layers.Dropout(0.25, seed=seed)(x)
        for normalise in normalised:
            x = layers.Conv2D(width, 3, activation="relu", kernel_initializer="he_normal")(x)
            if normalise:
                x = FusedBatchNormalization()(x)
    x = layers.Flatten()(x)
    for _ in range(2):
        x = layers.Dense(1024, activation="relu", kernel_initializer="he_normal")(x)
        x = layers.Dropout(0.5, seed=seed)(x)
    return keras.Model(inputs, layers.Dense(classes, dtype="float32", name="logits")(x), name="vgg-ferplus")
