import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
keras = pytest.importorskip("keras")

from export.report import gradcam  # noqa: E402


@pytest.fixture
def network():
    """Two labels: one for bright pictures, the other for dark ones; with a branch that no cut can go through."""
    image = keras.Input((16, 16, 1))
    x = keras.layers.Rescaling(1 / 255)(image)
    copy = keras.layers.Conv2D(1, 1, kernel_initializer="ones", name="copy")(x)
    branch = keras.layers.Conv2D(1, 1, kernel_initializer="zeros", name="branch")(copy)
    both = keras.layers.Add(name="both")([copy, branch])
    mean = keras.layers.GlobalAveragePooling2D()(keras.layers.MaxPooling2D(8)(both))
    head = keras.layers.Dense(2)
    network = keras.Model(image, head(mean))
    head.set_weights([np.array([[1.0, -1.0]]), np.zeros(2)])
    return network


def test_the_heat_is_where_the_evidence_is(network):
    images = np.zeros((2, 16, 16), np.uint8)
    images[0, 3, 11] = images[1, 12, 2] = 200
    heat = gradcam.heat(network, images, np.array([0, 0]))
    assert heat.shape == (2, 16, 16)
    assert [np.unravel_index(one.argmax(), one.shape) for one in heat] == [(3, 11), (12, 2)]
    assert heat.max() == pytest.approx(1)
    assert np.count_nonzero(heat[0]) == 1


def test_what_speaks_against_a_label_is_not_shown(network):
    images = np.full((1, 16, 16), 200, np.uint8)
    assert gradcam.heat(network, images, np.array([1])).max() == 0


def test_a_network_without_a_map_of_features_has_no_heat():
    image = keras.Input((16, 16, 1))
    network = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(image)))
    assert gradcam.heat(network, np.zeros((1, 16, 16), np.uint8), np.array([0])) is None


def test_heat_colours_only_where_it_is_warm():
    image = np.full((4, 4), 100, np.uint8)
    heat = np.zeros((4, 4), np.float32)
    heat[1, 2] = 1
    shown = gradcam.over(image, heat)
    assert shown.shape == (4, 4, 3)
    assert (shown[0, 0] == 100).all()
    red, _, blue = shown[1, 2].astype(int)
    assert red > blue + 50
    assert gradcam.over(np.repeat(image[..., None], 3, 2), heat).tolist() == shown.tolist()
