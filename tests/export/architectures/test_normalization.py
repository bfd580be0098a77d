import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
keras = pytest.importorskip("keras")

from export.architectures.normalization import FusedBatchNormalization  # noqa: E402

KINDS = (FusedBatchNormalization, keras.layers.BatchNormalization)
X = np.random.default_rng(0).normal(3, 2, (8, 5, 4, 6)).astype(np.float32)
Y = np.random.default_rng(1).normal(0, 1, X.shape).astype(np.float32)


def trained(layer):
    """What is left after three steps: what the layer gives in training and later, and all its weights."""
    inputs = keras.Input(X.shape[1:])
    model = keras.Model(inputs, keras.layers.Activation("linear", dtype="float32")(layer(inputs)))
    model.compile(keras.optimizers.SGD(0.5), "mse", jit_compile=False)
    losses = [float(model.train_on_batch(X, Y)) for _ in range(3)]
    return losses, np.asarray(model(X)), [np.asarray(weight) for weight in layer.weights]


def test_it_learns_and_counts_as_keras_own_does():
    ours, theirs = (
        trained(FusedBatchNormalization(momentum=0.7)),
        trained(keras.layers.BatchNormalization(momentum=0.7)),
    )
    assert np.allclose(ours[0], theirs[0], rtol=1e-4)
    assert np.allclose(ours[1], theirs[1], atol=1e-4)
    assert all(np.allclose(a, b, rtol=1e-4, atol=1e-5) for a, b in zip(ours[2], theirs[2], strict=True))


def test_in_bfloat16_the_statistics_stay_float32():
    ours, theirs = (trained(kind(momentum=0.7, dtype="mixed_bfloat16")) for kind in KINDS)
    assert all(weight.dtype == np.float32 for weight in ours[2])
    assert all(np.allclose(a, b, rtol=0.02, atol=0.02) for a, b in zip(ours[2], theirs[2], strict=True))


def test_after_a_dense_layer_it_is_keras_own():
    flat = X.reshape(len(X), -1)
    ours, theirs = (np.asarray(kind()(flat, training=True)) for kind in KINDS)
    assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("setting", ["frozen", "synchronized"])
def test_frozen_or_between_replicas_it_is_keras_own(setting, monkeypatch):
    called = []
    original = keras.layers.BatchNormalization.call
    monkeypatch.setattr(keras.layers.BatchNormalization, "call", lambda *a, **k: called.append(1) or original(*a, **k))
    layer = FusedBatchNormalization()
    layer.build(X.shape)
    layer(X, training=True)
    assert not called
    layer.trainable, layer.synchronized = setting != "frozen", setting == "synchronized"
    layer(X, training=True)
    assert called
