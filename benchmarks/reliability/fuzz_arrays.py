"""Hostile arrays: any shape, type and order in memory, where images, crops and frames are expected."""

import array as array_module
import math
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from benchmarks.reliability.fuzz_process import Case
from benchmarks.reliability.fuzz_promises import check_detections, check_faces, check_probabilities
from ferlite import EmotionClassifier, FerliteDetector, Follower, Frame, HaarDetector, Recognizer, demo
from ferlite.errors import ImageError
from ferlite.images import shrink
from ferlite.types import Image

SIDES = (0, 1, 2, 3, 4, 5, 7, 20, 21, 33, 48, 49, 97, 150)
TYPES = (
    *("?", "i1", "u2", "i2", "i4", "u8", "i8", "f2", "f4", "f8", "c8", "c16", "O", "U3", "S1", "V3", "M8[s]", "m8[us]"),
    *(">u2", ">i4", ">f4", ">f8", [("b", "u1"), ("g", "u1"), ("r", "u1")]),
)
NO_ARRAYS = (None, 0, 1.5, "photo.jpg", b"bytes", [[1, 2], [3, 4]], (), {}, memoryview(bytes(12)), range(3), Ellipsis)
TIMES = (0.0, -1.0, 1e-9, 1e9, 1e300, math.inf, -math.inf, math.nan)


def prepare(folder: Path) -> Case:
    recognizer, arrays = Recognizer(), Arrays(folder)

    def run(random: Random) -> None:
        if random.random() < 0.5:
            _recognize(recognizer, arrays.make(random))
        else:
            _predict(recognizer.classifier, arrays.make(random, most=4))

    return run


def prepare_detectors(folder: Path) -> Case:
    detectors, arrays = (HaarDetector(), FerliteDetector(), FerliteDetector(score=0.01)), Arrays(folder)

    def run(random: Random) -> None:
        array, detector = arrays.make(random), random.choice(detectors)
        check_detections(detector(array, random.choice((None, 1.0, 0.25, 0.08))), array)

    return run


def prepare_frames(folder: Path) -> Case:
    recognizer, arrays = Recognizer(), Arrays(folder)

    def run(random: Random) -> None:
        settings = {"search_every": random.choice((1, 2, 6)), "classify_every": random.choice((1, 1, 3))}
        smoothing = random.choice((0, 0.4, 1e-300, 1e300))
        follower = Follower(recognizer, random.random() < 0.8, smoothing=smoothing, **settings)
        time, last = 0.0, random.randrange(4)
        for number in range(last + 1):
            time = random.choice(TIMES) if random.random() < 0.2 else time + 0.1
            image = arrays.make(random)
            luma = arrays.make(random) if random.random() < 0.3 else None
            try:
                faces = follower(Frame(number, time, image, luma))
            except ImageError:
                assert not (is_image(image) and (luma is None or is_image(luma))), "an image was refused"
                if number == last:
                    raise
                continue  # as a loop does that leaves such frames out
            assert is_image(image), "what is no image was taken"
            # between two searches a face may stay where it was while the picture is another
            found = [face for face in faces if face.unseen == 0]
            check_faces(found, image, recognizer.classifier.labels)

    return run


class Arrays:
    """Makes arrays out of a portrait, noise and constants; some lie in a file of the folder."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "array"
        self.portrait = shrink(demo.portrait()[60:360, 100:400], 96)[0]

    def make(self, random: Random, most: int = 3) -> Any:
        """An array of `most` dimensions or fewer, most often such as images are; sometimes none at all."""
        choice = random.random()
        if choice < 0.03:
            return random.choice((*NO_ARRAYS, array_module.array("B", [1, 2])))
        if choice < 0.3:
            shape = tuple(random.choice(SIDES[:8]) for _ in range(random.randrange(most + 3)))
        elif most == 3:
            shape = (random.choice(SIDES), random.choice(SIDES), *random.choice(((), (1,), (3,), (3,), (4,))))
        else:
            shape = (random.randrange(3), random.choice(SIDES), random.choice(SIDES), *random.choice(((), (1,), (3,))))
        values: np.ndarray = self._values(random, shape)
        if random.random() < 0.2:
            values = self._converted(values, random.choice(TYPES))
        for _ in range(random.randrange(3)):
            values = self._laid_out(random, values)
        if random.random() < 0.2:
            values.flags.writeable = False
        return values

    def _values(self, random: Random, shape: tuple[int, ...]) -> np.ndarray:
        kind = random.randrange(3)
        if kind == 0 and len(shape) in (2, 3) and shape[2:] in ((), (3,)):
            picture = self.portrait if len(shape) == 3 else self.portrait[:, :, 1]
            return picture[random.randrange(9) :, random.randrange(9) :][: shape[0], : shape[1]].copy()
        if kind == 1:
            return np.full(shape, random.choice((0, 1, 128, 255)), np.uint8)
        return np.random.default_rng(random.getrandbits(32)).integers(0, 256, shape, np.uint8)

    def _converted(self, values: np.ndarray, kind: Any) -> np.ndarray:
        if isinstance(kind, list) or kind.startswith("V"):
            return np.zeros(values.shape, np.dtype(kind))
        if np.dtype(kind).kind in "fc":
            return (
                np.full(values.shape, np.nan, kind)
                if values.size % 2
                else np.divide(values, 255, dtype="f8").astype(kind)
            )
        return values.astype(kind)

    def _laid_out(self, random: Random, values: np.ndarray) -> np.ndarray:
        kind = random.randrange(9)
        axis = random.randrange(values.ndim) if values.ndim else None
        if kind == 0:
            return np.asfortranarray(values)
        if kind == 1 and axis is not None:
            return np.flip(values, axis)
        if kind == 2 and axis is not None:
            return np.repeat(values, 2, axis)[(slice(None),) * axis + (slice(None, None, 2),)]
        if kind == 3 and values.ndim > 1:
            return np.swapaxes(np.ascontiguousarray(np.swapaxes(values, 0, 1)), 0, 1)
        if kind == 4 and values.ndim and values.shape[0]:
            return np.broadcast_to(values[:1], values.shape)
        if kind == 5 and values.size and not values.dtype.hasobject:
            self.file.unlink(missing_ok=True)  # an earlier array may still stand in the old one
            self.file.write_bytes(np.asarray(values).tobytes())
            return np.memmap(self.file, values.dtype, "r", shape=values.shape)
        if kind == 6:
            return np.ma.masked_array(values, mask=random.random() < 0.5)
        if kind == 7 and values.ndim == 2:
            return values.view(np.matrix)
        if kind == 8 and values.size:  # not aligned
            buffer = np.empty(values.nbytes + 1, np.uint8)
            if not values.dtype.hasobject:
                buffer[1:] = np.frombuffer(np.asarray(values).tobytes(), np.uint8)
                return np.ndarray(values.shape, values.dtype, buffer, offset=1)
        return values


def is_image(array: Any) -> bool:
    """Whether the documentation calls it an image."""
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8 or array.size == 0:
        return False
    return array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4))


def _recognize(recognizer: Recognizer, array: Any) -> None:
    try:
        faces = recognizer(array)
    except ImageError:
        assert not is_image(array), "an image was refused"
        raise
    assert is_image(array), "what is no image was taken"
    check_faces(faces, array, recognizer.classifier.labels)
    same = recognizer(_plain(array))
    assert [face.as_dict() for face in faces] == [face.as_dict() for face in same], "the order in memory matters"


def _predict(classifier: EmotionClassifier, array: Any) -> None:
    crops = isinstance(array, np.ndarray) and array.dtype == np.uint8 and array.ndim in (3, 4)
    crops = crops and (array.shape[2] not in (1, 3, 4) if array.ndim == 3 else array.shape[3] in (1, 3))
    crops = crops and 0 not in array.shape[1:]
    try:
        probabilities = classifier.predict(array)
    except ImageError:
        assert not crops, "faces were refused"
        raise
    assert crops, "what are no faces was taken"
    check_probabilities(probabilities, (len(array), len(classifier.labels)))
    assert np.array_equal(probabilities, classifier.predict(_plain(array))), "the order in memory matters"


def _plain(array: np.ndarray) -> Image:
    return np.array(np.asarray(array).tolist(), np.uint8).reshape(array.shape)
