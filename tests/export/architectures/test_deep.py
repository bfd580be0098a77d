import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
keras = pytest.importorskip("keras")

from export.architectures import deep  # noqa: E402
from export.convert.release import multiply_adds  # noqa: E402
from export.train import predict  # noqa: E402


@pytest.fixture(scope="module", params=[(48, 1), (47, 3)], ids=["48 grey", "47 colour"])
def network(request):
    """A network that has seen some batches, so that no scale or statistic is at its start."""
    size, channels = request.param
    keras.utils.set_random_seed(0)
    model = deep.build(size=size, channels=channels, classes=5, stages=((8, 2), (12, 1), (16, 2)))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    rng = np.random.default_rng(0)
    for _ in range(5):
        model.train_on_batch(rng.integers(0, 256, (8, size, size, channels)).astype("float32"), rng.integers(0, 5, 8))
    return model


def test_deployed_is_the_same_function(network):
    plain = deep.deploy(network, batch=None)
    pictures = np.random.default_rng(1).integers(0, 256, (16, *network.input_shape[1:])).astype("float32")
    expected, found = network.predict(pictures, verbose=0), plain.predict(pictures, verbose=0)
    assert np.allclose(found, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
    assert np.array_equal(found.argmax(1), expected.argmax(1))


def test_deployed_is_plain_convolutions(network):
    plain = deep.deploy(network)
    kinds = [type(layer).__name__ for layer in plain.layers]
    assert set(kinds) == {"InputLayer", "Conv2D", "GlobalAveragePooling2D", "Dense"}
    assert kinds.count("Conv2D") == 5
    assert plain.input_shape[0] == 1
    assert all(layer.kernel_size == (3, 3) for layer in plain.layers if isinstance(layer, keras.layers.Conv2D))


def test_survives_saving(network, tmp_path):
    network.save(tmp_path / "model.keras")
    restored = keras.models.load_model(tmp_path / "model.keras", compile=False)
    pictures = np.zeros((2, *network.input_shape[1:]), "float32")
    assert np.array_equal(network.predict(pictures, verbose=0), restored.predict(pictures, verbose=0))


def test_its_size():
    model = deep.build()
    plain = deep.deploy(model)
    assert plain.count_params() == 1_203_223
    assert predict(model, np.zeros((3, 48, 48), np.uint8)).shape == (3, 7)


def test_width_multiplies_the_filters_and_nano_is_small():
    wide = deep.deploy(deep.build(width=1.5))
    assert [layer.filters for layer in wide.layers if isinstance(layer, keras.layers.Conv2D)][::3] == [48, 192, 192]
    nano = deep.deploy(deep.nano())
    assert nano.count_params() == 114_121
    assert multiply_adds(nano) < 12e6
