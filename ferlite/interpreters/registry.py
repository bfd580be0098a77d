"""The engines: which files each one runs, and how it is found and installed. Imports none of them."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine. `driver` is the module of this folder that works it, `runtime` the engine's own module.

    `python -m TRIAL NAME WEIGHTS` tries it with a file, TRIAL being its `trial`; see `ferlite.interpreters.trial`.
    """

    name: str
    title: str
    suffix: str
    driver: str
    runtime: str
    distribution: str
    install: str
    trial: str = "ferlite.interpreters"

    @property
    def location(self) -> str | None:
        """Where its package lies; None where it is not installed."""
        spec = find_spec(self.runtime.partition(".")[0])
        return None if spec is None else spec.origin or "unknown"

    @property
    def version(self) -> str:
        try:
            return version(self.distribution)
        except PackageNotFoundError:  # built by hand, or a variant under another name (onnxruntime-gpu)
            return "of unknown version"


ENGINES = {
    engine.name: engine
    for engine in (
        Engine(
            name="litert",
            title="LiteRT",
            suffix=".tflite",
            driver="tflite",
            runtime="ai_edge_litert.interpreter",
            distribution="ai-edge-litert",
            install="pip install ai-edge-litert",
        ),
        Engine(
            name="tflite-runtime",
            title="tflite-runtime",
            suffix=".tflite",
            driver="tflite",
            runtime="tflite_runtime.interpreter",
            distribution="tflite-runtime",
            install="pip install tflite-runtime==2.14.0 'numpy<2', for Python up to 3.11",
        ),
        Engine(
            name="onnxruntime",
            title="ONNX Runtime",
            suffix=".onnx",
            driver="onnx",
            runtime="onnxruntime",
            distribution="onnxruntime",
            install="pip install onnxruntime",
        ),
    )
}
"""By name; of those for the same files the preferred one comes first."""
