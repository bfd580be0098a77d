"""What `import ferlite` costs and drags in, in a process of its own."""

import ast
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

import ferlite

HEAVY = ("tensorflow", "keras", "torch", "onnxruntime", "ai_edge_litert", "tflite_runtime", "matplotlib", "tqdm")
NOT_ASKED_FOR = ("starlette", "uvicorn", "asyncio")


def modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_import_loads_nothing_heavy():
    loaded = modules_after("import ferlite")
    assert loaded.isdisjoint((*HEAVY, *NOT_ASKED_FOR))
    assert "cv2" not in loaded


def test_the_api_loads_opencv_and_no_engine_but_the_one_in_use():
    loaded = modules_after("from ferlite import Recognizer, Pipeline, Camera, VideoFile, draw")
    assert "cv2" in loaded
    assert loaded.isdisjoint(HEAVY)
    loaded = modules_after("import ferlite; ferlite.EmotionClassifier()")
    assert loaded.isdisjoint(set(HEAVY) - {"ai_edge_litert", "tflite_runtime", "tqdm"})


def test_the_command_loads_no_server_before_it_is_asked_for():
    assert modules_after("import ferlite.cli").isdisjoint(NOT_ASKED_FOR)


def test_everything_public_is_there():
    for name in ferlite.__all__:
        assert getattr(ferlite, name).__name__ == name
    assert set(ferlite.__all__) <= set(dir(ferlite))


def test_the_device_side_never_imports_the_workstation_side():
    for path in Path(ferlite.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            tops = {name.split(".")[0] for name in names}
            assert tops.isdisjoint({"export", "tensorflow", "keras", "torch"}), path


NOT_INSTALLED = "raise ModuleNotFoundError(name='cv2')"
# what the package says where a system library is missing
NO_LIBRARY = "raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory', name='cv2')"


@pytest.mark.parametrize(
    ("opencv", "message"),
    [(NOT_INSTALLED, "OpenCV is not installed: pip"), (NO_LIBRARY, "OpenCV does not load: libGL.so.1: cannot open")],
)
def test_a_missing_opencv_is_said_with_what_to_install(tmp_path, opencv, message):
    (tmp_path / "cv2.py").write_text(opencv)
    run = partial(subprocess.run, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True)
    done = run([sys.executable, "-c", "import ferlite\nferlite.Recognizer"], check=False)
    assert f"ferlite.errors.EngineError: {message}" in done.stderr
    done = run([sys.executable, "-m", "ferlite", "demo"], check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"ferlite: cannot start: {message}")
    assert done.stderr.count("\n") == 1
    assert "apt install lib" in done.stderr or "apt install python3-opencv" in done.stderr
