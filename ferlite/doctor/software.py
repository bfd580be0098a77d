"""What does the work: NumPy, OpenCV, the engines, the models, and all of them together on a face.

Imports none of them: each is tried in a process of its own.
"""

import json
import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ferlite import cache, cards, device, downloads, processes
from ferlite.doctor import machine, remedies
from ferlite.doctor.finding import Finding, Status, note, ok, problem
from ferlite.doctor.remedies import Package, remedy
from ferlite.errors import ModelError
from ferlite.interpreters import trial
from ferlite.interpreters.registry import ENGINES, Engine

TIME_LIMIT = 60.0  # seconds for each probe; slow cards take ten for OpenCV alone
# milliseconds a face, fewer than five frames a second: without /proc LiteRT takes 1,700 ms in the place of 0.46
SLOW = 200.0
CRASHING = ("4.10.", "4.11.")  # setup.cfg leaves them out; NumPy 1 has 4.9 in their place
OPENCVS = (*device.OPENCV, "opencv-contrib-python", "opencv-contrib-python-headless")  # all of them are the module cv2
ENGINE_PACKAGES = {
    "litert": Package("ai-edge-litert", "pip install --upgrade ai-edge-litert"),
    "tflite-runtime": Package("tflite-runtime==2.14.0 'numpy<2'"),
    "onnxruntime": Package("onnxruntime", "pip install --upgrade onnxruntime"),
}
# An ONNX file of one Relu on float32 (1, 4), IR 8, opset 17: a whole run of the engine where no .onnx model is at hand.
TINY_ONNX = (
    b'\x08\x08\x12\x00:>\n\x0c\n\x01x\x12\x01y"\x04Relu\x12\x04tiny'
    b"Z\x13\n\x01x\x12\x0e\n\x0c\x08\x01\x12\x08\n\x02\x08\x01\n\x02\x08\x04"
    b"b\x13\n\x01y\x12\x0e\n\x0c\x08\x01\x12\x08\n\x02\x08\x01\n\x02\x08\x04B\x04\n\x00\x10\x11"
)


class BrokenError(Exception):
    """A probe that failed: `str()` is what to say of it, `words` all that was printed and what the loader missed."""

    def __init__(self, said: str, words: str = "") -> None:
        super().__init__(said)
        self.words = f"{words} {said}"


def findings() -> Iterator[Finding]:
    numpy = _numpy()
    yield numpy
    computing = numpy.status is not Status.PROBLEM
    opencv = _opencv(computing, str(numpy.data.get("version")).startswith("1."))
    yield opencv
    seeing = bool(opencv.data["works"])
    yield _windows(opencv) if seeing else _untried("windows", "OpenCV")
    yield _tqdm()
    default = None
    for model in _models():
        if model.status is Status.OK and model.data["file"] == cards.DEFAULT_MODEL:
            default = Path(model.data["path"])
        yield model
    yield _yunet(seeing)
    working = []
    for finding in _engines(default, computing):
        if finding.data["works"] and ENGINES[finding.name].suffix == ".tflite":
            working.append(finding.name)
        yield finding
    backend = working[0] if seeing and working else None
    yield _detector(backend)
    yield _reading(backend)


def probe(name: str, *arguments: str) -> dict[str, Any]:
    """The answer of a probe of `ferlite.doctor.probes`. Raises BrokenError."""
    if not processes.startable():
        raise BrokenError("cannot be tried from inside a frozen program")
    try:
        done = processes.run("ferlite.doctor.probes", name, *arguments, time_limit=TIME_LIMIT)
    except subprocess.TimeoutExpired:
        raise BrokenError(f"hangs: gave no answer in {TIME_LIMIT:g} s") from None
    except OSError as error:
        raise BrokenError(f"cannot be tried: {error}") from error
    printed = done.stderr.decode(errors="replace")
    if done.returncode < 0:
        raise BrokenError(f"was killed by {processes.killed_by(done.returncode)}", printed)
    try:
        answer: dict[str, Any] = dict(json.loads(done.stdout.splitlines()[-1]))
    except (ValueError, TypeError, IndexError):
        raise BrokenError(f"ended with exit code {done.returncode} and no answer", printed) from None
    if "error" in answer:
        raise BrokenError(answer["error"], f"{printed} {_missing(answer['file'])}")
    return answer


def _missing(module: str | None) -> str:
    """All libraries that an extension module misses, in the words of ldd: the loader names but the first."""
    if module is None:
        return ""
    try:
        done = subprocess.run(["ldd", module], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError, ValueError):
        return ""
    return done.stdout


def _untried(name: str, reason: str, **data: Any) -> Finding:
    return note(name, f"not tried, as {reason} does not work", works=None, **data)


def _numpy() -> Finding:
    try:
        found = probe("numpy")
    except BrokenError as error:
        return problem("numpy", _installed("numpy", str(error)), remedy(error.words, remedies.NUMPY), works=False)
    return ok("numpy", found["version"], works=True, **found)


def _opencv(computing: bool, numpy_1: bool) -> Finding:
    spec = find_spec("cv2")
    if spec is None:
        package = remedies.OPENCV if machine.BITS == 64 else remedies.DEBIANS_OPENCV
        return problem("opencv", "not installed", remedies.anew(package), works=False)
    if not computing:
        return _untried("opencv", "NumPy")
    wheels = device.versions(*OPENCVS)
    package = remedies.HEADLESS if set(wheels) == {"opencv-python-headless"} else remedies.OPENCV
    if not wheels and "dist-packages" in str(spec.origin):  # where Debian has its own
        package = remedies.DEBIANS_OPENCV
    data: dict[str, Any] = {"wheels": wheels}
    try:
        found = probe("opencv")
    except BrokenError as error:
        said = _installed(next(iter(wheels), ""), str(error))
        return problem("opencv", said, remedy(error.words, package), works=False, **data)
    data |= found
    named = f"{found['version']} ({', '.join(wheels) or found['location']})"
    safe = "<4.10" if numpy_1 else ">=4.12,<6"
    alone = f"pip uninstall -y {' '.join(wheels)}; pip install 'opencv-python{safe}'"
    if found["version"].startswith(CRASHING):
        text = f"{named}: a damaged picture crashes it, and one made to harm may do more (CVE-2025-53644)"
        if not wheels:
            return note("opencv", f"{text}, unless your system has mended it", "sudo apt upgrade", works=True, **data)
        advice = alone if len(wheels) > 1 else f"pip install '{next(iter(wheels))}{safe}'"
        return problem("opencv", text, advice, works=True, **data)
    if len(wheels) > 1:
        text = f"{named}: these write the same files, and what works is chance"
        return note("opencv", text, alone, works=True, **data)
    if found["haar"] is not None:
        reason, _, _ = found["haar"].partition(";")
        return ok("opencv", f"{named}; no --detector haar: {reason}", works=True, **data)
    return ok("opencv", named, works=True, **data)


def _windows(opencv: Finding) -> Finding:
    gui = opencv.data["gui"]
    display = {name: os.environ[name] for name in ("DISPLAY", "WAYLAND_DISPLAY") if os.environ.get(name)}
    data = {"gui": gui, "display": display}
    if gui == "NONE":
        text = "OpenCV is built without: --show and Window do not work, all else does"
        return note("windows", text, works=False, **data)
    if not display:
        text = f"{gui}, and no screen (DISPLAY is not set): --show and Window need one"
        return note("windows", text, works=False, **data)
    try:
        probe("window")
    except BrokenError as error:
        advice = "write --output instead, or start it on the desktop itself"
        return note("windows", f"{gui} opens none at {_named(display)}: {error}", advice, works=False, **data)
    return ok("windows", f"{gui}, at {_named(display)}", works=True, **data)


def _named(values: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())


def _tqdm() -> Finding:
    if find_spec("tqdm") is None:
        return problem("tqdm", "not installed; the command draws its progress bars by it", remedies.anew(remedies.TQDM))
    return ok("tqdm", device.versions("tqdm").get("tqdm", "of unknown version"))


def _installed(package: str, error: str) -> str:
    version = device.versions(package).get(package) if package else None
    return error if version is None else f"{version}: {error}"


def _models() -> Iterator[Finding]:
    try:
        bundled = cards.bundled_models()
    except OSError:
        bundled = []
    default = cards.DEFAULT_MODEL
    if default not in (path.name for path in bundled):
        missing = f"{default} did not come along with ferlite"
        yield problem("model", missing, remedies.ferlite_again(), file=None, path=None, sha256=None)
    for path in bundled:
        yield _bundled("model" if path.name == default else path.stem, path)


def _bundled(name: str, path: Path) -> Finding:
    data = {"file": path.name, "path": str(path)}
    try:
        card = cards.find_any(path)
    except ModelError as error:
        said = str(error).partition(";")[0]
        text = said if said.startswith(str(path)) else f"{path}: {said}"  # the card's own path begins with it too
        return problem(name, text, remedies.ferlite_again(), sha256=None, **data)
    text = f"{path.name}, {path.stat().st_size / 1e6:.2f} MB, checksum right"
    return ok(name, text, sha256=card.sha256, **data)


def _yunet(seeing: bool) -> Finding:
    pull = "ferlite models pull yunet"
    try:
        place = cache.folder() / downloads.DOWNLOADS["yunet"].file
        if not place.exists():
            return note(
                "yunet", "not here; it finds more faces than the detector that comes along", pull, path=None, works=None
            )
        downloads.path("yunet")
    except OSError as error:  # no cache folder, which has a finding of its own
        return note("yunet", f"cannot be looked for: {error}", path=None, works=None)
    except ModelError as error:
        said = str(error).partition("; ")[0]
        return problem("yunet", said, f"rm {shlex.quote(str(place))}; {pull}", path=str(place), works=False)
    if not seeing:
        return _untried("yunet", "OpenCV", path=str(place))
    try:
        probe("yunet")
    except BrokenError as error:
        return problem("yunet", str(error), remedy(error.words, remedies.OPENCV), path=str(place), works=False)
    return ok("yunet", f"{place.name}, checksum right, runs", path=str(place), works=True)


def _engines(default: Path | None, computing: bool) -> Iterator[Finding]:
    installed = [engine for engine in ENGINES.values() if engine.location is not None]
    hindered = {engine.name: _hindrance(engine, default, computing) for engine in installed}
    faults = {engine.name: _fault(engine, default) for engine in installed if hindered[engine.name] is None}
    for engine in ENGINES.values():
        data: dict[str, Any] = {"version": engine.version, "location": engine.location}
        others = [other for other in installed if other.suffix == engine.suffix and other is not engine]
        working = [other for other in others if faults.get(other.name) == ""]
        if engine not in installed:
            yield _absent(engine, others, working)
        elif engine.name not in faults:
            yield _untried(engine.name, str(hindered[engine.name]), **data)
        elif faults[engine.name] == "":
            yield ok(engine.name, f"{engine.title} {engine.version} ran {_ran(engine)}", works=True, **data)
        elif working and installed.index(working[0]) < installed.index(engine):
            text = f"{faults[engine.name]}; not needed, as {working[0].title} works"
            yield note(engine.name, text, works=False, **data)
        else:
            advice = remedy(faults[engine.name], ENGINE_PACKAGES[engine.name])
            text = f"{faults[engine.name]}; {working[0].title} is used instead" if working else faults[engine.name]
            yield (note if working else problem)(engine.name, text, advice, works=False, **data)


def _hindrance(engine: Engine, default: Path | None, computing: bool) -> str | None:
    """What the trial of an engine needs and does not work."""
    if not processes.startable():
        return "starting a process"
    if not computing:
        return "NumPy"
    return "the model" if engine.suffix == ".tflite" and default is None else None


def _fault(engine: Engine, default: Path | None) -> str:
    """What keeps an installed engine from working, "" where nothing does."""
    try:
        if engine.suffix == ".tflite" and default is not None:
            return trial.fault(engine, default, anew=True) or ""
        with tempfile.TemporaryDirectory() as folder:
            tiny = Path(folder, "tiny.onnx")
            tiny.write_bytes(TINY_ONNX)
            return trial.fault(engine, tiny, anew=True) or ""
    except ModelError as error:
        return f"{engine.title} {engine.version} refuses {_ran(engine)}: {error}"
    except OSError as error:
        return f"cannot be tried: {error}"


def _ran(engine: Engine) -> str:
    return cards.DEFAULT_MODEL if engine.suffix == ".tflite" else "a network of one layer"


def _absent(engine: Engine, others: list[Engine], working: list[Engine]) -> Finding:
    data: dict[str, Any] = {"version": None, "location": None, "works": False}
    if engine.suffix == ".onnx":
        # nor has it wheels for 32 bits
        advice = remedies.anew(ENGINE_PACKAGES[engine.name]) if machine.BITS == 64 else ""
        return note(engine.name, "not installed; only .onnx models need it", advice, **data)
    if working:
        return note(engine.name, f"not installed; {working[0].title} does its work", **data)
    first = "litert" if machine.BITS == 64 else "tflite-runtime"  # LiteRT has no wheels for 32 bits
    if others or engine.name != first:
        return note(engine.name, "not installed", **data)
    advice = remedies.anew(ENGINE_PACKAGES[engine.name])
    return problem(engine.name, "not installed, nor is another engine for .tflite", advice, **data)


def _detector(backend: str | None) -> Finding:
    """The bundled face detector, its checksum, and the time it takes."""
    name = cards.DEFAULT_DETECTOR
    try:
        place = next((path for path in cards.bundled_detectors() if path.name == name), None)
    except OSError:
        place = None
    if place is None:
        text = f"{name} did not come along with ferlite"
        return problem("detector", text, remedies.ferlite_again(), file=None, path=None, sha256=None, works=False)
    file = _bundled("detector", place)
    if file.status is not Status.OK:
        return replace(file, data=file.data | {"works": False})
    if backend is None:
        return replace(file, data=file.data | {"works": None})
    try:
        found = probe("finding", backend)
    except BrokenError as error:
        advice = remedy(error.words, ENGINE_PACKAGES[backend])
        return problem("detector", f"{name}: {error}", advice, works=False, **file.data)
    text = f"{file.text}, {found['ms']:g} ms a picture of {found['size']}"
    return ok("detector", text, works=True, **file.data, **found)


def _reading(backend: str | None) -> Finding:
    """The whole way of a face through the network, with the time it takes."""
    if backend is None:
        return _untried("reading", "something above")
    try:
        found = probe("reading", backend)
    except BrokenError as error:
        return problem("reading", str(error), remedy(error.words, ENGINE_PACKAGES[backend]), works=False)
    text = f"{found['ms']:g} ms a face, {found['model']} on {ENGINES[backend].title}, one thread"
    if found["ms"] > SLOW:
        advice = "end other programs; in a container or chroot, mount /proc"
        return note("reading", f"{text}: too slow to follow a camera", advice, works=True, **found)
    return ok("reading", text, works=True, **found)
