"""Logits that favour less what was common in training.

A network says what is rare too seldom: where it is unsure, it goes by how often each label occurred. Taking from the
logits a part of the logarithm of the labels' shares gives some of it back (Menon et al., *Long-Tail Learning via Logit
Adjustment*, ICLR 2021). It goes into the biases of the last layer, so it costs the device nothing.
"""

from collections.abc import Iterator

import keras
import numpy as np
from keras import layers

from export.errors import RunError

AVERAGING = (layers.Average, layers.GlobalAveragePooling2D)  # what is added before these is added after them


def adjustment(labels: np.ndarray, classes: int, strength: float) -> np.ndarray:
    """What to add to the logits, (classes,): `strength` times the log shares of the labels (n,) int64, negated.

    0 changes nothing, 1 leaves nothing of the shares. Raises RunError for a strength outside of these.
    """
    if not 0 <= strength <= 1:
        raise RunError(f"logit adjustment is {strength}; it has to be between 0 and 1")
    counts = np.maximum(np.bincount(labels, minlength=classes), 1)  # a label may have no picture
    return -strength * np.log(counts / counts.sum())


def adjust(model: keras.Model, shift: np.ndarray) -> None:
    """Add `shift` (classes,) to a network's logits, in place, by the biases of what it ends in.

    Raises RunError where that has none.
    """
    for head in _heads(model.layers[-1]):
        kernel, bias = head.get_weights()
        head.set_weights([kernel, bias + shift])


def _heads(layer: keras.Layer) -> Iterator[keras.Layer]:
    if isinstance(layer, AVERAGING):
        for before in layer.input if isinstance(layer.input, list) else [layer.input]:
            yield from _heads(before._keras_history.operation)
    elif isinstance(layer, layers.Dense | layers.Conv2D) and layer.use_bias:
        yield layer
    else:
        raise RunError(f"the network ends in {layer.name}, which has no bias, so its logits cannot be adjusted")
