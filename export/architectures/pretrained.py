"""What the networks of keras.applications share: the scale of the pixels, weights to start from, frozen layers, a head.

The networks are flat, without a model inside a model, so that whatever walks over the layers sees all of them. Grey
pictures meet a first kernel of one channel. Where that was learnt in colour, it becomes the sum over the colours: the
same function as repeating grey three times, with less work on the device and the same shapes as a random start.
"""

import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
from keras import layers

from export.errors import RunError

SMALLEST = 32  # pixels; the networks halve five times
ORIGIN = "https://storage.googleapis.com/tensorflow/keras-applications/"  # from where Keras fetches its weights
PATIENCE = 30  # seconds in which a download has to go on
CAFFE_MEANS = (123.68, 116.779, 103.939)  # RGB, of ImageNet: keras.applications.imagenet_utils

Application = Callable[..., keras.Model]


def network(
    name: str,
    application: Application,
    size: int,
    channels: int,
    classes: int,
    seed: int | None,
    *,
    weights: str | Path | None,
    trainable: str | int,
    dropout: float,
    learnt_at: tuple[int, ...] = (224,),
    caffe: bool = False,
) -> keras.Model:
    """Raw pixels 0…255 (n, size, size, channels) grey or RGB → logits (n, classes). Raises RunError.

    `application` makes the network without its top, as in keras.applications: from `weights` and either `input_tensor`
    or `input_shape`. It was made for pixels of -1…1, or with `caffe` for BGR less its means. `weights` is None for a
    random start, "imagenet", or a file; ImageNet was learnt at the sizes `learnt_at`, of which the nearest is taken.
    `trainable` is "all", "head", or how many of the last layers with weights learn beside the head.
    """
    if size < SMALLEST:
        raise RunError(f"{name} takes pictures of {SMALLEST} pixels or more; these have {size}")
    inputs = keras.Input((size, size, channels), name="image")
    backbone = application(weights=None, input_tensor=(_less_means if caffe else _to_ones)(inputs))
    if weights is not None:
        nearest = min(learnt_at, key=lambda side: abs(side - size))
        learnt = _learnt(name, application, weights, (nearest, nearest, 3))
        _copy(learnt, backbone, bgr=caffe)
    _freeze(backbone, name, trainable)
    x = layers.GlobalAveragePooling2D(name="pool")(backbone.output)
    x = layers.Dropout(dropout, seed=seed, name="dropout")(x)
    return keras.Model(inputs, layers.Dense(classes, dtype="float32", name="logits")(x), name=name)


def _to_ones(pixels):
    return layers.Rescaling(1 / 127.5, offset=-1, name="scale")(pixels)


def _less_means(pixels):
    if pixels.shape[-1] == 3:
        return layers.Rescaling(1.0, offset=[-mean for mean in CAFFE_MEANS], name="scale")(pixels)
    # Less its mean each colour is another, so here grey is repeated: last, for TFLite gives all that is concatenated
    # one range, and the input should keep its own.
    return layers.Concatenate(name="colours")([layers.Rescaling(1.0, offset=-mean)(pixels) for mean in CAFFE_MEANS])


def _learnt(name: str, application: Application, weights: str | Path, shape: tuple[int, int, int]) -> keras.Model:
    """The network in the shape it was trained in, with those weights."""
    if weights == "imagenet":
        try:
            with _patience():
                return application(weights="imagenet", input_shape=shape)
        except Exception as error:  # Keras raises just that
            raise RunError(
                f"the ImageNet weights of {name} did not come: {_one_line(error)}; fetch the file (without the top, "
                f"from {ORIGIN}) where there is a network, and give its path in place of imagenet; half a file in "
                "~/.keras/models has to be deleted"
            ) from error
    path = Path(weights)
    if path.suffix != ".h5":
        raise RunError(f"weights is {str(weights)!r}; it has to be imagenet or a file .weights.h5 or .h5")
    if not path.is_file():
        raise RunError(f"the weights {path} do not exist")
    model = application(weights=None, input_shape=shape)
    try:
        with warnings.catch_warnings(action="ignore"):  # what they say for every layer, the error says once
            model.load_weights(path)
    except Exception as error:  # whatever h5py and Keras find
        raise RunError(
            f"{path} does not hold the weights of {name} without its top (notop) and of this width: {_one_line(error)}"
        ) from error
    return model


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")


@contextmanager
def _patience() -> Iterator[None]:
    """A download that stands still fails: Keras gives no timeout of its own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _copy(learnt: keras.Model, backbone: keras.Model, bgr: bool) -> None:
    first, *others = (layer for layer in backbone.layers if layer.weights)
    for layer in others:
        layer.set_weights(learnt.get_layer(layer.name).get_weights())
    kernel, *bias = learnt.get_layer(first.name).get_weights()
    if bgr:
        kernel = kernel[:, :, ::-1]
    if first.kernel.shape[2] == 1:
        kernel = kernel.sum(axis=2, keepdims=True)
    first.set_weights([kernel, *bias])


def _freeze(backbone: keras.Model, name: str, trainable: str | int) -> None:
    """Layer by layer: that is part of each layer's configuration, so clones and saved files keep it.

    A batch normalisation that does not learn works with its averages also while the others learn.
    """
    if trainable == "all":
        return
    learning = [layer for layer in backbone.layers if layer.weights]
    last = 0 if trainable == "head" else _count(trainable)
    if last > len(learning):
        raise RunError(f"trainable is {trainable}; {name} has {len(learning)} layers with weights below its head")
    for layer in learning[: len(learning) - last]:
        layer.trainable = False


def _count(trainable: str | int) -> int:
    if str(trainable).isdecimal() and int(trainable) > 0:
        return int(trainable)
    raise RunError(f"trainable is {trainable!r}; it has to be all, head, or a number of layers")
