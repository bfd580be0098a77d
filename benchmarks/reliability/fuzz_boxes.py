"""Hostile boxes: at and past the edges of an image, tiny and huge, with landmarks and scores of any value."""

import math
from pathlib import Path
from random import Random

import numpy as np

from benchmarks.reliability.fuzz_process import Case
from benchmarks.reliability.fuzz_promises import check_image, check_probabilities
from ferlite import Box, Detection, Landmarks, Point, Recognizer, Smoother, Tracker, demo
from ferlite.detectors.haar import HaarDetector
from ferlite.drawing import draw
from ferlite.images import cut_out, recolor, shrink
from ferlite.recognizer import as_faces
from ferlite.types import Image

HUGE = (1000, 32767, 32768, 65536, 2**30, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63, 10**30)
REALS = (0.0, -0.0, 0.5, 1.0, 1e-300, 1e9, 1e300, math.inf, math.nan)
SIDES = (1, 2, 3, 10, 48, 64, 121)
COLORS = ("grey", "bgr", "rgb")


def prepare(folder: Path) -> Case:
    classifier, images = Recognizer().classifier, Images()

    def read(random: Random) -> None:
        image = images.make(random)
        found = [detection(random, image) for _ in range(random.randrange(4))]
        check_probabilities(classifier.predict_faces(image, found), (len(found), len(classifier.labels)))

    def write(random: Random) -> None:
        image = images.make(random)
        before = image.copy()
        found = [detection(random, image) for _ in range(random.randrange(4))]
        probabilities = np.asarray([distribution(random, 7) for _ in found], np.float32).reshape(-1, 7)
        canvas = draw(image, as_faces(found, probabilities, classifier.labels))
        check_image(canvas)
        assert canvas.shape[:2] == image.shape[:2], f"drawn at {canvas.shape}"
        assert np.array_equal(image, before), "the image itself was drawn on"

    def cut(random: Random) -> None:
        image, color = images.make(random), random.choice(COLORS)
        face, size = detection(random, image), (random.choice(SIDES), random.choice(SIDES))
        crop = cut_out(image, face.box, random.choice((-0.4, 0, 0.1, 2)), size, color, face.landmarks)
        assert crop.shape == (size if color == "grey" else (*size, 3)), f"cut out as {crop.shape}"
        assert crop.dtype == np.uint8, f"cut out as {crop.dtype}"

    actions = (read, write, cut, track, smooth)
    return lambda random: random.choice(actions)(random)


class Images:
    """Grey and coloured images of a few sizes, all of one face."""

    def __init__(self) -> None:
        face = demo.portrait()[60:360, 100:400]
        self.all = [face[: side + 1, :side].copy() for side in (1, 2, 5)] + [
            shrink(face, side)[0] for side in (64, 200)
        ]
        self.all += [recolor(image, "grey") for image in self.all]

    def make(self, random: Random) -> Image:
        image = random.choice(self.all)
        return image[:, ::-1] if random.random() < 0.1 else image


def detection(random: Random, image: Image) -> Detection:
    """A face that some detector claims to see."""
    height, width = image.shape[:2]
    box = Box(_place(random, width), _place(random, height), _side(random, width), _side(random, height))
    landmarks = None
    if random.random() < 0.5:
        landmarks = Landmarks(*(Point(_real(random, width), _real(random, height)) for _ in range(5)))
    return Detection(box, random.choice((*REALS, -1.0)), landmarks)


def distribution(random: Random, count: int) -> np.ndarray:
    """What a classifier gives, also quite sure or quite unsure."""
    values = np.asarray([random.choice((0.0, 1e-38, 1e-7, 1.0, random.random())) for _ in range(count)])
    values[random.randrange(count)] += 1e-3
    return (values / values.sum()).astype(np.float32)


def track(random: Random) -> None:
    """Frames with faces that jump, vanish and lie in each other."""
    image = np.zeros((random.choice(SIDES), random.choice(SIDES)), np.uint8)
    known = [detection(random, image) for _ in range(3)]

    class Detector:
        def __call__(self, image: Image, min_face: float | None = None) -> list[Detection]:
            return [random.choice((*known, detection(random, image))) for _ in range(random.randrange(4))]

    class Working(Detector):
        work = HaarDetector().work

    detector = Working() if random.random() < 0.5 else Detector()
    tracker = Tracker(detector, random.choice((1, 2, 6)), random.choice((0.0, 0.35, math.inf)))
    time = 0.0
    for _ in range(random.randint(1, 12)):
        time = random.choice(REALS) if random.random() < 0.05 else time + random.choice((0, 0.03, 0.5, 10))
        tracked = tracker(image, time)
        numbers = [face.track_id for face in tracked]
        assert len(set(numbers)) == len(numbers), f"numbers {numbers}"
        assert None not in numbers, f"numbers {numbers}"
        assert tracker.numbers.issuperset(numbers), "a face that is reported is not known"
        assert all(face.found or face.unseen >= 0 or math.isnan(face.unseen) for face in tracked), "unseen below 0"


def smooth(random: Random) -> None:
    """Probabilities of a few faces over hostile times."""
    seconds, hold = random.choice((0, 1e-300, 0.4, 1e300)), random.choice((0, 0.3, 1e300))
    smoother, time = Smoother(seconds, random.choice((0, 0.05, 0.999)), hold), 0.0
    for _ in range(random.randint(1, 12)):
        time = random.choice(REALS) if random.random() < 0.2 else time + random.choice((0, 0.03, 10))
        steady = smoother(random.randrange(3), distribution(random, 7), time)
        check_probabilities(steady.probabilities, (7,))
        assert 0 <= steady.label < 7, f"label {steady.label}"
        smoother.keep(random.choice(((0, 1, 2), (1,), ())))


def _place(random: Random, side: int) -> int:
    choice = random.randrange(8)
    if choice < 4:
        return random.randint(-side, 2 * side)
    if choice < 7:
        return random.choice((0, side)) + random.randint(-2, 2)
    return random.choice((1, -1)) * random.choice(HUGE)


def _side(random: Random, side: int) -> int:
    choice = random.randrange(8)
    if choice < 4:
        return random.randint(1, 2 * side)
    if choice < 7:
        return max(0, random.choice((0, side)) + random.randint(-2, 2))
    return random.choice((1, 1, -1)) * random.choice(HUGE)


def _real(random: Random, side: int) -> float:
    return random.uniform(-side, 2 * side) if random.random() < 0.8 else random.choice((1, -1)) * random.choice(REALS)
