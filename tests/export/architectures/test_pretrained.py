import socket
import urllib.request

import numpy as np
import pytest

from export.errors import RunError

pytestmark = pytest.mark.tensorflow
keras = pytest.importorskip("keras")

from export.architectures import fixed, mobilenet  # noqa: E402

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (3, 32, 32, 1)).astype("float32")
COLOUR = RNG.integers(0, 256, (3, 32, 32, 3)).astype("float32")


def small(channels=1, **options):
    return mobilenet.v1(32, channels, 4, seed=0, width=0.25, **options)


@pytest.fixture(scope="module")
def learnt():
    """A network of keras.applications without its top, whose statistics are not at their start."""
    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNet(
        input_shape=(32, 32, 3), alpha=0.25, include_top=False, weights=None, pooling="avg"
    )
    rng = np.random.default_rng(1)
    model.set_weights([v + rng.uniform(0, 0.2, v.shape) for v in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def file(learnt, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "mobilenet.weights.h5"
    learnt.save_weights(path)
    return path


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    """Keras fetches from nowhere, and has nothing from before."""
    with socket.socket() as deaf:  # bound but not listening: whoever connects is refused
        deaf.bind(("127.0.0.1", 0))
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.setattr(urllib.request, "_opener", None)  # made anew, from the environment
        monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))
        yield


def features(model, pictures):
    return np.asarray(keras.Model(model.input, model.get_layer("pool").output)(pictures, training=False))


def one_step(model, channels=1):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss, jit_compile=False)
    pictures = np.random.default_rng(2).integers(0, 256, (4, 32, 32, channels)).astype("float32")
    model.train_on_batch(pictures, np.array([0, 0, 0, 1]))


def changed(model, before):
    """Names of the layers whose weights are no longer those of `before`, a dict of lists by name."""
    return {
        layer.name
        for layer in model.layers
        if any(not np.array_equal(a, b) for a, b in zip(layer.get_weights(), before[layer.name], strict=True))
    }


def test_weights_of_a_file_give_the_features_of_that_network(learnt, file):
    expected = np.asarray(learnt(keras.applications.mobilenet.preprocess_input(COLOUR.copy()), training=False))
    assert np.allclose(features(small(3, weights=file), COLOUR), expected, rtol=1e-4, atol=1e-4 * expected.max())


def test_grey_is_as_good_as_grey_repeated_three_times(learnt, file):
    repeated = keras.applications.mobilenet.preprocess_input(np.repeat(GREY, 3, axis=3))
    expected = np.asarray(learnt(repeated, training=False))
    model = small(1, weights=str(file))
    assert model.get_layer("conv1").kernel.shape == (3, 3, 1, 8)
    assert np.allclose(features(model, GREY), expected, rtol=1e-4, atol=1e-4 * expected.max())


def test_without_a_network_it_says_which_file_to_bring(no_network):
    with pytest.raises(RunError, match=r"mobilenet did not come: .*mobilenet_2_5_128_tf_no_top\.h5.*give its path"):
        small(weights="imagenet")
    assert socket.getdefaulttimeout() is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.h5", None, r"weights .*missing\.h5 do not exist"),
        ("model.keras", b"", r"weights is '.*model\.keras'; it has to be imagenet or a file"),
        ("damaged.weights.h5", b"nothing", r"damaged\.weights\.h5 does not hold the weights of mobilenet without"),
        ("damaged.h5", b"nothing", r"damaged\.h5 does not hold the weights of mobilenet without"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(RunError, match=message):
        small(weights=tmp_path / name)


def test_the_weights_of_another_network_are_refused(file):
    with pytest.raises(RunError, match=r"does not hold the weights of mobilenet without its top.*this width") as raised:
        mobilenet.v1(32, 1, 4, width=0.5, weights=file)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("through", ["as built", "cloned", "saved"])
def test_a_frozen_backbone_stays_as_it_is_also_its_statistics(through, tmp_path):
    model = small(trainable="head")
    if through == "cloned":
        model = fixed.deploy(model, batch=None)
    elif through == "saved":
        model.save(tmp_path / "model.keras")
        model = keras.models.load_model(tmp_path / "model.keras", compile=False)
    before = {layer.name: layer.get_weights() for layer in model.layers}
    one_step(model)
    assert changed(model, before) == {"logits"}


@pytest.mark.parametrize("last", ["4", 4])
def test_the_last_layers_learn_and_the_others_do_not(last):
    model = small(trainable=last)
    learning = {"conv_dw_13", "conv_dw_13_bn", "conv_pw_13", "conv_pw_13_bn", "logits"}
    assert {layer.name for layer in model.layers if layer.trainable_weights} == learning
    before = {layer.name: layer.get_weights() for layer in model.layers}
    one_step(model)
    assert {"conv_pw_13_bn", "logits"} <= changed(model, before) <= learning


def test_all_layers_learn_unless_told_otherwise():
    model = small()
    assert all(layer.trainable for layer in model.layers)


def test_weights_have_the_same_order_whatever_learns():
    shapes = [[v.shape for v in small(trainable=trainable).get_weights()] for trainable in ("all", "head", 4)]
    assert shapes[0] == shapes[1] == shapes[2]


@pytest.mark.parametrize("trainable", ["none", "0", -1, "2.5"])
def test_a_bad_number_of_layers_is_refused(trainable):
    with pytest.raises(RunError, match="it has to be all, head, or a number of layers"):
        small(trainable=trainable)


def test_more_layers_than_there_are_are_refused():
    with pytest.raises(RunError, match="trainable is 55; mobilenet has 54 layers with weights below its head"):
        small(trainable=55)


def test_too_small_pictures_are_refused():
    with pytest.raises(RunError, match="mobilenet takes pictures of 32 pixels or more; these have 31"):
        mobilenet.v1(31, 1, 7)
