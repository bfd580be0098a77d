"""Pictures, networks and data that several tests need."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from ferlite import demo
from ferlite.cards import card_path, sha256
from ferlite.types import Box, Face, Frame, FrameResult, Image

ROOT = Path(__file__).parents[1]
# Pictures, videos and data sets that are not ours to publish; see tests/README.md for what is looked for.
DATA = Path(os.environ.get("FERLITE_TEST_DATA", ROOT.parent / "shared"))
# a slow board is no failure; in CI hypothesis has a profile of its own, without a deadline and without chance
hypothesis.settings.register_profile("any board", deadline=None)
# for emulated processors, by --hypothesis-profile: few cases and always the same, as each takes twenty times as long
hypothesis.settings.register_profile("emulated", deadline=None, max_examples=10, derandomize=True)
if "CI" not in os.environ:
    hypothesis.settings.load_profile("any board")
EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache for the tests alone: the user's own is neither trusted nor written to."""
    before = os.environ.get("FERLITE_CACHE")
    folder = tmp_path_factory.mktemp("cache")
    os.environ["FERLITE_CACHE"] = str(folder)
    yield folder
    if before is None:
        del os.environ["FERLITE_CACHE"]
    else:
        os.environ["FERLITE_CACHE"] = before


@pytest.fixture(scope="session")
def data() -> Callable[[str], Path]:
    """The path of a file that is not part of the project; skips the test where it is absent."""

    def find(name: str) -> Path:
        path = DATA / name
        if not path.exists():
            pytest.skip(f"{name} is not in {DATA}; set FERLITE_TEST_DATA to the folder that has it")
        return path

    return find


@pytest.fixture(scope="session")
def portrait() -> Image:
    """A photo of one upright face, BGR: matplotlib's sample portrait."""
    return demo.portrait()


@pytest.fixture
def face() -> Face:
    probabilities = np.array([0.05, 0, 0, 0.8, 0.05, 0, 0.1], np.float32)
    return Face(Box(20, 30, 40, 40), 0.9, "happy", probabilities, probabilities, EMOTIONS)


@pytest.fixture
def make_result(face: Face) -> Callable[..., FrameResult]:
    def make(seq: int = 0, timestamp: float = 0.0, shape: tuple[int, ...] = (120, 160, 3)) -> FrameResult:
        return FrameResult(Frame(seq, timestamp, np.full(shape, 128, np.uint8)), (face,), 0.01)

    return make


@pytest.fixture
def make_network(tmp_path: Path) -> Callable[..., Path]:
    """Write an ONNX network that gives the mean of each channel times 1…n per label, with its card."""
    onnx = pytest.importorskip("onnx")

    def make(
        labels: tuple[str, ...] = ("calm", "tense"),
        size: tuple[int, int] = (48, 48),
        color: str = "grey",
        limits: tuple[float, float] = (0, 1),
        layout: str = "NHWC",
        **card: object,
    ) -> Path:
        helper, kind = onnx.helper, onnx.TensorProto.FLOAT
        channels = 1 if color == "grey" else 3
        # the first label follows the first channel, the second the second, …: what goes in can be told from the labels
        weights = np.eye(channels, len(labels), dtype=np.float32)
        shape, axes = ([1, *size, channels], [1, 2]) if layout == "NHWC" else ([1, channels, *size], [2, 3])
        graph = helper.make_graph(
            [
                helper.make_node("ReduceMean", ["image"], ["mean"], axes=axes, keepdims=0),
                helper.make_node("MatMul", ["mean", "weights"], ["logits"]),
            ],
            "means",
            [helper.make_tensor_value_info("image", kind, shape)],
            [helper.make_tensor_value_info("logits", kind, [1, len(labels)])],
            [onnx.numpy_helper.from_array(weights, "weights")],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        path = tmp_path / "means.onnx"
        path.write_bytes(model.SerializeToString())
        described = {
            "file": path.name,
            "sha256": sha256(path),
            "labels": list(labels),
            "input": {
                "height": size[0],
                "width": size[1],
                "color": color,
                "range": list(limits),
                "layout": layout,
            },
            "output": "logits",
        }
        card_path(path).write_text(json.dumps(described | card), encoding="utf-8")
        return path

    return make
