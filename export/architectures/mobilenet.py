"""`mobilenet` and `mobilenetv2`: depthwise separable convolutions, as keras.applications has them.

After Howard et al., *MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications*, 2017, and
Sandler et al., *MobileNetV2: Inverted Residuals and Linear Bottlenecks*, CVPR 2018.
"""

from functools import partial
from pathlib import Path

import keras

from export.architectures import pretrained
from export.errors import RunError

NARROWEST = 1 / 32  # of the first layer's 32 channels one has to be left
# for which keras.applications has weights from ImageNet
V1_SIZES, V1_WIDTHS = (128, 160, 192, 224), (0.25, 0.5, 0.75, 1.0)
V2_SIZES, V2_WIDTHS = (96, 128, 160, 192, 224), (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)


def v1(
    size: int,
    channels: int,
    classes: int,
    seed: int | None = None,
    *,
    width: float = 1.0,
    weights: str | Path | None = None,
    trainable: str | int = "all",
    dropout: float = 0.2,
) -> keras.Model:
    """MobileNet: raw pixels 0…255 (n, size, size, channels) → logits (n, classes).

    3,235,463 parameters at 48, 1 and 7. `width` scales all channels; the rest as in `pretrained`.
    """
    _check("mobilenet", width, weights, V1_WIDTHS)
    application = partial(keras.applications.MobileNet, alpha=width, include_top=False)
    return pretrained.network(
        "mobilenet",
        application,
        size,
        channels,
        classes,
        seed,
        weights=weights,
        trainable=trainable,
        dropout=dropout,
        learnt_at=V1_SIZES,
    )


def v2(
    size: int,
    channels: int,
    classes: int,
    seed: int | None = None,
    *,
    width: float = 1.0,
    weights: str | Path | None = None,
    trainable: str | int = "all",
    dropout: float = 0.2,
) -> keras.Model:
    """MobileNetV2: raw pixels 0…255 (n, size, size, channels) → logits (n, classes).

    2,266,375 parameters at 48, 1 and 7. `width` scales the channels, the last 1,280 only above 1; the rest as in
    `pretrained`.
    """
    _check("mobilenetv2", width, weights, V2_WIDTHS)
    application = partial(keras.applications.MobileNetV2, alpha=width, include_top=False)
    model = pretrained.network(
        "mobilenetv2",
        application,
        size,
        channels,
        classes,
        seed,
        weights=weights,
        trainable=trainable,
        dropout=dropout,
        learnt_at=V2_SIZES,
    )
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.99  # as in the other networks; 0.999 takes thousands of steps to follow
    return model


def _check(name: str, width: float, weights: str | Path | None, learnt: tuple[float, ...]) -> None:
    if width < NARROWEST:
        raise RunError(f"width is {width}; {name} takes {NARROWEST} or more")
    if weights == "imagenet" and width not in learnt:
        raise RunError(f"width is {width}; {name} has weights from ImageNet at {', '.join(map(str, learnt))}")
