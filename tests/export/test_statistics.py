import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
keras = pytest.importorskip("keras")

from export.architectures import architecture  # noqa: E402
from export.statistics import settle  # noqa: E402


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (300, 48, 48), dtype=np.uint8)


def norms(model):
    return [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]


def test_the_statistics_are_those_of_the_pictures(images):
    model = architecture("shallow").build(48, 1, 7, seed=1)
    settle(model, images)
    first = norms(model)[0]
    seen = np.asarray(keras.Model(model.input, first.input)(images[..., None].astype(np.float32)))
    assert np.allclose(first.moving_mean, seen.mean((0, 1, 2)), atol=1e-4)
    assert np.allclose(first.moving_variance, seen.var((0, 1, 2)), rtol=0.02)


def test_everything_else_stays_as_it_was(images):
    model = architecture("deep-elu").build(48, 1, 7, seed=1)
    before = [weight.numpy() for weight in model.trainable_weights]
    settings = [(layer.momentum, layer.epsilon) for layer in norms(model)]
    settle(model, images[:20])
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(before, model.trainable_weights, strict=True))
    assert [(layer.momentum, layer.epsilon) for layer in norms(model)] == settings
    assert {layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)} == {0.4, 0.5, 0.6}


def test_dropout_does_not_change_them(images):
    model = architecture("deep-elu").build(48, 1, 7, seed=1)
    settle(model, images[:20])
    once = norms(model)[-1].moving_variance.numpy()
    settle(model, images[:20])
    assert np.array_equal(norms(model)[-1].moving_variance.numpy(), once)


def test_frozen_statistics_and_networks_without_any_stay(images):
    model = architecture("shallow").build(48, 1, 7, seed=1)
    frozen = norms(model)[0]
    frozen.trainable = False
    settle(model, images[:20])
    assert np.array_equal(frozen.moving_variance, np.ones(32))
    assert not np.array_equal(norms(model)[1].moving_variance, np.ones(64))
    settle(architecture("cnn-512").build(48, 1, 7), images[:20])
