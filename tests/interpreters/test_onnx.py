from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from ferlite import interpreters
from ferlite.errors import ModelError

onnx = pytest.importorskip("onnx")
KIND = onnx.TensorProto


@pytest.fixture
def save(tmp_path) -> Callable[..., Path]:
    """Write a network of the nodes that lead from "input" to "output"."""

    def write(nodes, given, result, weights=(), inputs=("input",)) -> Path:
        helper = onnx.helper
        graph = helper.make_graph(
            nodes,
            "network",
            [helper.make_tensor_value_info(name, *given) for name in inputs],
            [helper.make_tensor_value_info("output", *result)],
            [onnx.numpy_helper.from_array(values, name) for name, values in weights],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        path = tmp_path / "network.onnx"
        path.write_bytes(model.SerializeToString())
        return path

    return write


def cast(kind: int):
    return onnx.helper.make_node("Cast", ["input"], ["output"], to=kind)


def test_runs_a_network(make_network):
    interpreter = interpreters.load(make_network(color="rgb", size=(4, 6)))
    assert interpreter.input == ((1, 4, 6, 3), np.dtype(np.float32), 1.0, 0)
    values = np.zeros((1, 4, 6, 3), np.float32)
    values[..., 0], values[..., 1] = 3, 5
    assert interpreter.run(values).tolist() == [[3, 5]]


def test_runs_an_int8_network(save, tmp_path):
    quantization = pytest.importorskip("onnxruntime.quantization")
    node, random = onnx.helper.make_node, np.random.default_rng(0)
    path = save(
        [
            node("Conv", ["input", "kernel"], ["maps"], pads=[1, 1, 1, 1]),
            node("Relu", ["maps"], ["active"]),
            node("GlobalAveragePool", ["active"], ["means"]),
            node("Flatten", ["means"], ["flat"]),
            node("Gemm", ["flat", "matrix"], ["output"]),
        ],
        (KIND.FLOAT, [1, 1, 8, 8]),
        (KIND.FLOAT, [1, 3]),
        [
            ("kernel", random.normal(size=(4, 1, 3, 3)).astype(np.float32)),
            ("matrix", random.normal(size=(4, 3)).astype(np.float32)),
        ],
    )
    pictures = random.random((20, 1, 1, 8, 8), dtype=np.float32)

    class Pictures(quantization.CalibrationDataReader):
        rest = iter(pictures)

        def get_next(self):
            return next(({"input": picture} for picture in self.rest), None)

    smaller = tmp_path / "int8.onnx"
    quantization.quantize_static(
        path,
        smaller,
        Pictures(),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=True,
        activation_type=quantization.QuantType.QUInt8,
        reduce_range=True,  # else it overflows on processors without VNNI
    )
    assert "QuantizeLinear" in {node.op_type for node in onnx.load(smaller).graph.node}
    whole, int8 = interpreters.load(path), interpreters.load(smaller)
    assert int8.input == whole.input
    expected = np.concatenate([whole.run(picture) for picture in pictures])
    found = np.concatenate([int8.run(picture) for picture in pictures])
    assert found.dtype == np.float32
    assert 0 < np.abs(found - expected).max() < 0.1 * np.ptp(expected)


@pytest.mark.parametrize(("kind", "dtype"), [(KIND.UINT8, np.uint8), (KIND.INT8, np.int8)])
def test_integer_inputs_are_taken_as_they_are(save, kind, dtype):
    interpreter = interpreters.load(save([cast(KIND.FLOAT)], (kind, [1, 3]), (KIND.FLOAT, [1, 3])))
    assert interpreter.input == ((1, 3), np.dtype(dtype), 1.0, 0)
    assert interpreter.run(np.array([[0, 7, 99]], dtype)).tolist() == [[0, 7, 99]]


@pytest.mark.parametrize("kind", [KIND.DOUBLE, KIND.FLOAT16, KIND.INT8, KIND.INT64])
def test_outputs_of_any_number_become_float32(save, kind):
    interpreter = interpreters.load(save([cast(kind)], (KIND.FLOAT, [1, 2]), (kind, [1, 2])))
    output = interpreter.run(np.array([[1, 2]], np.float32))
    assert output.dtype == np.float32
    assert output.tolist() == [[1, 2]]


def test_a_free_batch_size_is_one_and_other_free_sizes_are_refused(save):
    same = onnx.helper.make_node("Identity", ["input"], ["output"])
    shape = (KIND.FLOAT, ["n", 2])
    assert interpreters.load(save([same], shape, shape)).input.shape == (1, 2)
    shape = (KIND.FLOAT, [1, "h", "w"])
    with pytest.raises(ModelError, match=r"network\.onnx: its input \(1, 'h', 'w'\) leaves .* with fixed sizes"):
        interpreters.load(save([same], shape, shape))


def test_inputs_and_outputs_that_are_no_pictures_and_values_are_said(save):
    with pytest.raises(ModelError, match=r"network\.onnx: inputs of type tensor\(int64\) are not supported"):
        interpreters.load(save([cast(KIND.FLOAT)], (KIND.INT64, [1, 2]), (KIND.FLOAT, [1, 2])))
    with pytest.raises(ModelError, match=r"network\.onnx: outputs of type tensor\(string\) are not supported"):
        interpreters.load(save([cast(KIND.STRING)], (KIND.FLOAT, [1, 2]), (KIND.STRING, [1, 2])))
    add, shape = onnx.helper.make_node("Add", ["input", "more"], ["output"]), (KIND.FLOAT, [1, 2])
    with pytest.raises(ModelError, match=r"network\.onnx: a model needs one input and one output"):
        interpreters.load(save([add], shape, shape, inputs=("input", "more")))


def test_a_network_that_loads_and_does_not_run_is_said(save):
    beyond = onnx.helper.make_node("Gather", ["input", "index"], ["output"], axis=1)
    shape = (KIND.FLOAT, [1, 2])
    path = save([beyond], (KIND.FLOAT, ["n", 2]), shape, [("index", np.array([[5, 6]], np.int64))])
    with pytest.raises(ModelError, match=r"network\.onnx: not a model ONNX Runtime can run"):
        interpreters.load(path)


def test_loaded_in_one_thread_and_run_in_another(make_network):
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        interpreter = one.submit(interpreters.load, make_network(size=(4, 6)), 2).result()
        assert other.submit(interpreter.run, np.ones((1, 4, 6, 1), np.float32)).result()[0, 0] == 1


@pytest.mark.parametrize("keep", [0, 10, -5])
def test_a_damaged_file_is_said(make_network, keep):
    path = make_network()
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelError, match=r"means\.onnx: (not a model ONNX Runtime can run|a model needs)"):
        interpreters.load(path)
