"""A trained network as the teacher of another one (Hinton, Vinyals & Dean, *Distilling the Knowledge in a Neural
Network*, 2015): what it says of a picture tells more than a label, above all of pictures that people disagree about.
"""

from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from export.architectures import architecture
from export.batches import Teacher
from export.config import Config
from export.datasets import Dataset
from export.errors import RunError
from export.evaluate import device_temperature, softmax
from export.runs import load_model, predict, read_config
from ferlite import EmotionClassifier, cards

_Known = tuple[tuple[str, ...], tuple[int, ...], Teacher]  # labels, (h, w, c) and what answers
_device: EmotionClassifier  # in the process that answers


def teacher_of(config: Config, dataset: Dataset) -> Teacher | None:
    """The network that the settings name, a run's or a converted one, ready to answer; None where they name none.

    It is as sure as it is right: a converted one has a temperature in its card, a run that which validation asks for.
    Raises RunError where it is missing or was made for other labels or pictures, ModelError where a file is no model.
    """
    if config.teacher is None:
        return None
    path = Path(config.teacher)
    labels, shape, answers = _converted(path) if path.is_file() else _trained(path, dataset)
    if labels != dataset.labels:
        raise RunError(f"the teacher {path} knows the labels {list(labels)}; this data has {list(dataset.labels)}")
    wanted = (dataset.size, dataset.size, 1 if dataset.color == "grey" else 3)
    if shape != wanted:
        raise RunError(f"the teacher {path} takes pictures {shape}; this data has {wanted}")
    return answers


def _trained(run: Path, dataset: Dataset) -> _Known:
    record = read_config(run)
    model = architecture(record["arch"]).deploy(load_model(run), batch=None)

    @cache  # of no use where the labels or the pictures are others, so not before the first question
    def temperature() -> float:
        validation = dataset.validation
        return device_temperature(softmax(predict(model, validation.images)), validation.labels)

    def answers(images: np.ndarray) -> np.ndarray:
        return softmax(predict(model, images) / np.float32(temperature()))

    return tuple(record["labels"]), model.input_shape[1:], answers


def _converted(weights: Path) -> _Known:
    """In a process of its own, as TensorFlow and LiteRT in one can abort."""
    card = cards.find(weights)
    device = ProcessPoolExecutor(1, get_context("spawn"), _load, (weights,))

    def answers(images: np.ndarray) -> np.ndarray:
        pictures = np.rint(images).astype(np.uint8)
        try:
            return device.submit(_ask, pictures[..., ::-1]).result()  # ferlite takes BGR
        except BrokenProcessPool as error:
            raise RunError(f"the teacher {weights} does not run on the device runtime; try it by `ferlite`") from error

    return card.labels, (card.height, card.width, 1 if card.color == "grey" else 3), answers


def _load(weights: Path) -> None:
    global _device
    _device = EmotionClassifier(weights)


def _ask(pictures: np.ndarray) -> np.ndarray:
    return _device.predict(pictures)
