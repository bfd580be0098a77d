import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
keras = pytest.importorskip("keras")

from export.architectures import architecture  # noqa: E402
from export.convert.equalize import equalize, equalized  # noqa: E402


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (20, 48, 48), dtype=np.uint8)


@pytest.fixture
def uneven():
    """`shallow` with normalisations as training leaves them: of either sign, and some channels blown up."""

    def make(name):
        keras.utils.set_random_seed(0)  # of the kernels
        rng = np.random.default_rng(0)
        model = architecture(name).deploy(architecture(name).build(48, 1, 7, seed=1))
        for layer in model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                shape = layer.gamma.shape
                scales = [rng.normal(0, 1, shape) for _ in range(3)]
                layer.set_weights([*scales, 10.0 ** rng.uniform(-6, 1, shape)])
        return model

    return make


NAMES = ("shallow", "deep-elu", "vgg-ferplus", "mini-xception", "cnn-512", "deep", "mobilenet")


@pytest.mark.parametrize("name", NAMES)
def test_the_function_stays_the_same(name, uneven, images):
    model = uneven(name)
    pictures = [image[None, ..., None].astype(np.float32) for image in images]
    before = np.concatenate([np.asarray(model(picture)) for picture in pictures])
    equalize(model, images)
    after = np.concatenate([np.asarray(model(picture)) for picture in pictures])
    assert np.abs(after - before).max() < 1e-3 * np.abs(before).max()


def test_channels_that_follow_a_relu_end_alike(uneven, images):
    model = uneven("shallow")
    equalize(model, images)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            seen = keras.Model(model.input, layer.output).predict(images[..., None], batch_size=1, verbose=0)
            largest = seen.max(axis=(0, 1, 2))
            assert np.allclose(largest[largest > 0], 1, atol=0.02)


@pytest.mark.parametrize("name", ["shallow", "deep"])
def test_a_network_is_copied_only_where_there_is_something_to_change(name, uneven, images):
    model = uneven(name)
    before = model.get_weights()
    copy = equalized(model, images)
    assert (copy is model) == (name == "deep")  # it normalises before its activations
    assert copy.input_shape == model.input_shape == (1, 48, 48, 1)
    assert all(np.array_equal(old, new) for old, new in zip(before, model.get_weights(), strict=True))
    equalize(model, images)  # picture by picture
    for one, other in zip(copy.get_weights(), model.get_weights(), strict=True):
        assert np.allclose(one, other, rtol=1e-3, atol=1e-5)
