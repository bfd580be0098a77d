"""Where a network looks: Grad-CAM (Selvaraju et al., *Grad-CAM: Visual Explanations from Deep Networks*, ICCV 2017).

A map of features is weighted by how much each of its channels raises the logit in question, summed, and cut off at 0.
"""

from collections.abc import Iterator

import cv2
import keras
import numpy as np
from keras import ops

from export.batches import with_channels

SMALLEST = 4  # pixels a side; coarser maps point nowhere


def heat(model: keras.Model, images: np.ndarray, targets: np.ndarray) -> np.ndarray | None:
    """How much each pixel of pictures (n, h, w[, 3]) uint8 speaks for the labels `targets` (n,): (n, h, w) float32.

    Each map reaches from 0 to 1, or is 0 throughout where nothing speaks for the label. None for a network without a
    map of features, or on a Keras backend without gradients.
    """
    parts = _parts(model)
    if parts is None:
        return None
    body, head = parts
    features = np.asarray(ops.convert_to_numpy(body.predict_on_batch(with_channels(images).astype(np.float32))))
    gradients = _gradients(head, features, targets)
    if gradients is None:
        return None
    maps = np.maximum((features * gradients.mean((1, 2), keepdims=True)).sum(3), 0)
    height, width = images.shape[1:3]
    maps = np.stack([cv2.resize(one, (width, height), interpolation=cv2.INTER_LINEAR) for one in maps])
    peaks = maps.max((1, 2), keepdims=True)
    return maps / np.where(peaks > 0, peaks, 1)


def over(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """A picture (h, w[, 3]) uint8 with its heat (h, w) in 0…1 on top: (h, w, 3) RGB uint8."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.ndim == 3 else image
    color = cv2.applyColorMap(np.rint(255 * (0.4 + 0.5 * heat)).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    share = 0.7 * heat[..., None]
    return np.rint((1 - share) * grey[..., None] + share * color).astype(np.uint8)


def _parts(model: keras.Model) -> tuple[keras.Model, keras.Model] | None:
    """The network cut at its last map of features that is not too coarse, or else at its last."""
    cuts = [(layer.output.shape[1], parts) for layer, parts in _cuts(model)]
    return next((parts for side, parts in cuts if side >= SMALLEST), cuts[0][1] if cuts else None)


def _cuts(model: keras.Model) -> Iterator[tuple[keras.layers.Layer, tuple[keras.Model, keras.Model]]]:
    """All places to cut, from the last on."""
    learning = next((i for i, layer in enumerate(model.layers) if layer.weights), len(model.layers))
    for layer in reversed(model.layers[learning:]):  # what comes before has no features yet
        shape = getattr(layer.output, "shape", ())
        # padding shifts the map against the picture
        if len(shape) != 4 or (shape[1] or 0) < 2 or isinstance(layer, keras.layers.ZeroPadding2D):
            continue
        try:
            yield layer, (keras.Model(model.inputs, layer.output), keras.Model(layer.output, model.output))
        except ValueError:  # a branch: there is another way around it
            continue


def _gradients(head: keras.Model, features: np.ndarray, targets: np.ndarray) -> np.ndarray | None:
    """How the logit of each target changes with the features, in the shape of these."""

    def score(x):
        return ops.sum(ops.take_along_axis(head(x, training=False), ops.convert_to_tensor(targets)[:, None], axis=1))

    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            x = tf.convert_to_tensor(features)
            with tf.GradientTape() as tape:
                tape.watch(x)
                total = score(x)
            return tape.gradient(total, x).numpy()
        case "jax":
            import jax

            return np.asarray(jax.grad(score)(features))
        case "torch":
            x = ops.convert_to_tensor(features).requires_grad_()
            score(x).backward()
            return ops.convert_to_numpy(x.grad)
        case _:
            return None
