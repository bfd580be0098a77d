import numpy as np
import pytest

from export.errors import RunError

pytestmark = pytest.mark.tensorflow
keras = pytest.importorskip("keras")

from export.architectures import fixed, resnet  # noqa: E402

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("build", "parameters"),
    [(resnet.resnet34, 21_299_015), (resnet.resnet50, 23_602_055), (resnet.resnet50v2, 23_572_871)],
)
def test_parameters(build, parameters):
    assert build(48, 1, 7).count_params() == parameters


def test_resnet34_has_the_size_it_has_elsewhere():
    model = resnet.resnet34(224, 3, 1000)
    assert sum(int(np.prod(v.shape)) for v in model.trainable_weights) == 21_797_672


def test_resnet34_deployed_and_saved_is_the_same_function(tmp_path):
    model = resnet.resnet34(32, 1, 5)
    model.save(tmp_path / "model.keras")
    plain = fixed.deploy(keras.models.load_model(tmp_path / "model.keras", compile=False), batch=2)
    pictures = RNG.integers(0, 256, (2, 32, 32, 1)).astype("float32")
    expected = np.asarray(model(pictures, training=False))
    assert expected.shape == (2, 5)
    assert np.allclose(plain(pictures, training=False), expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def test_resnet34_from_imagenet_does_not_exist():
    with pytest.raises(RunError, match="no weights from ImageNet for resnet34 in Keras; take resnet50"):
        resnet.resnet34(48, 1, 7, weights="imagenet")


def test_resnet34_starts_from_a_file_of_its_own(tmp_path):
    headless = resnet.headless34(input_shape=(64, 64, 3))
    headless.save_weights(tmp_path / "faces.weights.h5")
    model = resnet.resnet34(32, 3, 7, weights=tmp_path / "faces.weights.h5")
    for name in ("conv1_conv", "conv3_block1_0_conv", "conv5_block3_2_conv"):
        assert np.array_equal(model.get_layer(name).kernel, headless.get_layer(name).kernel)


@pytest.fixture(scope="module")
def caffe(tmp_path_factory):
    """ResNet-50 of keras.applications without its top, with a bias in the first layer, and the file of its weights."""
    keras.utils.set_random_seed(0)
    model = keras.applications.ResNet50(input_shape=(32, 32, 3), include_top=False, weights=None, pooling="avg")
    model.get_layer("conv1_conv").bias.assign(np.linspace(-1, 1, 64))
    path = tmp_path_factory.mktemp("weights") / "resnet50.weights.h5"
    model.save_weights(path)
    return model, path


@pytest.mark.parametrize("channels", [3, 1], ids=["colour", "grey"])
def test_resnet50_gives_its_backbone_bgr_without_the_means(caffe, channels):
    learnt, path = caffe
    pictures = RNG.integers(0, 256, (2, 32, 32, channels)).astype("float32")
    colour = np.broadcast_to(pictures, (2, 32, 32, 3)).copy()
    expected = np.asarray(learnt(keras.applications.resnet50.preprocess_input(colour), training=False))
    model = resnet.resnet50(32, channels, 7, weights=path)
    found = np.asarray(keras.Model(model.input, model.get_layer("pool").output)(pictures, training=False))
    assert np.allclose(found, expected, rtol=1e-3, atol=1e-4 * expected.max())
