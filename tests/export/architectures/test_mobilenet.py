import numpy as np
import pytest

from export.errors import RunError

pytestmark = pytest.mark.tensorflow
keras = pytest.importorskip("keras")

from export.architectures import fixed, mobilenet  # noqa: E402

BOTH = pytest.mark.parametrize("build", [mobilenet.v1, mobilenet.v2], ids=["v1", "v2"])


@pytest.mark.parametrize(
    ("build", "width", "parameters"),
    [
        (mobilenet.v1, 1.0, 3_235_463),
        (mobilenet.v1, 0.25, 220_199),
        (mobilenet.v2, 1.0, 2_266_375),
        (mobilenet.v2, 0.35, 418_887),
    ],
)
def test_parameters(build, width, parameters):
    assert build(48, 1, 7, width=width).count_params() == parameters


def test_learns_in_mixed_precision_with_logits_in_float32():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = mobilenet.v1(32, 1, 3, seed=0, width=0.25)
    finally:
        keras.config.set_dtype_policy(before)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.02, momentum=0.9), loss, jit_compile=False)
    pictures, labels = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 1)).astype("float32"), np.arange(6) % 3
    losses = [float(model.train_on_batch(pictures, labels)) for _ in range(8)]
    assert min(losses[-3:]) < losses[0]
    assert model.layers[-1].name == "logits"
    assert keras.backend.standardize_dtype(model.output.dtype) == "float32"


@BOTH
def test_deployed_and_saved_are_the_same_function(build, tmp_path):
    model = build(48, 3, 5, width=0.25)
    model.save(tmp_path / "model.keras")
    plain = fixed.deploy(keras.models.load_model(tmp_path / "model.keras", compile=False), batch=2)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 3)).astype("float32")
    expected = np.asarray(model(pictures, training=False))
    assert expected.shape == (2, 5)
    assert np.allclose(plain(pictures, training=False), expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


@BOTH
def test_a_width_that_leaves_no_channel_is_refused(build):
    with pytest.raises(RunError, match=r"width is 0\.01; mobilenet\w* takes 0\.03125 or more"):
        build(48, 1, 7, width=0.01)


@pytest.mark.parametrize(("build", "width"), [(mobilenet.v1, 0.35), (mobilenet.v2, 0.25)])
def test_a_width_never_learnt_on_imagenet_is_refused(build, width):
    with pytest.raises(RunError, match=rf"width is {width}; mobilenet\w* has weights from ImageNet at 0\."):
        build(48, 1, 7, width=width, weights="imagenet")


def test_the_statistics_of_v2_follow_as_fast_as_elsewhere():
    norms = [layer for layer in mobilenet.v2(32, 1, 7).layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert {layer.momentum for layer in norms} == {0.99}
