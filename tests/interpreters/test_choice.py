import sys

import pytest

from ferlite import cards, interpreters
from ferlite.errors import EngineError, ModelError, SettingError


def test_the_engine_follows_from_the_kind_of_file(make_network):
    pytest.importorskip("onnxruntime")
    assert interpreters.choose(cards.find().weights) in ("litert", "tflite-runtime")
    assert interpreters.choose(make_network()) == "onnxruntime"


def test_another_kind_of_file_is_said(tmp_path):
    path = tmp_path / "net.h5"
    path.touch()
    with pytest.raises(ModelError, match=r"no engine for \.h5; use \.tflite or \.onnx"):
        interpreters.load(path)


@pytest.mark.parametrize("kind", [".tflite", ".onnx"])
@pytest.mark.parametrize("make", ["nothing", "a folder"])
def test_a_file_that_cannot_be_read_is_said(tmp_path, kind, make):
    if kind == ".onnx":
        pytest.importorskip("onnxruntime")
    path = tmp_path / f"net{kind}"
    if make == "a folder":
        path.mkdir()
    with pytest.raises(ModelError, match=rf"net\{kind}: cannot be read: (No such file|Is a directory)"):
        interpreters.load(path)


def test_a_backend_that_does_not_exist_is_said():
    with pytest.raises(SettingError, match="backend is 'coral'; there are auto, litert, tflite-runtime, onnxruntime"):
        interpreters.load(cards.find().weights, backend="coral")


def test_a_backend_for_other_files_is_said(tmp_path):
    with pytest.raises(SettingError, match=r"'onnxruntime' is for \.onnx files; .*needs litert or tflite-runtime"):
        interpreters.load(cards.find().weights, backend="onnxruntime")
    with pytest.raises(SettingError, match=r"'litert' is for \.tflite files; .*net\.onnx needs onnxruntime"):
        interpreters.load(tmp_path / "net.onnx", backend="litert")


@pytest.mark.parametrize(
    ("backend", "package", "suffix", "install"),
    [
        ("litert", "ai_edge_litert", ".tflite", r"pip install ai-edge-litert"),
        ("tflite-runtime", "tflite_runtime", ".tflite", r"pip install tflite-runtime==2\.14\.0 'numpy<2'"),
        ("onnxruntime", "onnxruntime", ".onnx", "pip install onnxruntime"),
    ],
)
def test_a_missing_engine_comes_with_the_line_that_installs_it(
    monkeypatch, tmp_path, backend, package, suffix, install
):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EngineError, match=f"is not installed: {install}"):
        interpreters.load(tmp_path / f"net{suffix}", backend=backend)


def test_without_any_engine_all_that_would_do_are_listed(monkeypatch):
    for package in ("ai_edge_litert", "tflite_runtime"):
        monkeypatch.setitem(sys.modules, package, None)
    every = r"\.tflite files works here: LiteRT is not installed \(pip .*\); tflite-runtime is not installed \(pip .*"
    with pytest.raises(EngineError, match=every):
        interpreters.load(cards.find().weights)
