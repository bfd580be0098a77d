"""One pass over some frames, timed: the same work as in `Pipeline`, in one thread or as it is.

What a frame goes through is called a step. "tracked" is the one of a pipeline, "searching" the one of single pictures,
each in this very thread, so that a figure for one thread is one; "pipeline" is `ferlite.Pipeline` with its own threads.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ferlite.bench.footage import Memory
from ferlite.classifier import EmotionClassifier
from ferlite.following import Follower
from ferlite.pipeline import Pipeline
from ferlite.recognizer import Recognizer, as_faces
from ferlite.stats import Stats
from ferlite.types import Detection, Detector, Frame, Image


@dataclass(slots=True)
class Timing:
    """What one pass gave, warm-up left out. Seconds throughout.

    `stages` has the seconds that each stage took, one value a frame; they sum to the latency.
    """

    latencies: list[float] = field(default_factory=list)
    reported: list[int] = field(default_factory=list)
    stages: dict[str, list[float]] = field(default_factory=dict)
    throughput: float = float("nan")
    cpu: float = 0.0

    @property
    def cpu_per_frame(self) -> float:
        return self.cpu / len(self.latencies)


def tracked(recognizer: Recognizer, frames: Sequence[Frame], warm_up: int) -> Timing:
    """Frames through a `Follower`: tracked, classified and smoothed."""
    detector = _TimedDetector(recognizer.detector)
    follower = Follower(Recognizer(recognizer.classifier, detector))
    clock = _Clock(warm_up)
    for frame in frames:
        detector.search = detector.look = 0.0
        clock.start()
        found = follower.find(frame)
        match = clock.lap() - detector.search - detector.look
        faces = follower.read(found)
        stages = {"search": detector.search, "look": detector.look, "match": match, "classify": clock.lap()}
        clock.stop(len(faces), stages)
    return clock.timing()


def searching(recognizer: Recognizer, frames: Sequence[Frame], warm_up: int) -> Timing:
    """Frames one by one, each searched as a whole and standing for itself."""
    clock = _Clock(warm_up)
    for frame in frames:
        clock.start()
        detections = recognizer.detect(frame.image)
        search = clock.lap()
        as_faces(detections, recognizer.classifier.predict_faces(frame.image, detections), recognizer.classifier.labels)
        clock.stop(len(detections), {"search": search, "classify": clock.lap()})
    return clock.timing()


def pipeline(recognizer: Recognizer, frames: Sequence[Frame], warm_up: int) -> Timing:
    """Frames through a `Pipeline`, as fast as it goes; latency is the time since a frame was read."""
    stats, timing, cpu = Stats(), Timing(), 0.0
    with Pipeline(Memory(list(frames)), recognizer) as results:
        for number, result in enumerate(results):
            if number == warm_up:
                cpu = time.process_time()  # from the first result that counts on, as the throughput
            if number >= warm_up:
                stats.add(result.latency)
                timing.latencies.append(result.latency)
                timing.reported.append(len(result.faces))
    timing.cpu, timing.throughput = time.process_time() - cpu, stats.throughput
    return timing


STEPS = {"tracked": tracked, "searching": searching, "pipeline": pipeline}


def classifying(classifier: EmotionClassifier, crop: Image, faces: int, times: int) -> list[float]:
    """Seconds that `faces` crops of the network's own size take, `times` over."""
    crops = np.stack([crop] * faces)
    for _ in range(3):  # first calls allocate
        classifier.predict(crops)
    latencies = []
    for _ in range(times):
        began = time.perf_counter()
        classifier.predict(crops)
        latencies.append(time.perf_counter() - began)
    return latencies


class _Clock:
    """Times frame after frame, and the parts of each."""

    def __init__(self, warm_up: int) -> None:
        self._to_warm_up, self._timing, self._stats = warm_up, Timing(), Stats()
        self._began = self._lap = self._cpu = 0.0

    def start(self) -> None:
        if self._to_warm_up == 0 and not self._timing.latencies:
            self._cpu = time.process_time()
        self._began = self._lap = time.perf_counter()

    def lap(self) -> float:
        """Seconds since the last lap of this frame."""
        now = time.perf_counter()
        passed, self._lap = now - self._lap, now
        return passed

    def stop(self, reported: int, stages: dict[str, float]) -> None:
        if self._to_warm_up:
            self._to_warm_up -= 1
            return
        now = self._lap
        self._stats.add(now - self._began, now)
        self._timing.latencies.append(now - self._began)
        self._timing.reported.append(reported)
        for stage, seconds in stages.items():
            self._timing.stages.setdefault(stage, []).append(seconds)

    def timing(self) -> Timing:
        self._timing.cpu, self._timing.throughput = time.process_time() - self._cpu, self._stats.throughput
        return self._timing


class _TimedDetector:
    """A detector that sums up what it takes: `search` in whole pictures, `look` in parts of them."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.search = self.look = 0.0

    def __call__(self, image: Image, min_face: float | None = None) -> list[Detection]:
        began = time.perf_counter()
        found = self._detector(image, min_face)
        passed = time.perf_counter() - began
        if min_face is None:
            self.search += passed
        else:
            self.look += passed
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._detector, name)
