import json
from dataclasses import asdict

import numpy as np
import pytest

from export.config import Config
from export.datasets import Dataset, Split


@pytest.fixture
def make_data():
    """Random pictures, named like rows of fer2013.csv; the first of each split stand in Training too."""

    def make(labels=("angry", "happy", "sad"), size=48, color="grey", rows=24):
        rng = np.random.default_rng(0)
        shape = (rows, size, size) if color == "grey" else (rows, size, size, 3)

        def split(first):
            images = rng.integers(0, 256, shape, np.uint8)
            images[0] = 7
            return Split(images, np.arange(rows) % len(labels), [f"row {first + row}" for row in range(rows)])

        return Dataset(tuple(labels), split(2), split(2 + rows), split(2 + 2 * rows), name="toys")

    return make


@pytest.fixture
def make_run(tmp_path):
    """A run folder with an untrained network."""
    from export.architectures import architecture

    def make(name, dataset, arch="shallow", log=True, **settings):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        config = asdict(Config(arch=arch, **settings)) | {"labels": list(dataset.labels), "data": {}}
        (folder / "config.json").write_text(json.dumps(config | {"environment": {"keras": "3"}}))
        channels = 1 if dataset.color == "grey" else 3
        network = architecture(arch).build(dataset.size, channels, len(dataset.labels), seed=1)
        network.save(folder / "model.keras")
        if log:
            header = "epoch,step,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds\n"
            (folder / "log.csv").write_text(header + "1,2,1.5,0.3,1.4,0.4,0.1,1\n2,4,1.2,0.4,1.3,0.5,0.05,2\n")
        return folder

    return make
