import shutil

import pytest

from ferlite import cards, interpreters
from ferlite.bench import plan
from ferlite.bench.plan import Setting
from ferlite.errors import EngineError, ModelError, SettingError


def test_without_a_wish_it_is_every_bundled_model_in_every_engine_that_works():
    networks, _ = plan.networks([], [])
    assert {network.model for network in networks} == {path.name for path in cards.bundled_models()}
    assert interpreters.choose(cards.find().weights) in {network.engine for network in networks}


def test_a_model_runs_in_the_engines_for_its_kind_of_file_only(make_network):
    engine = interpreters.choose(cards.find().weights)
    networks, _ = plan.networks(["flagship-int8", str(make_network())], [engine, "onnxruntime"])
    assert [(network.model, network.engine) for network in networks] == [
        ("flagship-int8.tflite", engine),
        ("means.onnx", "onnxruntime"),
    ]


@pytest.mark.parametrize(
    ("models", "engines", "error", "message"),
    [
        ([], ["torch"], SettingError, "torch"),
        (["none.tflite"], [], ModelError, "no such file"),
        (["flagship-int8"], ["onnxruntime"], EngineError, "needs litert or tflite-runtime"),
    ],
)
def test_wrong_wishes_are_refused(models, engines, error, message):
    with pytest.raises(error, match=message):
        plan.networks(models, engines)


def test_two_models_of_one_name_cannot_be_told_apart(make_network, tmp_path):
    path = make_network()
    other = tmp_path / "other" / path.name
    other.parent.mkdir()
    shutil.copy(path, other)
    shutil.copy(cards.card_path(path), cards.card_path(other))
    with pytest.raises(SettingError, match=r"two models are called means.onnx"):
        plan.networks([str(path), str(other)], [])


def test_one_thing_is_varied_at_a_time():
    networks, _ = plan.networks(["flagship-int8"], [])
    network = networks[0]
    settings = plan.around(networks, [1, 4], ["haar", "yunet"], [(320, 240), (640, 480)], [0, 1])
    assert settings[:4] == [
        Setting(network, 1, "haar", (640, 480), 1),
        Setting(network, 4, "haar", (640, 480), 1),
        Setting(network, 1, "haar", (320, 240), 1),
        Setting(network, 1, "haar", (640, 480), 0),
    ]
    assert len(settings) == len(set(settings)) == 8


def test_a_card_without_accuracy_is_described_all_the_same(make_network):
    described = plan.described(cards.find(make_network()))
    assert described["accuracy"] == {}
    assert described["bytes"] > 0
