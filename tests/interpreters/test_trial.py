"""Engines that work, crash, hang or refuse, as packages of their own that Python finds before the installed ones."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from ferlite import cards, interpreters
from ferlite.errors import EngineError, ModelError
from ferlite.interpreters import trial

NUMPY = f"with NumPy {np.__version__}"
MODULE = "ai_edge_litert.interpreter"
ROOT = Path(__file__).parents[2]
WORKING = """
import sys
sys.path = [place for place in sys.path if place != FAKES]
for name in [name for name in sys.modules if name.startswith("ai_edge_litert")]:
    del sys.modules[name]
from ai_edge_litert.interpreter import Interpreter
"""
DEAD_ON_IMPORT = "import os, signal\nos.kill(os.getpid(), signal.{})"
DEAD_ON_RUN = f"{WORKING}\nimport os, signal\nInterpreter.invoke = lambda self: os.kill(os.getpid(), signal.{{}})"
FOR_OLDER_NUMPY = "raise ImportError('numpy.core.multiarray failed\\n to import')"
# what tflite-runtime 2.14 does beside NumPy 2
REFUSES_NUMPY_LATER = """
class Interpreter:
    def __init__(self, **arguments):
        raise SystemError("<built-in method> returned a result with an exception set") from AttributeError("_API")
"""
QUITS = "import os\nos._exit(3)"
HANGS = "import time\ntime.sleep(60)"
# a file that tflite-runtime may also die of
REFUSED = r"not a model (LiteRT|tflite-runtime) can run: |.*tflite-runtime \S+ was killed by SIG(SEGV|BUS) "
USE = """
import logging, sys
from pathlib import Path
from ferlite import interpreters
from ferlite.interpreters import trial
logging.basicConfig(format="%(levelname)s of %(name)s: %(message)s")
trial.TIME_LIMIT = float(sys.argv[2])
try:
    print(interpreters.choose(Path(sys.argv[1])))
    interpreters.load(Path(sys.argv[1]))
except Exception as error:
    print(f"{type(error).__name__}: {error}")
"""


@pytest.fixture
def use(tmp_path):
    """Load a file, the bundled model without, in a new Python that finds fake engines first; what it said."""

    def run(weights: Path | None = None, time_limit: float = 60, **engines: str) -> str:
        for package, code in engines.items():
            module = "__init__" if package == "onnxruntime" else "interpreter"
            (tmp_path / package).mkdir()
            (tmp_path / package / "__init__.py").touch()
            (tmp_path / package / f"{module}.py").write_text(f"FAKES = {str(tmp_path)!r}\n{code}")
            info = tmp_path / f"{package}-9.9.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 9.9\n")
        places = os.pathsep.join([str(tmp_path), str(ROOT)])
        done = subprocess.run(
            [sys.executable, "-c", USE, weights or cards.find().weights, str(time_limit)],
            env=os.environ | {"PYTHONPATH": places, "FERLITE_CACHE": str(tmp_path / "cache")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    return run


@pytest.fixture
def starts(tmp_path, monkeypatch):
    """How many processes ferlite has started: trials in this process start anew, with an empty cache."""
    log, python = tmp_path / "starts", tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho one >> "{log}"\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(trial, "_works", set())
    monkeypatch.setenv("FERLITE_CACHE", str(tmp_path / "cache"))
    return lambda: len(log.read_text().splitlines()) if log.exists() else 0


needs_litert = pytest.mark.skipif(find_spec("ai_edge_litert") is None, reason="the fake engines work by LiteRT")


@needs_litert
@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (DEAD_ON_IMPORT.format("SIGILL"), "was killed by SIGILL in its trial"),
        (DEAD_ON_RUN.format("SIGSEGV"), "was killed by SIGSEGV in its trial"),
        (FOR_OLDER_NUMPY, f"does not work here, {NUMPY}: ImportError: numpy.core.multiarray failed to import"),
        (
            "raise OSError('libgomp.so.1: no such file')",
            f"does not work here, {NUMPY}: OSError: libgomp.so.1: no such file",
        ),
        (REFUSES_NUMPY_LATER, f"does not work here, {NUMPY}: AttributeError: _API"),
        ("", f"does not work here, {NUMPY}: AttributeError: module {MODULE!r} has no attribute 'Interpreter'"),
        (QUITS, "failed its trial with exit code 3: it said nothing"),
    ],
)
def test_an_engine_that_does_not_work_here_is_passed_over_with_a_warning(use, tmp_path, broken, fault):
    said = use(ai_edge_litert=broken, tflite_runtime=WORKING).splitlines()
    assert f"WARNING of ferlite.interpreters: LiteRT 9.9 {fault}; tflite-runtime is used instead" in said
    assert "tflite-runtime" in said
    (kept,) = json.loads((tmp_path / "cache/engines.json").read_text())
    assert kept.startswith("tflite-runtime, 9.9, ")


def test_an_engine_that_hangs_is_given_up(use, make_network):
    said = use(make_network(), time_limit=0.3, onnxruntime=HANGS)
    assert said.endswith("works here: ONNX Runtime 9.9 did not finish its trial in 0.3 s\n")


def test_where_no_engine_works_each_is_listed_with_its_fault(use, tmp_path):
    said = use(ai_edge_litert=DEAD_ON_IMPORT.format("SIGILL"), tflite_runtime=FOR_OLDER_NUMPY)
    assert said == (
        f"EngineError: {cards.find().weights}: no engine for .tflite files works here: "
        "LiteRT 9.9 was killed by SIGILL in its trial; "
        f"tflite-runtime 9.9 does not work here, {NUMPY}: ImportError: numpy.core.multiarray failed to import\n"
    )
    assert not (tmp_path / "cache").exists()


def test_an_only_engine_that_crashes_does_not_take_the_program_along(use, make_network):
    network = make_network()
    said = use(network, onnxruntime=DEAD_ON_IMPORT.format("SIGILL"))
    assert said == (
        f"EngineError: {network}: no engine for .onnx files works here: "
        "ONNX Runtime 9.9 was killed by SIGILL in its trial\n"
    )


def test_a_trial_is_run_once(starts, monkeypatch, tmp_path):
    weights = cards.find().weights
    for _ in range(2):
        interpreters.load(weights)
        assert starts() == 1
    monkeypatch.setattr(trial, "_works", set())  # as in the next process
    interpreters.load(weights)
    assert starts() == 1
    other = tmp_path / "other.tflite"
    other.write_bytes(weights.read_bytes() + b"\0")
    interpreters.load(other)
    assert starts() == 2


def test_a_file_that_the_engine_refuses_is_never_opened_here(starts, tmp_path, monkeypatch):
    path = tmp_path / "cut.tflite"
    path.write_bytes(cards.find().weights.read_bytes()[:1000])
    monkeypatch.setattr(interpreters, "import_module", None)  # what a load in this process needs
    for times in (1, 2):  # such a verdict is not kept
        with pytest.raises((ModelError, EngineError), match=rf"cut\.tflite: ({REFUSED})"):
            interpreters.load(path)
        assert starts() == times
    assert not (tmp_path / "cache").exists()


def test_a_trial_anew_does_not_rely_on_an_earlier_one(starts, tmp_path):
    weights = cards.find().weights
    engine = interpreters.ENGINES[interpreters.choose(weights)]
    assert trial.fault(engine, weights, anew=True) is None
    assert starts() == 2
    assert len(json.loads((tmp_path / "cache/engines.json").read_text())) == 1


@needs_litert
def test_a_trial_has_a_limit_of_memory(use):
    takes_more = f"import numpy as np\nmost = np.ones({trial.MEMORY_LIMIT} // 8 + 1)\n{WORKING}"
    said = use(ai_edge_litert=takes_more, tflite_runtime=WORKING)
    assert "LiteRT 9.9 does not work here" in said
    assert "Unable to allocate" in said


def test_an_engine_asked_for_by_name_is_not_tried(starts):
    weights = cards.find().weights
    interpreters.load(weights, backend=interpreters.choose(weights))
    assert starts() == 1


@pytest.mark.parametrize("content", [b"", b"[", b"\xff", b"{}", b"[1, null]", None])
def test_a_damaged_cache_is_written_anew(starts, tmp_path, monkeypatch, content):
    kept = tmp_path / "cache" / "engines.json"
    kept.parent.mkdir()
    if content is not None:
        kept.write_bytes(content)
    for _ in range(2):
        monkeypatch.setattr(trial, "_works", set())
        interpreters.choose(cards.find().weights)
        assert starts() == 1
    assert [path.name for path in kept.parent.iterdir()] == ["engines.json"]


@pytest.mark.parametrize("folder", ["engines.json", "/dev/null", "/proc/nowhere", "~no such user"])
def test_a_cache_that_cannot_be_written_costs_a_trial_a_process(starts, tmp_path, monkeypatch, folder):
    if folder == "engines.json":  # a folder in the place of the file
        (tmp_path / "cache" / folder).mkdir(parents=True)
    else:
        monkeypatch.setenv("FERLITE_CACHE", folder)
    for _ in range(2):
        interpreters.load(cards.find().weights)
        assert starts() == 1
    if folder == "engines.json":
        assert [path.name for path in (tmp_path / "cache").iterdir()] == [folder]


def test_where_no_process_can_be_started_the_engine_is_loaded_directly(starts, tmp_path, monkeypatch):
    weights = cards.find().weights
    silent = tmp_path / "silent"  # as an emulated system says that it cannot
    silent.write_text("#!/bin/sh\nexit 127\n")
    silent.chmod(0o755)
    for executable in ("", None, str(tmp_path / "nowhere"), str(tmp_path), str(silent)):
        monkeypatch.setattr(sys, "executable", executable)
        interpreters.load(weights)
    monkeypatch.undo()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(trial, "_works", set())
    monkeypatch.setenv("FERLITE_CACHE", str(tmp_path / "cache"))
    interpreters.load(weights)
    assert not (tmp_path / "cache").exists()


def test_the_current_folder_is_not_searched_for_modules(starts, tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(tmp_path)
    interpreters.choose(cards.find().weights)
    assert starts() == 1


def test_a_trial_needs_no_opencv():
    code = "import sys, ferlite.interpreters.__main__\nassert 'cv2' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
