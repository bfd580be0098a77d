"""The baselines' virtual environments: made once in a cache folder outside the repository, then used again.

Those that ferlite shares an engine with get the versions that ferlite itself runs with here, so that code is compared
with code and not version with version.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import cv2

from ferlite.errors import EngineError

FOLDER = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ferlite-benchmarks"
ROOT = Path(__file__).parents[2]  # of the repository, where `python -m benchmarks.…` has to be started
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "-1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
}


def python(name: str, folder: Path) -> Path:
    """The interpreter of a baseline's environment in `folder`, made if it is not there. Raises EngineError."""
    place, requirements = folder.resolve() / name, _requirements(name)
    interpreter, note = place / "bin" / "python", place / "installed.txt"  # written last: what is whole has one
    if note.is_file() and note.read_text() == "\n".join(requirements):
        return interpreter
    print(f"making {place}: {' '.join(requirements)}", file=sys.stderr, flush=True)
    # from elsewhere: where ferlite's own metadata lie, pip counts it as installed and complains of what it lacks
    _run([sys.executable, "-m", "venv", "--clear", place], place.parent)
    _run([interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements], place.parent)
    note.write_text("\n".join(requirements))
    return interpreter


def network(name: str, folder: Path) -> Path:
    """The .tflite file of a network of networks.py, made by TensorFlow if it is not there. Raises EngineError."""
    path = folder.resolve() / f"{name}.tflite"
    if not path.is_file():
        _run([python("usual", folder), "-m", "benchmarks.baselines.networks", name, path], ROOT)
    return path


def _run(command: Sequence[str | Path], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.run(command, cwd=folder, env=os.environ | ONE_THREAD, capture_output=True, text=True)
    if process.returncode:
        said = (process.stdout + process.stderr).strip()[-2000:]
        raise EngineError(f"{shlex.join(map(str, command))} failed with code {process.returncode}:\n{said}")


def _requirements(name: str) -> list[str]:
    opencv = f"opencv-python-headless=={cv2.__version__}.*"
    return {
        "usual": ["tensorflow==2.21.0", opencv],
        "fer": ["fer==25.10.3"],  # the newest, with whatever versions it asks for
        "hand": [f"ai-edge-litert=={version('ai-edge-litert')}", opencv],
    }[name]
