"""The command on computers where something is broken: packages that die, hang or refuse stand before the real ones."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import pytest

from ferlite import cards
from ferlite.doctor import Status, cameras, software
from ferlite.doctor.machine import BITS
from ferlite.doctor.software import TINY_ONNX
from tests.conftest import ROOT

DIES = "import os, signal\nos.kill(os.getpid(), signal.{})"
HANGS = "import time\ntime.sleep(60)"
NO_GL = "raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory')"
# what opencv-python 4.9 does beside NumPy 2, shortened
OLDER_NUMPY = """
import sys
print("A module that was compiled using NumPy 1.x cannot be run in\\nNumPy 2.2.6 as it may crash.", file=sys.stderr)
raise ImportError("numpy.core.multiarray failed to import")
"""
FOR_64_BITS = ("opencv", "pip install 'opencv-python>=4.12,<6'"), ("litert", "pip install ai-edge-litert")
FOR_32_BITS = (
    (
        "opencv",
        "sudo apt install python3-opencv opencv-data, and make the virtual environment with --system-site-packages",
    ),
    ("tflite-runtime", "pip install tflite-runtime==2.14.0 'numpy<2'"),
)
IMPATIENT = """
import sys
from ferlite.doctor import software
from ferlite.interpreters import trial
software.TIME_LIMIT = trial.TIME_LIMIT = 0.3
for finding in software.findings():
    print(finding.name, finding.status, finding.text, sep="|")
"""


def test_a_healthy_computer(ferlite):
    done = ferlite("doctor", "--json")
    report = json.loads(done.stdout)
    found = {check["name"]: check for check in report["checks"]}
    works = {name for name, check in found.items() if check["data"].get("works")}
    assert {"numpy", "opencv", "detector", "reading"} <= works
    assert works & {"litert", "tflite-runtime"}
    assert 0 < found["reading"]["data"]["ms"] < 10_000
    assert 0 < found["detector"]["data"]["ms"] < 10_000
    assert found["model"]["data"]["file"] == "flagship-int8.tflite"
    assert found["nano-int8"]["data"]["file"] == "nano-int8.tflite"
    assert re.match(r"\d+\.\d+", found["opencv"]["data"]["version"])
    assert found["windows"]["status"] == "note"  # no screen is given
    assert {key for check in report["checks"] for key in check} == {"name", "status", "text", "advice", "data"}


def test_a_network_of_one_layer_is_a_network():
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(TINY_ONNX)
    onnx.checker.check_model(model)
    assert [node.op_type for node in model.graph.node] == ["Relu"]


def test_nothing_but_python_is_enough_to_say_what_is_missing(checks, bare_python):
    found = checks(python=bare_python)
    for name, line in (
        ("numpy", "pip install 'numpy>=1.24,<3'"),
        ("tqdm", "pip install 'tqdm>=4.66.3,<5'"),
        *(FOR_64_BITS if BITS == 64 else FOR_32_BITS),
    ):
        assert found[name]["status"] == "problem"
        assert found[name]["advice"] == line.replace("pip", f"{bare_python} -m pip")


@pytest.mark.parametrize(
    ("broken", "text", "advice"),
    [
        (NO_GL, "ImportError: libGL.so.1: cannot open", "libgl1"),
        (OLDER_NUMPY, "ImportError: numpy.core.multiarray failed to import", "install --upgrade 'opencv-python"),
        (DIES.format("SIGILL"), "was killed by SIGILL", "pip index versions opencv-python"),
        ("import os\nos._exit(3)", "ended with exit code 3 and no answer", "--force-reinstall"),
    ],
)
def test_an_opencv_that_does_not_load(checks, fakes, bare_python, broken, text, advice):
    # without engines, which are another matter
    numpy = (
        "__version__ = '2.2.6'\nfloat32 = None\nclass One:\n    __matmul__ = lambda a, b: a\nones = lambda *_: One()"
    )
    found = checks(fakes=fakes(cv2=broken, numpy=numpy), python=bare_python)
    assert found["numpy"]["status"] == "ok"
    assert found["opencv"]["status"] == "problem"
    assert text in found["opencv"]["text"]
    assert advice in found["opencv"]["advice"]
    assert found["windows"]["text"] == "not tried, as OpenCV does not work"


def test_a_numpy_that_dies_is_named_and_nothing_else_is_tried(checks, fakes):
    found = checks(fakes=fakes(numpy=DIES.format("SIGILL")))
    assert found["numpy"]["status"] == "problem"
    assert "was killed by SIGILL" in found["numpy"]["text"]
    for name in ("opencv", "litert", "onnxruntime"):
        if "not installed" not in found[name]["text"]:
            assert found[name]["text"] == "not tried, as NumPy does not work"


def test_engines_that_die_are_named(checks, fakes):
    dead = DIES.format("SIGILL")
    found = checks(fakes=fakes(ai_edge_litert=dead, tflite_runtime=dead, onnxruntime=dead))
    for name in ("litert", "tflite-runtime", "onnxruntime"):
        assert found[name]["status"] == "problem"
        assert "was killed by SIGILL in its trial" in found[name]["text"]
        assert found[name]["data"]["works"] is False
    assert found["reading"]["status"] == "note"


def test_what_hangs_is_given_up(fakes, tmp_path):
    places = os.pathsep.join([str(fakes(numpy=HANGS)), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", IMPATIENT],
        env=os.environ | {"PYTHONPATH": places},
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.match(r"numpy\|problem\|.*hangs: gave no answer in 0\.3 s\n", done.stdout)


@pytest.fixture
def clone(tmp_path):
    """A copy of ferlite whose files may be damaged, laid out as in a clone."""
    home = tmp_path / "clone"
    source, models = Path(cards.__file__).parent, cards.find().weights.parent
    shutil.copytree(source, home / "ferlite", ignore=shutil.ignore_patterns("__pycache__", "models"))
    shutil.copytree(models, home / "models")
    return home


def cut(file):
    file.write_bytes(file.read_bytes()[:-100])


def test_a_damaged_model_is_a_problem_and_no_engine_runs_it(checks, clone):
    cut(clone / "models/flagship-int8.tflite")
    found = checks(home=clone)
    assert found["model"]["status"] == "problem"
    assert "wrong checksum" in found["model"]["text"]
    assert found["model"]["advice"] == "get ferlite again, from where this copy of it came"
    assert found["litert"]["text"] in ("not tried, as the model does not work", "not installed")
    assert found["reading"]["data"]["works"] is None


def test_so_is_a_damaged_card_and_a_model_that_is_gone(checks, clone, bare_python):
    cut(clone / "models/flagship-int8.tflite.json")
    assert "not a readable card" in checks(home=clone, python=bare_python)["model"]["text"]
    (clone / "models/flagship-int8.tflite.json").unlink()
    (clone / ".git").mkdir()
    found = checks(home=clone, python=bare_python)["model"]
    assert found["text"] == f"{clone}/models/flagship-int8.tflite.json: the model's card is missing"
    assert found["advice"] == f"git -C {clone} checkout -- models"
    shutil.rmtree(clone / "models")
    found = checks(home=clone, python=bare_python)["model"]
    assert (found["status"], found["text"]) == ("problem", "flagship-int8.tflite did not come along with ferlite")


def test_a_damaged_model_beside_the_default_keeps_nothing_else_from_working(checks, clone):
    cut(clone / "models/nano-int8.tflite")
    found = checks(home=clone)
    assert found["nano-int8"]["status"] == "problem"
    assert found["model"]["status"] == "ok"
    assert found["reading"]["data"]["works"]
    (clone / "models/flagship-int8.tflite").unlink()
    assert checks(home=clone)["model"]["text"] == "flagship-int8.tflite did not come along with ferlite"


def test_so_is_a_damaged_detector_and_one_that_is_gone(checks, clone):
    cut(clone / "models/detectors/face-int8.tflite")
    found = checks(home=clone)["detector"]
    assert (found["status"], found["data"]["works"]) == ("problem", False)
    assert "face-int8.tflite: wrong checksum" in found["text"]
    shutil.rmtree(clone / "models/detectors")
    found = checks(home=clone)["detector"]
    assert (found["status"], found["text"]) == ("problem", "face-int8.tflite did not come along with ferlite")


def test_a_damaged_yunet_is_a_problem(checks, bare_python, tmp_path):
    (tmp_path / "face_detection_yunet_2023mar.onnx").write_bytes(b"half of it")
    found = checks(python=bare_python, FERLITE_CACHE=str(tmp_path))
    assert found["yunet"]["status"] == "problem"
    assert "damaged: wrong checksum" in found["yunet"]["text"]


def test_yunet_is_run_where_it_is(checks, data, tmp_path):
    shutil.copy(data("models/face_detection_yunet_2023mar.onnx"), tmp_path)
    found = checks(FERLITE_CACHE=str(tmp_path))
    assert (found["yunet"]["status"], found["yunet"]["data"]["works"]) == ("ok", True)


@pytest.mark.parametrize(
    ("version", "numpy", "wheels", "status", "advice"),
    [
        ("4.11.0", "2.2.6", ["opencv-python"], "problem", "pip install 'opencv-python>=4.12,<6'"),
        ("4.10.0", "1.26.4", ["opencv-python-headless"], "problem", "pip install 'opencv-python-headless<4.10'"),
        (
            "4.11.0",
            "2.2.6",
            ["opencv-python", "opencv-contrib-python"],
            "problem",
            "pip uninstall -y opencv-python opencv-contrib-python; pip install 'opencv-python>=4.12,<6'",
        ),
        ("4.10.0", "2.2.4", [], "note", "sudo apt upgrade"),  # Debian 13 has its own, and may mend it
        ("4.9.0", "1.26.4", ["opencv-python"], "ok", None),
        ("4.12.0", "2.2.6", ["opencv-python"], "ok", None),
    ],
)
def test_an_opencv_that_damaged_pictures_crash(monkeypatch, version, numpy, wheels, status, advice):
    answers = {
        "numpy": {"version": numpy, "location": "numpy/__init__.py"},
        "opencv": {"version": version, "location": "cv2/__init__.py", "gui": "NONE", "haar": None},
    }
    monkeypatch.setattr(software, "probe", lambda name: answers[name])
    monkeypatch.setattr(software.device, "versions", lambda *names: dict.fromkeys(wheels, f"{version}.84"))
    _, opencv = islice(software.findings(), 2)
    assert (opencv.status, opencv.advice or None) == (status, advice)
    assert ("CVE-2025-53644" in opencv.text) == (status != "ok")
    assert opencv.data["works"] is True


def test_two_wheels_of_opencv_are_noted_and_a_screen_that_is_not_there(fakes, monkeypatch):
    folder = fakes()
    for name in ("opencv_python", "opencv_python_headless"):
        (folder / f"{name}-4.14.0.dist-info").mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 4.14.0\n"
        (folder / f"{name}-4.14.0.dist-info" / "METADATA").write_text(metadata)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("DISPLAY", ":4242")
    _, opencv, windows = islice(software.findings(), 3)
    assert opencv.status is windows.status is Status.NOTE
    assert opencv.advice.startswith("pip uninstall -y opencv-python opencv-python-headless; pip install")
    if windows.data["gui"] != "NONE":
        assert "opens none at DISPLAY=:4242: " in windows.text


def test_picamera2_with_its_cameras_and_without_its_parts(fakes, monkeypatch, tmp_path):
    says = "class Picamera2:\n    global_camera_info = staticmethod(lambda: [{'Model': 'imx708'}])"
    folder = fakes(picamera2=says)
    monkeypatch.syspath_prepend(str(folder))
    *_, finding = cameras.findings(tmp_path)
    assert finding.text == "Picamera2 works; camera modules: imx708"
    # Debian's simplejpeg beside pip's NumPy 2
    clash = "numpy.dtype size changed, may indicate binary incompatibility. Expected 88 from C header, got 96"
    (folder / "picamera2/__init__.py").write_text(f"raise ValueError({clash!r})")
    *_, finding = cameras.findings(tmp_path)
    assert (finding.status, finding.advice) == ("note", "pip install 'numpy<2'")
    assert clash in finding.text


def test_a_raspberry_pi_without_picamera2_is_told_where_it_comes_from(pi):
    if find_spec("picamera2") is not None:
        pytest.skip("Picamera2 is installed")
    *_, finding = cameras.findings(pi())
    assert finding.advice.startswith("sudo apt install python3-picamera2")


def test_the_doctor_imports_neither_numpy_nor_opencv():
    code = "import sys, ferlite.cli, ferlite.cli.doctor; assert not {'numpy', 'cv2', 'tqdm'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)


def test_other_commands_say_in_one_line_why_they_cannot_start(ferlite, fakes):
    done = ferlite("image", "photo.jpg", fakes=fakes(cv2=NO_GL))
    assert done.returncode == 1
    assert done.stderr == f"ferlite: cannot start: {_reason(NO_GL)}; run `ferlite doctor`\n"
    assert done.stdout == ""


def test_the_page_that_numpy_prints_does_not_hide_that_line(ferlite, fakes):
    done = ferlite("run", fakes=fakes(cv2=f"print('Install numpy')\n{OLDER_NUMPY}"))
    assert (done.returncode, done.stdout) == (1, "")
    line = "ferlite: cannot start: ImportError: numpy.core.multiarray failed to import; run `ferlite doctor`\n"
    assert done.stderr == line


def _reason(code: str) -> str:
    return "ImportError: " + code.partition("'")[2].rpartition("'")[0]
