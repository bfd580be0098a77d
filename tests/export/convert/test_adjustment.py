import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
keras = pytest.importorskip("keras")

from export.architectures import architecture  # noqa: E402
from export.convert.adjustment import adjust, adjustment  # noqa: E402
from export.ensemble import joined  # noqa: E402
from export.errors import RunError  # noqa: E402

LABELS = np.repeat(np.arange(7), [40, 4, 41, 72, 48, 32, 50])


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (4, 48, 48, 1)).astype(np.float32)


def network(name):
    keras.utils.set_random_seed(0)
    return architecture(name).build(48, 1, 7, seed=1)


def both():
    return joined([architecture("nano").deploy(network("nano"), batch=None) for _ in range(2)])


@pytest.mark.parametrize("make", [lambda: network("nano"), lambda: network("mini-xception"), both])
def test_logits_lose_a_part_of_the_log_shares(make, images):
    model = make()
    before = model.predict(images, verbose=0)
    adjust(model, adjustment(LABELS, 7, 0.5))
    expected = -0.5 * np.log(np.bincount(LABELS) / len(LABELS))
    np.testing.assert_allclose(model.predict(images, verbose=0) - before, np.tile(expected, (4, 1)), atol=1e-4)


def test_a_network_that_ends_without_a_bias():
    model = keras.Sequential([keras.Input((7,)), keras.layers.Softmax(name="last")])
    with pytest.raises(RunError, match="the network ends in last, which has no bias"):
        adjust(model, adjustment(LABELS, 7, 0.5))


def test_no_strength_changes_nothing():
    assert not adjustment(LABELS, 7, 0.0).any()


def test_a_label_without_a_picture_counts_as_one():
    assert adjustment(LABELS[LABELS < 6], 7, 1.0)[6] == pytest.approx(np.log(238))


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_a_strength_that_is_none(strength):
    with pytest.raises(RunError, match=r"logit adjustment is .*; it has to be between 0 and 1"):
        adjustment(LABELS, 7, strength)
