"""A trained network as the teacher of another one (Hinton, Vinyals & Dean, *Distilling the Knowledge in a Neural
Network*, 2015): what it says of a picture tells more than a label, above all of pictures that people disagree about.
"""

from pathlib import Path

import numpy as np

from export.architectures import architecture
from export.batches import Teacher
from export.config import Config
from export.datasets import Dataset
from export.errors import RunError
from export.evaluate import softmax
from export.runs import load_model, predict, read_config


def teacher_of(config: Config, dataset: Dataset) -> Teacher | None:
    """The network that the settings name, ready to answer; None where they name none.

    Raises RunError where it is missing or was made for other labels or pictures.
    """
    if config.teacher is None:
        return None
    run = Path(config.teacher)
    record = read_config(run)
    if tuple(record["labels"]) != dataset.labels:
        raise RunError(f"the teacher {run} knows the labels {record['labels']}; this data has {list(dataset.labels)}")
    model = architecture(record["arch"]).deploy(load_model(run), batch=None)
    wanted = (dataset.size, dataset.size, 1 if dataset.color == "grey" else 3)
    if model.input_shape[1:] != wanted:
        raise RunError(f"the teacher {run} takes pictures {model.input_shape[1:]}; this data has {wanted}")

    def answers(images: np.ndarray) -> np.ndarray:
        return softmax(predict(model, images))

    return answers
