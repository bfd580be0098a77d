"""Engines that run a weights file, imported on first use and chosen by the file's suffix and by what works here."""

from __future__ import annotations

import logging
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ferlite import device
from ferlite.cards import content
from ferlite.errors import EngineError, ModelError, SettingError, first_cause
from ferlite.interpreters import trial
from ferlite.interpreters.registry import ENGINES, Engine

if TYPE_CHECKING:  # `ferlite doctor` looks at the engines where NumPy is broken, too
    import numpy as np
    from numpy.typing import NDArray

BACKENDS = ("auto", *ENGINES)

log = logging.getLogger(__name__)


class Tensor(NamedTuple):
    """The one input of a network: its real values are (stored - zero_point) · scale; floats have scale 1, point 0."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float
    zero_point: int

    def table(self, low: float, high: float) -> NDArray[Any]:
        """What is stored for each of the 256 pixel values, where the network wants `low` for 0 and `high` for 255."""
        import numpy as np

        real = np.linspace(low, high, 256)
        if self.dtype.kind == "f":
            return np.asarray(real, self.dtype)
        limits = np.iinfo(self.dtype)
        stored = np.clip(np.rint(real / self.scale) + self.zero_point, limits.min, limits.max)
        return np.asarray(stored, self.dtype)


class Interpreter(Protocol):
    """A loaded network with one input and one output.

    Not thread-safe: one interpreter a thread, which need not be the thread that loaded it.
    """

    input: Tensor

    def run(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """One batch of `input.dtype` and `input.shape` → a new float32 array of real values (1, classes)."""
        ...


def load(weights: Path, threads: int = 1, backend: str = "auto", shape: tuple[int, ...] | None = None) -> Interpreter:
    """Load a weights file into an engine, `backend` as in `choose`, and run it once.

    `shape` is that of the input, for networks that leave it open; others have their own.
    Raises ModelError for a file that is missing, damaged or beyond the engine, EngineError where no engine works.
    """
    import numpy as np

    engine = ENGINES[choose(weights, backend, shape)]
    if engine.location is None:
        raise EngineError(f"{engine.title} is not installed: {engine.install}")
    try:
        model = content(weights)
    except OSError as error:
        raise ModelError(f"{weights}: cannot be read: {error.strerror}") from error
    try:
        runtime = import_module(engine.runtime)
    except Exception as error:  # not only ImportError: a missing library or another NumPy shows in many ways
        raise _broken(engine, error) from error
    driver = import_module(f"ferlite.interpreters.{engine.driver}")
    try:
        interpreter: Interpreter = driver.load(runtime, model, threads, shape)
        interpreter.run(np.zeros(interpreter.input.shape, interpreter.input.dtype))
    except ModelError as error:
        raise ModelError(f"{weights}: {error}") from None
    except (ImportError, AttributeError, SystemError) as error:  # tflite-runtime meets NumPy 2 only here
        raise _broken(engine, error) from error
    except Exception as error:  # the engines' own errors share no base class
        reason = str(error) or type(error).__name__
        raise ModelError(f"{weights}: not a model {engine.title} can run: {reason}") from error
    return interpreter


def choose(weights: Path, backend: str = "auto", shape: tuple[int, ...] | None = None) -> str:
    """The name of the engine for a file: `backend` itself, or for "auto" the first that passes a trial.

    The trial runs the file in a process of its own, so that an engine built for another processor, which would kill the
    program, is passed over with a warning, and that a file made to crash its engine, to fill the memory or never to end
    does no harm; at the `shape` of `load`. An engine chosen by name is spared the trial. Raises SettingError for a
    backend that does not exist or is for other files, ModelError for a file that the engine refuses, EngineError where
    none works.
    """
    if backend not in BACKENDS:
        raise SettingError(f"backend is {backend!r}; there are {', '.join(BACKENDS)}")
    able = engines_for(weights)
    if backend != "auto":
        if ENGINES[backend] not in able:
            names = " or ".join(engine.name for engine in able)
            raise SettingError(f"backend {backend!r} is for {ENGINES[backend].suffix} files; {weights} needs {names}")
        return backend
    skipped: list[str] = []
    missing: list[str] = []
    for engine in able:
        if engine.location is None:
            missing.append(f"{engine.title} is not installed ({engine.install})")
            continue
        fault = trial.fault(engine, weights, shape=shape)
        if fault is None:
            for reason in skipped:
                log.warning("%s; %s is used instead", reason, engine.title)
            return engine.name
        skipped.append(fault)
    raise EngineError(f"{weights}: no engine for {weights.suffix} files works here: {'; '.join(skipped + missing)}")


def engines_for(weights: Path) -> list[Engine]:
    """Those for a file of that suffix, the preferred one first. Raises ModelError where there is none."""
    able = [engine for engine in ENGINES.values() if engine.suffix == weights.suffix]
    if not able:
        raise ModelError(f"{weights}: no engine for {weights.suffix or 'a file without suffix'}; use .tflite or .onnx")
    return able


def _broken(engine: Engine, error: BaseException) -> EngineError:
    numpy = device.versions("numpy").get("numpy")
    return EngineError(f"{engine.title} {engine.version} does not work here, with NumPy {numpy}: {first_cause(error)}")
