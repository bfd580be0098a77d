"""Models are untrusted: damaged and hostile files are refused in words, and no code is loaded on the device."""

import ast
import json
import re
import resource
from pathlib import Path

import numpy as np
import pytest

import ferlite
from benchmarks.reliability import models
from ferlite import EmotionClassifier, cards
from ferlite.errors import EngineError, ModelError
from ferlite.interpreters import trial

UNSAFE_MODULES = {
    *("pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml", "code", "runpy"),
    *("imp", "ctypes", "zipfile", "tarfile"),  # no code from files, and no archives, whose names can leave a folder
}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__", "unpack_archive", "load_module", "exec_module"}
NOT_HERE = re.compile(r"http://(?!localhost\b|127\.0\.0\.1\b|\[::1\])[\w\[]")


@pytest.fixture
def save(tmp_path):
    """Write an ONNX network from "image" (1, 48, 48, 1) to "values" (1, 2), with its card."""
    onnx = pytest.importorskip("onnx")

    def write(nodes, weights=(), shape=(1, 2), **card) -> Path:
        helper, kind = onnx.helper, onnx.TensorProto.FLOAT
        tensors = [tensor if hasattr(tensor, "dims") else onnx.numpy_helper.from_array(*tensor) for tensor in weights]
        graph = helper.make_graph(
            nodes,
            "hostile",
            [helper.make_tensor_value_info("image", kind, [1, 48, 48, 1])],
            [helper.make_tensor_value_info("values", kind, shape)],
            tensors,
        )
        path = tmp_path / "hostile.onnx"
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        path.write_bytes(model.SerializeToString())
        network = {"height": 48, "width": 48, "color": "grey", "range": [0, 1]}
        described = {"file": path.name, "sha256": cards.sha256(path), "labels": ["calm", "tense"], "input": network}
        cards.card_path(path).write_text(json.dumps(described | {"output": "logits"} | card))
        return path

    return write


@pytest.fixture
def node():
    return pytest.importorskip("onnx").helper.make_node


def mean_as_values(node):
    """Nodes and weights for "both", (1, 2): the mean of the picture, 0…1, twice."""
    nodes = [
        node("ReduceMean", ["image"], ["mean"], axes=[1, 2], keepdims=0),
        node("Concat", ["mean"] * 2, ["both"], axis=1),
    ]
    return nodes


@pytest.mark.parametrize("source", ["tflite", "onnx"])
def test_damaged_files_of_the_right_checksum_do_no_harm(source, tmp_path):
    if source == "onnx":
        pytest.importorskip("onnx")
    whole = cards.find().weights if source == "tflite" else models._small_network(tmp_path)
    with models.Opener(tmp_path / "cache") as opener:
        said = [opener.outcome(models.write_case(whole, tmp_path, 3, number)) for number in (2, 3)]
    assert not [line for line in said if line.startswith(models.FINDING)]
    # what LiteRT refuses, tflite-runtime may die of in its trial, and that is contained
    assert [line for line in said if line.startswith(("refused: ", "contained: "))]


def test_values_that_are_no_numbers_never_leave_the_classifier(save, node):
    # NaN for every picture; for bright ones only, √(½ - mean); more than float32 can say
    always = [*mean_as_values(node), node("Sub", ["both", "both"], ["none"]), node("Div", ["none", "none"], ["values"])]
    with pytest.raises(ModelError, match=r"hostile\.onnx: gives values that are no numbers \(inf or NaN\)"):
        EmotionClassifier(save(always))
    sometimes = [*mean_as_values(node), node("Sub", ["half", "both"], ["rest"]), node("Sqrt", ["rest"], ["values"])]
    classifier = EmotionClassifier(save(sometimes, [(np.full(1, 0.5, np.float32), "half")]))
    assert classifier.predict(np.zeros((1, 48, 48), np.uint8)).tolist() == [[0.5, 0.5]]
    with pytest.raises(ModelError, match="no numbers"):
        classifier.predict(np.full((1, 48, 48), 255, np.uint8))


def test_finite_values_of_any_size_give_probabilities(save, node):
    scaled = [*mean_as_values(node), node("Mul", ["both", "huge"], ["values"])]
    classifier = EmotionClassifier(save(scaled, [(np.array([3e38, -3e38], np.float32), "huge")]))
    assert classifier.predict(np.full((1, 48, 48), 255, np.uint8)).tolist() == [[1, 0]]


def test_logits_under_a_card_that_says_probabilities_are_noticed(save, node):
    shifted = [*mean_as_values(node), node("Sub", ["both", "one"], ["values"])]
    with pytest.raises(ModelError, match="gives values below 0, its card says probabilities, not logits"):
        EmotionClassifier(save(shifted, [(np.ones(1, np.float32), "one")], output="probabilities"))
    nothing = [*mean_as_values(node), node("Identity", ["both"], ["values"])]
    with pytest.raises(ModelError, match="nothing but zeros"):
        EmotionClassifier(save(nothing, output="probabilities"))


def test_a_shape_that_changes_with_the_picture_is_noticed(save, node):
    nodes = [node("NonZero", ["image"], ["places"]), node("Cast", ["places"], ["values"], to=1)]
    with pytest.raises(ModelError, match=r"gives \(4, 0\), its card has 2 labels"):
        EmotionClassifier(save(nodes, shape=("n", "m")))


def test_a_network_that_never_ends_is_given_up(save, node, monkeypatch):
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto
    body = helper.make_graph(
        [node("Identity", ["go"], ["still"]), node("Identity", ["before"], ["after"])],
        "body",
        [
            helper.make_tensor_value_info("turn", kind.INT64, []),
            helper.make_tensor_value_info("go", kind.BOOL, []),
            helper.make_tensor_value_info("before", kind.FLOAT, [1, 2]),
        ],
        [
            helper.make_tensor_value_info("still", kind.BOOL, []),
            helper.make_tensor_value_info("after", kind.FLOAT, [1, 2]),
        ],
    )
    nodes = [*mean_as_values(node), node("Loop", ["", "true", "both"], ["values"], body=body)]
    monkeypatch.setattr(trial, "TIME_LIMIT", 1.0)
    with pytest.raises(EngineError, match=r"ONNX Runtime .* did not finish its trial in 1 s"):
        EmotionClassifier(save(nodes, [(np.array(True), "true")]))


def test_a_network_that_asks_for_all_memory_is_refused_at_the_cost_of_none(save, node):
    fill = node("ConstantOfShape", ["size"], ["many"])
    nodes = [
        fill,
        node("ReduceSum", ["many"], ["sum"]),
        *mean_as_values(node),
        node("Add", ["both", "sum"], ["values"]),
    ]
    path = save(nodes, [(np.array([1 << 34], np.int64), "size")])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(
        (ModelError, EngineError), match=r"hostile\.onnx: not a model ONNX Runtime can run|was killed by"
    ):
        EmotionClassifier(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # KB


@pytest.mark.parametrize("place", ["secret", "../secret", "/dev/zero"])
def test_weights_in_other_files_are_not_looked_for(save, node, tmp_path, monkeypatch, place):
    onnx = pytest.importorskip("onnx")
    (tmp_path / "secret").write_bytes(bytes(8))
    (tmp_path / "inside").mkdir()
    monkeypatch.chdir(tmp_path / "inside" if place.startswith("..") else tmp_path)
    outside = onnx.TensorProto(name="more", data_type=onnx.TensorProto.FLOAT, dims=[1, 2])
    outside.data_location = onnx.TensorProto.EXTERNAL
    outside.external_data.add(key="location", value=place)
    nodes = [*mean_as_values(node), node("Add", ["both", "more"], ["values"])]
    path = save(nodes, [outside])
    for backend in ("auto", "onnxruntime"):
        with pytest.raises(ModelError, match=r"hostile\.onnx: it keeps weights in another file"):
            EmotionClassifier(path, backend=backend)


def test_weights_of_sparse_constants_in_other_files_are_not_looked_for(save, node, tmp_path):
    # ONNX Runtime 1.26 checks where dense weights are, and reads these from anywhere
    onnx = pytest.importorskip("onnx")
    (tmp_path / "secret").write_bytes(bytes(8))
    values = onnx.TensorProto(name="values", data_type=onnx.TensorProto.FLOAT, dims=[2])
    values.data_location = onnx.TensorProto.EXTERNAL
    values.external_data.add(key="location", value=str(tmp_path / "secret"))
    indices = onnx.numpy_helper.from_array(np.array([0, 1]), "indices")
    sparse = onnx.helper.make_sparse_tensor(values, indices, [1, 2])
    constant = node("Constant", [], ["more"], sparse_value=sparse)
    path = save([*mean_as_values(node), constant, node("Add", ["both", "more"], ["values"])])
    for backend in ("auto", "onnxruntime"):
        with pytest.raises(ModelError, match=r"hostile\.onnx: it keeps weights in another file"):
            EmotionClassifier(path, backend=backend)


def test_no_code_is_loaded_on_the_device_and_nothing_unsafe_is_fetched():
    for path in Path(ferlite.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            where = f"{path}:{getattr(node, 'lineno', '')}"
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            assert UNSAFE_MODULES.isdisjoint(part for name in names for part in name.split(".")), where
            if isinstance(node, ast.Call):
                called = node.func.id if isinstance(node.func, ast.Name) else None
                attribute = node.func.attr if isinstance(node.func, ast.Attribute) else None
                of = getattr(getattr(node.func, "value", None), "id", None)
                assert called not in UNSAFE_CALLS, where
                assert attribute not in UNSAFE_CALLS - {"compile"}, where  # re.compile is another one
                assert (of, attribute) not in {("np", "load"), ("numpy", "load"), ("os", "system")}, where
                assert {"allow_pickle", "shell"}.isdisjoint(keyword.arg for keyword in node.keywords), where
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not NOT_HERE.search(node.value), where
