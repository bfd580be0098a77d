"""What machine this is, for reports."""

import os
import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

OPENCV = ("opencv-python", "opencv-python-headless")  # the same module, with and without windows


def describe() -> dict[str, str]:
    """Board or processor, cores, system, and the versions of what does the work."""
    return {
        "board": _board(),
        "cores": str(os.cpu_count() or 0),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
    } | versions("ferlite", "numpy", *OPENCV, "ai-edge-litert", "tflite-runtime", "onnxruntime")


def versions(*packages: str) -> dict[str, str]:
    """The versions of those of the packages that are installed."""
    found = {}
    for name in packages:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _board() -> str:
    model = Path("/proc/device-tree/model")  # where Raspberry Pis and most other boards say what they are
    if model.exists():
        return model.read_text(encoding="utf-8", errors="replace").strip("\0\n ")
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
