"""`deep` and `nano`: plain 3×3 convolutions, multi-branch while they train, single convolutions on the device.

Every block learns three parallel linear branches (3×3, 1×1 and, where the shapes allow it, the identity), each with a
scale per channel, followed by batch normalisation and ReLU. Being linear, the branches are summed in kernel space, so
training costs hardly more than one plain convolution (Hu et al., *Online Convolutional Re-parameterization*,
CVPR 2022), and the exported block *is* one 3×3 convolution (Ding et al., *RepVGG*, CVPR 2021). Plain convolutions are
what int8 runtimes execute closest to the peak of the processor.
"""

import keras
import numpy as np
from keras import ops

from export.architectures.normalization import FusedBatchNormalization

Stages = tuple[tuple[int, int], ...]  # filters and blocks of each
DEEP: Stages = ((32, 1), (64, 2), (128, 4), (208, 2))  # as float32 just under 5 MB
NANO: Stages = ((12, 1), (24, 2), (48, 2), (70, 2))  # as int8 under 150 KB, and just under 12 million multiply-adds


@keras.saving.register_keras_serializable(package="ferlite")
class MultiBranchConv(keras.layers.Layer):
    """Scaled 3×3 + 1×1 + identity convolution: (n, h, w, c) → (n, ⌈h/strides⌉, ⌈w/strides⌉, filters)."""

    def __init__(self, filters: int, strides: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.strides = strides

    def build(self, input_shape):
        channels = input_shape[-1]

        def weight(name, shape, initializer):
            # autocast=False: the branches are summed in float32 and cast once, also under mixed precision
            return self.add_weight(name=name, shape=shape, initializer=initializer, autocast=False)

        self.kernel3 = weight("kernel3", (3, 3, channels, self.filters), "he_normal")
        self.kernel1 = weight("kernel1", (1, 1, channels, self.filters), "he_normal")
        self.scale3 = weight("scale3", (self.filters,), "ones")
        self.scale1 = weight("scale1", (self.filters,), "ones")
        has_identity = self.strides == 1 and channels == self.filters
        self.scale0 = weight("scale0", (self.filters,), "ones") if has_identity else None

    def kernel(self):
        """The one kernel (3, 3, c, filters) equal to the sum of the branches."""
        centre = self.kernel1 * self.scale1
        if self.scale0 is not None:
            centre = centre + ops.diag(self.scale0)
        return self.kernel3 * self.scale3 + ops.pad(centre, ((1, 1), (1, 1), (0, 0), (0, 0)))

    def call(self, x):
        return ops.conv(x, ops.cast(self.kernel(), self.compute_dtype), strides=self.strides, padding="same")

    def compute_output_shape(self, input_shape):
        n, height, width, _ = input_shape
        height, width = (side and -(-side // self.strides) for side in (height, width))
        return (n, height, width, self.filters)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "strides": self.strides}


def build(
    size: int = 48,
    channels: int = 1,
    classes: int = 7,
    width: float = 1.0,
    stages: Stages = DEEP,
    dropout: float = 0.3,
    seed: int | None = None,
) -> keras.Model:
    """The network to train: raw pixels 0…255 (n, size, size, channels) → logits (n, classes).

    Every stage has its number of filters, which `width` multiplies, and of blocks; all but the first begin at stride 2.
    """
    inputs = keras.Input((size, size, channels), name="image")
    x = keras.layers.Rescaling(1 / 255, name="scale")(inputs)
    for name, filters, strides in _plan(stages, width):
        x = MultiBranchConv(filters, strides, name=name)(x)
        x = FusedBatchNormalization(name=f"{name}_norm")(x)
        x = keras.layers.ReLU(name=f"{name}_relu")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = keras.layers.Dropout(dropout, seed=seed, name="dropout")(x)
    logits = keras.layers.Dense(classes, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="deep")


def nano(size: int = 48, channels: int = 1, classes: int = 7, width: float = 1.0, seed: int | None = None):
    """The same kind of network in a tenth of the memory and of the work, for the smallest boards."""
    return build(size, channels, classes, width, NANO, dropout=0.1, seed=seed)


def deploy(model: keras.Model, batch: int | None = 1) -> keras.Model:
    """The same function as single float32 convolutions: raw pixels 0…255 (batch, h, w, c) → logits.

    Batch normalisation and the scaling of the pixels are folded into the kernels, so the device feeds bytes as they
    are. A fixed batch keeps shape arithmetic out of the converted graph.
    """
    x = inputs = keras.Input(batch_shape=(batch, *model.input_shape[1:]), name="image")
    weights = {}
    pixel_scale = model.get_layer("scale").scale
    for layer in model.layers:
        if isinstance(layer, MultiBranchConv):
            kernel, bias = folded(layer, model.get_layer(f"{layer.name}_norm"))
            weights[layer.name] = [kernel * pixel_scale, bias]
            pixel_scale = 1.0  # only the first kernel sees pixels
            x = keras.layers.Conv2D(
                layer.filters, 3, layer.strides, padding="same", activation="relu", dtype="float32", name=layer.name
            )(x)
    x = keras.layers.GlobalAveragePooling2D(dtype="float32", name="pool")(x)
    head = model.get_layer("logits")
    weights[head.name] = head.get_weights()
    logits = keras.layers.Dense(head.units, dtype="float32", name=head.name)(x)
    plain = keras.Model(inputs, logits, name=model.name)
    for name, values in weights.items():
        plain.get_layer(name).set_weights(values)
    return plain


def folded(layer: MultiBranchConv, norm: keras.layers.BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    """Kernel (3, 3, c, filters) and bias (filters,) of a block with its batch normalisation folded in."""
    gamma, beta, mean, variance = (
        ops.convert_to_numpy(v).astype(np.float64)
        for v in (norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance)
    )
    scale = gamma / np.sqrt(variance + norm.epsilon)
    return ops.convert_to_numpy(layer.kernel()).astype(np.float64) * scale, beta - mean * scale


def _plan(stages: Stages, width: float) -> list[tuple[str, int, int]]:
    return [
        (f"stage{stage}_block{block}", max(round(filters * width), 1), 2 if stage > 1 and block == 1 else 1)
        for stage, (filters, blocks) in enumerate(stages, start=1)
        for block in range(1, blocks + 1)
    ]
