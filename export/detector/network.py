"""The detector's network: plain 3×3 convolutions, without anchors, on three strides.

As `export.architectures.deep` it is multi-branch while it trains and single convolutions on the device. One chain of
convolutions halves the picture five times; from strides 8, 16 and 32 a 1×1 convolution reads, for every cell, a score,
a box and five landmarks: after Tian et al., *FCOS*, ICCV 2019, and Wu et al., *YuNet*, 2023, without either one's
feature pyramid, for small faces need little context and the chain has seen enough of it by stride 8. What the 15 values
of a cell mean is in `ferlite.detectors.ferlite`, which decodes them.
"""

import keras
import numpy as np
from keras import ops

from export.architectures.deep import MultiBranchConv, folded
from export.architectures.normalization import FusedBatchNormalization
from ferlite.detectors.ferlite import SCORE, STRIDES, VALUES

# filters of every convolution by the stride it leaves behind; all stages begin by halving
STAGES: dict[int, tuple[int, ...]] = {
    2: (16,),
    4: (32,),
    8: (40, 40, 40, 40),
    16: (40, 40),
    32: (48, 48),
}
RARE = 0.01  # the score of every cell at the start: few of them are faces (Lin et al., *Focal Loss*, ICCV 2017)


def build(size: int | None = None, width: float = 1.0) -> keras.Model:
    """The network to train: grey pixels 0…255 (n, size, size, 1) → (n, cells, 15), from the finest stride on.

    `size` is a multiple of 32, or free. `width` multiplies the filters.
    """
    inputs = keras.Input((size, size, 1), name="image")
    x = keras.layers.Rescaling(1 / 255, name="scale")(inputs)
    heads = []
    for stride, filters in STAGES.items():
        for number, count in enumerate(filters, start=1):
            name = f"stride{stride}_conv{number}"
            x = MultiBranchConv(max(8, round(count * width / 8) * 8), 2 if number == 1 else 1, name=name)(x)
            x = FusedBatchNormalization(name=f"{name}_norm")(x)
            x = keras.layers.ReLU(name=f"{name}_relu")(x)
        if stride in STRIDES:
            heads.append(_head(stride)(x))
    # float32 all the way: half a pixel of 300 is lost in bfloat16
    joined = [keras.layers.Reshape((-1, VALUES), dtype="float32", name=f"rows{n}")(h) for n, h in enumerate(heads)]
    outputs = keras.layers.Concatenate(axis=1, dtype="float32", name="cells")(joined)
    model = keras.Model(inputs, outputs, name="detector")
    for stride in STRIDES:
        kernel, bias = model.get_layer(f"stride{stride}_head").get_weights()
        bias[0] = np.log(RARE / (1 - RARE)) / SCORE
        model.get_layer(f"stride{stride}_head").set_weights([kernel, bias])
    return model


def deploy(model: keras.Model) -> keras.Model:
    """The same function as single float32 convolutions, for one picture of any size whose sides are multiples of 32.

    Batch normalisation and the scaling of the pixels are folded into the kernels, so the device feeds bytes as they
    are.
    """
    x = inputs = keras.Input(batch_shape=(1, None, None, 1), name="image")
    weights, features = {}, {}
    pixel_scale = model.get_layer("scale").scale
    for layer in model.layers:
        if isinstance(layer, MultiBranchConv):
            kernel, bias = folded(layer, model.get_layer(f"{layer.name}_norm"))
            name = _short(layer.name)
            weights[name] = [kernel * pixel_scale, bias]
            pixel_scale = 1.0  # only the first kernel sees pixels
            x = keras.layers.Conv2D(
                layer.filters, 3, layer.strides, padding="same", activation="relu", dtype="float32", name=name
            )(x)
            features[layer.name.partition("_")[0]] = x  # the last convolution of a stride stays
    rows = []
    for stride in STRIDES:
        head = model.get_layer(f"stride{stride}_head")
        name = _short(head.name)
        weights[name] = head.get_weights()
        values = keras.layers.Conv2D(head.filters, 1, dtype="float32", name=name)(features[f"stride{stride}"])
        # an open number of rows, which a layer would fix at conversion, lets the device choose the size of the picture
        rows.append(ops.reshape(values, (1, -1, VALUES)))
    plain = keras.Model(inputs, ops.concatenate(rows, axis=1), name="d")
    for name, values in weights.items():
        plain.get_layer(name).set_weights(values)
    return plain


def _short(name: str) -> str:
    """A name for the device: converted files repeat them a hundred times, a fiftieth of all their bytes."""
    return name.replace("stride", "s").replace("_conv", "c").replace("_head", "h")


def _head(stride: int) -> keras.layers.Conv2D:
    start = keras.initializers.RandomNormal(stddev=0.01)
    return keras.layers.Conv2D(VALUES, 1, kernel_initializer=start, dtype="float32", name=f"stride{stride}_head")
