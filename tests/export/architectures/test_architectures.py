import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
keras = pytest.importorskip("keras")

from export.architectures import ARCHITECTURES, architecture  # noqa: E402
from export.convert.release import multiply_adds  # noqa: E402
from export.errors import RunError  # noqa: E402

# parameters as their authors give them, and multiplications in millions
KNOWN = {
    "deep-elu": (2_395_591, 493),
    "shallow": (389_255, 22),
    "vgg-ferplus": (3_623_239, 317.6),
    "cnn-512": (2_489_095, 87),
    "mini-xception": (58_423, 5.5),
}


@pytest.mark.parametrize("name", KNOWN)
def test_it_has_the_known_size(name):
    model = architecture(name).build(48, 1, 7)
    parameters, millions = KNOWN[name]
    assert model.count_params() == parameters
    assert multiply_adds(architecture(name).deploy(model)) / 1e6 == pytest.approx(millions, rel=0.02)


@pytest.mark.parametrize("name", KNOWN)
def test_it_takes_other_sizes_colours_and_labels(name):
    model = architecture(name).build(64, 3, 4, seed=1)
    assert model.input_shape == (None, 64, 64, 3)
    assert model.output_shape == (None, 4)


@pytest.mark.parametrize("name", KNOWN)
def test_what_is_deployed_computes_the_same(name):
    model = architecture(name).build(48, 1, 7, seed=1)
    plain = architecture(name).deploy(model)
    assert plain.input_shape == (1, 48, 48, 1)
    picture = np.random.default_rng(0).uniform(0, 255, (1, 48, 48, 1)).astype(np.float32)
    assert np.allclose(model(picture, training=False), plain(picture), atol=1e-4)


def test_logits_stay_float32_under_mixed_precision():
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        for name in KNOWN:
            assert architecture(name).build(48, 1, 7).output.dtype == "float32"
    finally:
        keras.config.set_dtype_policy(before)


def test_every_name_is_there_and_others_are_said():
    for name in ARCHITECTURES:
        assert architecture(name).name == name
    with pytest.raises(RunError, match="unknown architecture 'vast'; there are deep, nano, deep-elu"):
        architecture("vast")
