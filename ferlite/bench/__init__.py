"""The speed of ferlite on this machine, in figures that can be compared: `ferlite bench`.

`measure` does the work and returns the report as plain values for JSON; the other modules of this folder say what is
measured (`plan`, `footage`, `steps`, `live`), and write it down (`text`, `page`, `plots`, `files`, `compare`).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import cv2

from ferlite import device, synthetic
from ferlite.bench import conditions, figures, footage, live
from ferlite.bench.plan import Network, Setting, described
from ferlite.bench.steps import STEPS, Timing, classifying
from ferlite.capture import Source
from ferlite.classifier import EmotionClassifier
from ferlite.images import recolor, resize
from ferlite.recognizer import Recognizer
from ferlite.tracking import EVERY
from ferlite.types import Detector, Frame

SCHEMA = 1
WARM_UP = EVERY  # frames: one search of the whole picture, and looks at all faces
BATCHES = (1, 3, 7)  # faces that the classifier is given at once

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is measured: `frames` of each combination in each of some `rounds`; `seconds` of live sources."""

    rounds: int = 5
    frames: int = 60
    seconds: float = 10.0
    quick: bool = False


@dataclass(slots=True)
class Bench:
    """What is measured, on what and how often. `detectors` are by the name that they have in `settings`.

    `source` opens the user's own source, `name` is what it is called; without, scenes are drawn.
    """

    settings: Sequence[Setting]
    detectors: dict[str, Detector]
    amount: Amount = field(default_factory=Amount)
    source: Callable[[], Source] | None = None
    name: str = "synthetic faces"
    passes: int = field(default=0, init=False)
    """How often `measure`, once it runs, calls `progress`."""
    _classifiers: dict[tuple[Network, int], EmotionClassifier] = field(default_factory=dict)

    def load(self) -> None:
        """Load all networks, which `measure` else does where it needs them: faults show before minutes have passed."""
        for network, threads in self._networks():
            self._classifier(network, threads)

    def measure(self, progress: Progress = lambda _: None) -> dict[str, Any]:
        """The report but for its name, as plain values. `progress` is called before each pass with what it is.

        Raises SourceError for a source that gives too little, and what models and engines raise.
        """
        watch, began = conditions.Watch(), time.time()
        threads = cv2.getNumThreads()
        try:
            source = None if self.source is None else self.source()
            own = "synthetic" if source is None else "live" if source.live else "file"
            steps = 1 + len(self.settings) if own == "live" else len(self.settings) * len(STEPS) * self.amount.rounds
            self.passes = steps + len(self._networks()) * len(BATCHES) * self.amount.rounds
            if source is not None and source.live:
                rows, capture = self._live(source, watch, progress)
            else:
                rows, capture = self._in_memory(source, watch, progress), None
            classifier = self._classifier_alone(watch, progress)
        finally:
            cv2.setNumThreads(threads)
        cards = {network.model: network.card for network, _ in self._networks()}
        return {
            "schema": SCHEMA,
            "kind": "ferlite bench",
            "date": time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(began)),
            "seconds": round(time.time() - began, 1),
            **conditions.verdict(watch.end(), self.amount.quick),
            "machine": device.describe(),
            "states": watch.as_list(),
            "source": {"name": self.name, "kind": own},
            "amount": asdict(self.amount),
            "min_face": {name: getattr(detector, "min_face", None) for name, detector in self.detectors.items()},
            "models": [described(card) for card in cards.values()],
            "capture": capture,
            "steps": rows,
            "classifier": classifier,
        }

    def _in_memory(self, source: Source | None, watch: conditions.Watch, progress: Progress) -> list[dict[str, Any]]:
        """All settings in turn, and that again for each round: what disturbs one round disturbs all alike."""
        clip = None
        if source is not None:
            with source:
                clip = footage.read(source, self.name, WARM_UP + self.amount.frames)
        done: dict[tuple[Setting, str], list[Timing]] = {}
        for number in range(self.amount.rounds):
            for scene in dict.fromkeys(setting.scene for setting in self.settings):
                frames = self._frames(scene, number) if clip is None else clip
                for setting in self.settings:
                    if setting.scene != scene:
                        continue
                    for name, step in STEPS.items():
                        progress(f"{setting.detector}, {_named(scene)}, {name}")
                        recognizer = self._recognizer(setting)
                        warm_up = min(WARM_UP, len(frames) - footage.LEAST)
                        done.setdefault((setting, name), []).append(step(recognizer, frames, warm_up))
                        watch.look()
        size = None if clip is None else f"{clip[0].image.shape[1]}x{clip[0].image.shape[0]}"
        return [
            figures.setting(setting, name)
            | ({} if size is None else {"size": size})
            | figures.timings(rounds, setting.faces)
            for (setting, name), rounds in done.items()
        ]

    def _frames(self, scene: tuple[tuple[int, int] | None, int | None], number: int) -> list[Frame]:
        size, faces = scene
        assert size is not None
        assert faces is not None
        count = WARM_UP + self.amount.frames
        return footage.drawn(size, faces, number * count, count)

    def _live(
        self, source: Source, watch: conditions.Watch, progress: Progress
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        assert self.source is not None
        progress("capture")
        capture = live.capture(source, self.name, self.amount.seconds)
        rows = []
        for setting in self.settings:
            progress(f"{setting.detector}, {setting.threads} thread(s), {self.amount.seconds:g} s")
            row = live.run(self.source(), self.name, self._recognizer(setting), self.amount.seconds)
            rows.append(figures.setting(setting, "live") | {"size": capture["size"]} | row)
            watch.look()
        return rows, capture

    def _classifier_alone(self, watch: conditions.Watch, progress: Progress) -> list[dict[str, Any]]:
        face = synthetic.face("neutral", synthetic.SKINS[0], synthetic.HAIRS[0])[60:270, 45:255]
        latencies: dict[tuple[Network, int, int], list[float]] = {}
        for _ in range(self.amount.rounds):
            for network, threads in self._networks():
                card = network.card
                crop = resize(recolor(face, "grey" if card.color == "grey" else "bgr"), (card.height, card.width))
                classifier = self._classifier(network, threads)
                for batch in BATCHES:
                    progress(f"{network.model} in {network.engine}, {batch} face(s)")
                    times = classifying(classifier, crop, batch, max(3, self.amount.frames // batch))
                    latencies.setdefault((network, threads, batch), []).extend(times)
                    watch.look()
        return [
            figures.network(network, threads) | {"faces": batch, "latency_ms": figures.percentiles(times)}
            for (network, threads, batch), times in latencies.items()
        ]

    def _networks(self) -> list[tuple[Network, int]]:
        return list(dict.fromkeys((setting.network, setting.threads) for setting in self.settings))

    def _recognizer(self, setting: Setting) -> Recognizer:
        classifier = self._classifier(setting.network, setting.threads)
        return Recognizer(classifier, self.detectors[setting.detector])

    def _classifier(self, network: Network, threads: int) -> EmotionClassifier:
        """The loaded network; OpenCV gets as many threads."""
        cv2.setNumThreads(threads)
        key = network, threads
        if key not in self._classifiers:
            self._classifiers[key] = EmotionClassifier(network.card.weights, threads, network.engine)
        return self._classifiers[key]


def _named(scene: tuple[tuple[int, int] | None, int | None]) -> str:
    size, faces = scene
    return "your video" if size is None else f"{size[0]}x{size[1]}, {faces} face(s)"
