"""Import time and memory in fresh processes; what each extra takes on the disk, in fresh environments.

The environments need pip's index and minutes: they are made with `FERLITE_SIZES=1` only.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize(
    "code",
    ["import ferlite", "import cv2", "import ferlite; ferlite.Recognizer"],
    ids=["ferlite", "cv2", "ferlite and cv2"],
)
def test_import(benchmark, code):
    benchmark.pedantic(run, (code,), rounds=5, warmup_rounds=1)


def test_first_result(benchmark):
    code = "import ferlite, numpy; ferlite.Recognizer()(numpy.zeros((480, 640, 3), 'uint8'))"
    memory = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    (kilobytes,) = benchmark.pedantic(run, (f"{code}\n{memory}",), rounds=5, warmup_rounds=1)
    benchmark.extra_info["resident memory, MB"] = int(kilobytes) // 1024


@pytest.mark.skipif("FERLITE_SIZES" not in os.environ, reason="makes environments: FERLITE_SIZES=1")
@pytest.mark.parametrize("extra", ["", "onnx", "demo", "report", "export"])
def test_installed_size(benchmark, tmp_path, extra):
    venv.create(tmp_path, with_pip=True)
    before = size_of(tmp_path)
    line = [tmp_path / "bin" / "pip", "install", "--quiet", f"{ROOT}[{extra}]" if extra else ROOT]
    benchmark.pedantic(subprocess.run, (line,), {"check": True}, rounds=1)
    benchmark.extra_info["installed, MB"] = (size_of(tmp_path) - before) // 10**6


def size_of(folder):
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
