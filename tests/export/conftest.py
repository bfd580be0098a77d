from pathlib import Path

import numpy as np
import pytest

from export.datasets import EMOTIONS, Dataset, Split

WITH_TENSORFLOW = (
    "architectures",
    "convert",
    "report",
    "test_distillation.py",
    "test_distribution.py",
    "test_ensemble.py",
    "test_mining.py",
    "test_own_pictures.py",
    "test_recipes.py",
    "test_schedules.py",
    "test_search.py",
    "test_statistics.py",
    "test_systems.py",
    "test_train.py",
)


def pytest_ignore_collect(collection_path, config):
    """Not even imported when deselected: TensorFlow and LiteRT in one process can abort."""
    if config.getoption("markexpr") == "not tensorflow" and collection_path.name in WITH_TENSORFLOW:
        return True
    return None


@pytest.fixture(scope="session")
def toy_data() -> Dataset:
    """Seven patterns with noise, learnt within seconds."""
    rng = np.random.default_rng(0)
    patterns = np.kron(rng.integers(40, 216, (7, 6, 6)), np.ones((8, 8), int))

    def split(count):
        labels = np.arange(count) % 7
        noisy = patterns[labels] + rng.normal(0, 12, (count, 48, 48))
        names = [f"picture {number}" for number in range(count)]
        return Split(np.clip(noisy, 0, 255).astype(np.uint8), labels.astype(np.int64), names)

    return Dataset(EMOTIONS, split(112), split(70), split(70))


@pytest.fixture
def toy_csv(toy_data, tmp_path) -> Path:
    """The toy data as a file in Kaggle's format."""
    rows = ["emotion,pixels,Usage"]
    for usage, name in (("Training", "training"), ("PublicTest", "validation"), ("PrivateTest", "test")):
        split = toy_data.split(name)
        rows += [
            f"{label},{' '.join(map(str, image.ravel()))},{usage}"
            for image, label in zip(split.images, split.labels, strict=True)
        ]
    path = tmp_path / "fer2013.csv"
    path.write_text("\n".join(rows))
    return path


@pytest.fixture(scope="session")
def toy_run(toy_data, tmp_path_factory):
    """The folder of a finished run that learnt the toy data."""
    from export import train
    from export.config import Config

    folder = tmp_path_factory.mktemp("runs") / "toy"
    train.start(toy_data, Config(epochs=5, batch_size=4, learning_rate=0.02, mixup=0.0), folder)
    return folder
