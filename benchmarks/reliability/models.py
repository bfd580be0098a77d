"""Damaged model files: whatever is in one, the process that opens it survives and says in words what is wrong.

    python -m benchmarks.reliability.models --cases 500
    python -m benchmarks.reliability.models --seed 7 --case 123 --keep case.onnx

Cuts, flips and swaps bytes of the bundled model, of a small ONNX network (where onnx is installed) and of YuNet (where
it is pulled, or given by --yunet). Each file gets a card with its own checksum, as one who means harm would write it,
and is opened and used in one long-lived process, as a program uses it, with `backend="auto"`. A finding is the death of
that process, a hang, an exception that is no FerliteError, and a result that is no probabilities. The exit code is 1
where there are findings.
"""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ferlite import EmotionClassifier, YuNetDetector, cards, downloads
from ferlite.errors import FerliteError, ModelError

FINDING = "FINDING"
HANG = 150.0  # seconds: more than a trial on each of two engines takes at most
EDGE = 20_000  # bytes at the ends of a file, where the tables are: most of the rest are weights


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=500, metavar="N", help="of all files together (default: 500)")
    parser.add_argument("--seed", type=int, help="of all cases (default: another each time)")
    parser.add_argument("--case", type=int, metavar="K", help="this one alone")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="where the file of --case goes")
    parser.add_argument("--yunet", type=Path, metavar="FILE", help="YuNet's file (default: the pulled one)")
    options = parser.parse_args(arguments)
    seed = random.randrange(1_000_000) if options.seed is None else options.seed
    print(f"seed {seed}")
    tally: dict[str, Counter[str]] = {}
    with tempfile.TemporaryDirectory(prefix="ferlite-models-") as folder:
        sources = _sources(Path(folder), options.yunet)
        with Opener(Path(folder, "cache")) as opener:
            numbers = range(options.cases) if options.case is None else [options.case]
            for number in tqdm(numbers, unit=" cases", disable=None, leave=False):
                source = sources[number % len(sources)]
                case = write_case(source, Path(folder), seed, number)
                outcome = opener.outcome(case)
                tally.setdefault(source.name, Counter())[_kind(outcome)] += 1
                if outcome.startswith(FINDING) or options.case is not None:
                    tqdm.write(f"{source.name}, case {number}: {outcome}", file=sys.stdout)
                if options.keep is not None and options.case is not None:
                    shutil.copy(case, options.keep)
    for name, kinds in tally.items():
        print(f"{name}: {kinds.total()} cases")
        for kind, count in kinds.most_common():
            print(f"{count:8,}  {kind}")
    return 1 if any(FINDING in kinds for kinds in tally.values()) else 0


def write_case(source: Path, folder: Path, seed: int, number: int) -> Path:
    """A damaged copy of a file, with the card of the whole one and the checksum of the damaged one."""
    chance = random.Random(f"{seed} {number}")
    case = folder / f"case{source.suffix}"
    case.write_bytes(damaged(source.read_bytes(), chance))
    if cards.card_path(source).exists():
        card = json.loads(cards.card_path(source).read_text(encoding="utf-8"))
        card |= {"file": case.name, "sha256": cards.sha256(case)}
        cards.card_path(case).write_text(json.dumps(card), encoding="utf-8")
    else:
        cards.card_path(case).unlink(missing_ok=True)
    return case


def damaged(whole: bytes, chance: random.Random) -> bytes:
    """Cut off somewhere, or up to 64 bits flipped, anywhere or at the ends, or two blocks exchanged."""
    data = bytearray(whole)
    how = chance.choice(["cut", "flip", "flip", "flip at an end", "flip at an end", "exchange"])
    if how == "cut":
        return bytes(data[: chance.randrange(len(data))])
    if how == "exchange":
        size = chance.choice([1, 4, 16, 64])
        one, other = sorted(chance.sample(range(0, len(data) - size, size), 2))
        data[one : one + size], data[other : other + size] = data[other : other + size], data[one : one + size]
        return bytes(data)
    edge = min(EDGE, len(data)) if how == "flip at an end" else len(data)
    start = chance.choice([0, len(data) - edge])
    for _ in range(chance.choice([1, 1, 2, 4, 16, 64])):
        data[start + chance.randrange(edge)] ^= 1 << chance.randrange(8)
    return bytes(data)


class Opener:
    """The process that opens one file after the other; started anew only where one took it down."""

    def __init__(self, cache: Path) -> None:
        self._environment = os.environ | {"FERLITE_CACHE": str(cache)}
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Opener":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.communicate()

    def outcome(self, case: Path) -> str:
        """One line: how it went."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", "from benchmarks.reliability.models import serve; serve()"],
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        watch = threading.Timer(HANG, process.kill)
        watch.start()
        process.stdin.write(f"{case}\n")
        process.stdin.flush()
        said = process.stdout.readline().strip()
        watch.cancel()
        if said:
            return said
        process.communicate()
        self._process = None
        return f"{FINDING}: the process ended with {process.returncode}"


def serve() -> None:
    """In the process that opens the files: their paths come by standard input."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what engines print must not come between the answers
    for line in sys.stdin:
        print(open_case(Path(line.strip())), file=out, flush=True)


def open_case(case: Path) -> str:
    """Use a file as a program does, and say in one line how it went."""
    try:
        for sums in _use(case):
            if not np.allclose(sums, 1, atol=1e-5):
                return f"{FINDING}: probabilities that sum to {sums}"
    except FerliteError as error:
        said = " ".join(str(error).split())
        return f"{'refused' if isinstance(error, ModelError) else 'contained'}: {said}"
    except Exception as error:
        return f"{FINDING}: {type(error).__name__}: {' '.join(str(error).split())}"
    return "works"


def _use(case: Path) -> Iterator[np.ndarray]:
    noise = np.random.default_rng(1)
    if not cards.card_path(case).exists():
        detector = YuNetDetector(case)
        for size in ((240, 320), (97, 450), (700, 900)):
            detector(noise.integers(0, 256, (*size, 3), dtype=np.uint8))
        return
    classifier = EmotionClassifier(case)
    for _ in range(3):
        yield classifier.predict(noise.integers(0, 256, (4, 48, 48), dtype=np.uint8)).sum(axis=1)


def _kind(outcome: str) -> str:
    if found := re.search(r"was killed by (\w+)", outcome):
        return f"crash contained, {found[1]}"
    if "did not finish" in outcome:
        return "never ended, contained"
    return outcome.partition(":")[0]


def _sources(folder: Path, yunet: Path | None) -> list[Path]:
    sources = [cards.find().weights]
    if find_spec("onnx") is not None:
        sources.append(_small_network(folder))
    if yunet is None:
        try:
            yunet = downloads.path("yunet")
        except ModelError:
            return sources
    return [*sources, yunet]


def _small_network(folder: Path) -> Path:
    import onnx

    helper, kind, chance = onnx.helper, onnx.TensorProto.FLOAT, np.random.default_rng(0)
    weights = {"kernel": (8, 1, 3, 3), "matrix": (8, 7)}
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "kernel"], ["maps"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["maps"], ["active"]),
            helper.make_node("MaxPool", ["active"], ["small"], kernel_shape=[4, 4], strides=[4, 4]),
            helper.make_node("GlobalAveragePool", ["small"], ["means"]),
            helper.make_node("Flatten", ["means"], ["flat"]),
            helper.make_node("Gemm", ["flat", "matrix"], ["logits"]),
        ],
        "small",
        [helper.make_tensor_value_info("image", kind, [1, 1, 48, 48])],
        [helper.make_tensor_value_info("logits", kind, [1, 7])],
        [
            onnx.numpy_helper.from_array(chance.normal(size=shape).astype(np.float32), name)
            for name, shape in weights.items()
        ],
    )
    path = folder / "small.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    network = {"height": 48, "width": 48, "color": "grey", "range": [0, 1], "layout": "NCHW"}
    labels = list(cards.find().labels)
    card = {"file": path.name, "sha256": cards.sha256(path), "labels": labels, "input": network, "output": "logits"}
    cards.card_path(path).write_text(json.dumps(card), encoding="utf-8")
    return path


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
