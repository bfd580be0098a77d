"""`resnet34`, `resnet50` and `resnet50v2`: residual networks; the two of 50 layers are those of keras.applications.

After He et al., *Deep Residual Learning for Image Recognition*, CVPR 2016, and *Identity Mappings in Deep Residual
Networks*, ECCV 2016.
"""

from functools import partial
from pathlib import Path
from typing import Any

import keras
from keras import layers

from export.architectures import pretrained
from export.architectures.normalization import FusedBatchNormalization
from export.errors import RunError

STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))  # channels and blocks of resnet34


def resnet34(
    size: int,
    channels: int,
    classes: int,
    seed: int | None = None,
    *,
    weights: str | Path | None = None,
    trainable: str | int = "all",
    dropout: float = 0.2,
) -> keras.Model:
    """ResNet-34, of basic blocks: raw pixels 0…255 (n, size, size, channels) → logits (n, classes).

    21,299,015 parameters at 48, 1 and 7. The stem is that of `resnet50`. Keras has no weights for it; options as in
    `pretrained`.
    """
    if weights == "imagenet":
        raise RunError("there are no weights from ImageNet for resnet34 in Keras; take resnet50, or none")
    return pretrained.network(
        "resnet34", headless34, size, channels, classes, seed, weights=weights, trainable=trainable, dropout=dropout
    )


def resnet50(
    size: int,
    channels: int,
    classes: int,
    seed: int | None = None,
    *,
    weights: str | Path | None = None,
    trainable: str | int = "all",
    dropout: float = 0.2,
) -> keras.Model:
    """ResNet-50, of bottleneck blocks: raw pixels 0…255 (n, size, size, channels) → logits (n, classes).

    23,602,055 parameters at 48, 1 and 7: grey is repeated as three colours. Options as in `pretrained`.
    """
    return pretrained.network(
        "resnet50",
        partial(keras.applications.ResNet50, include_top=False),
        size,
        channels,
        classes,
        seed,
        weights=weights,
        trainable=trainable,
        dropout=dropout,
        caffe=True,
    )


def resnet50v2(
    size: int,
    channels: int,
    classes: int,
    seed: int | None = None,
    *,
    weights: str | Path | None = None,
    trainable: str | int = "all",
    dropout: float = 0.2,
) -> keras.Model:
    """ResNet-50 with normalisation first: raw pixels 0…255 (n, size, size, channels) → logits (n, classes).

    23,572,871 parameters at 48, 1 and 7. Options as in `pretrained`.
    """
    return pretrained.network(
        "resnet50v2",
        partial(keras.applications.ResNet50V2, include_top=False),
        size,
        channels,
        classes,
        seed,
        weights=weights,
        trainable=trainable,
        dropout=dropout,
    )


def headless34(
    weights: None = None, input_tensor: Any = None, input_shape: tuple[int, int, int] | None = None
) -> keras.Model:
    """ResNet-34 without pooling and top, called as in keras.applications: pixels -1…1 → (n, ⌈h/32⌉, ⌈w/32⌉, 512)."""
    inputs = keras.Input(input_shape) if input_tensor is None else input_tensor
    x = layers.ZeroPadding2D(3, name="conv1_pad")(inputs)
    x = _conv(x, 64, 7, 2, "conv1", padding="valid")
    x = layers.ReLU(name="conv1_relu")(x)
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)
    for stage, (width, blocks) in enumerate(STAGES, start=2):
        for block in range(1, blocks + 1):
            x = _basic_block(x, width, 2 if stage > 2 and block == 1 else 1, f"conv{stage}_block{block}")
    return keras.Model(keras.utils.get_source_inputs(inputs), x, name="resnet34")


def _basic_block(x, width: int, strides: int, name: str):
    shortcut = x if x.shape[-1] == width else _conv(x, width, 1, strides, f"{name}_0")
    x = _conv(x, width, 3, strides, f"{name}_1")
    x = layers.ReLU(name=f"{name}_1_relu")(x)
    x = _conv(x, width, 3, 1, f"{name}_2")
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.ReLU(name=f"{name}_out")(x)


def _conv(x, width: int, kernel: int, strides: int, name: str, padding: str = "same"):
    """A convolution and its batch normalisation."""
    x = layers.Conv2D(
        width,
        kernel,
        strides,
        padding=padding,
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return FusedBatchNormalization(epsilon=1e-5, name=f"{name}_bn")(x)
