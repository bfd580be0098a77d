import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from export import distribution
from export.cluster import launch
from export.distribution import Workers, workers
from export.errors import RunError

pytestmark = pytest.mark.tensorflow

STEPS = 6
BATCH = 16
TOLERANCE = 1e-5


def network(norm=False, dropout=False):
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    x = inputs = keras.Input((16, 16, 1))
    x = layers.Conv2D(8, 3, strides=2, name="conv")(x)
    if norm:
        x = layers.BatchNormalization(name="norm")(x)
    x = layers.Flatten()(layers.ReLU()(x))
    if dropout:
        x = layers.Dropout(0.5, seed=7, name="dropout")(x)
    model = keras.Model(inputs, layers.Dense(3, name="logits")(x))
    optimizer = keras.optimizers.SGD(
        keras.optimizers.schedules.CosineDecay(0.05, STEPS), momentum=0.9, nesterov=True, weight_decay=0.01
    )
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=False)
    optimizer.build(model.trainable_variables)
    return model


def batch(step):
    """Pictures (16, 16, 16, 1), targets (16, 3) and weights (16,), of which the halves are quite different."""
    rng = np.random.default_rng(step)
    pictures = rng.normal(size=(BATCH, 16, 16, 1)) + np.linspace(0, 2, BATCH)[:, None, None, None]
    return pictures.astype("f4"), np.eye(3, dtype="f4")[rng.integers(0, 3, BATCH)], rng.random(BATCH).astype("f4")


def train(together, **layers):
    """The model after some steps, and what each step said."""
    with together.scope():
        model = network(**layers)
    together.share(model.variables + model.optimizer.variables)
    return model, [together.train_step(model, *batch(step)) for step in range(STEPS)]


def state(model):
    return {f"{i}/{v.name}": v.numpy() for i, v in enumerate(model.variables + model.optimizer.variables)}


def act_as_worker(folder):
    """What every worker of the fixture `found` does; the second one dies in the end."""
    together = workers()
    said = {}
    for name, layers in (("plain", {}), ("norm", {"norm": True}), ("dropout", {"dropout": True})):
        model, losses = train(together, **layers)
        np.savez(folder / f"{name}-{together.index}.npz", **state(model))
        said[name] = [{key: float(value) for key, value in step.items()} for step in losses]
    said["any"] = [together.any(together.index == 1), together.any(False)]
    together.check_same("the same settings")
    for name, attempt in (
        ("uneven", lambda: together.train_step(model, *(array[:3] for array in batch(0)))),
        ("different", lambda: together.check_same(f"settings of {together.index}")),
        ("lost", lambda: [_die_as_second(together.index), together.train_step(model, *batch(0))]),
    ):
        try:
            attempt()
        except RunError as error:
            said[name] = str(error)
        (folder / f"said-{together.index}.json").write_text(json.dumps(said))


def act_on_two_devices(folder):
    """One process with two devices, for which the processor is split in two."""
    import tensorflow as tf

    [processor] = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    model, _ = train(distribution._Replicated(strategy, count=1, index=0), norm=True)
    np.savez(folder / "devices.npz", **state(model))


def _die_as_second(index):
    if index == 1:
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Folder of what two workers left behind, and the exit code of `launch`."""
    folder = tmp_path_factory.mktemp("workers")

    def command(function):
        call = f"from pathlib import Path; from tests.export.test_distribution import {function} as act"
        return [sys.executable, "-c", f"{call}; act(Path({str(folder)!r}))"]

    with subprocess.Popen(command("act_on_two_devices")) as devices:
        code = launch(2, command("act_as_worker"))
    assert devices.returncode == 0
    return folder, code


@pytest.fixture(scope="module")
def alone():
    """Name → the model trained by one process on the whole batches, and what each step said."""
    return {"plain": train(Workers()), "norm": train(Workers(), norm=True)}


def said(found, index):
    return json.loads((found[0] / f"said-{index}.json").read_text())


def largest_difference(path, model):
    with np.load(path) as saved:
        return max(float(np.abs(saved[name] - value).max()) for name, value in state(model).items())


@pytest.mark.parametrize("name", ["plain", "norm"])
@pytest.mark.parametrize("index", [0, 1])
def test_two_workers_end_with_the_weights_of_one_process_with_the_double_batch(found, alone, name, index):
    assert largest_difference(found[0] / f"{name}-{index}.npz", alone[name][0]) < TOLERANCE


def test_two_devices_of_one_process_end_with_them_too(found, alone):
    assert largest_difference(found[0] / "devices.npz", alone["norm"][0]) < TOLERANCE


@pytest.mark.parametrize("name", ["plain", "norm"])
def test_every_step_says_the_same_on_both_workers_as_in_one_process(found, alone, name):
    assert said(found, 0)[name] == said(found, 1)[name]
    for together, single in zip(said(found, 0)[name], alone[name][1], strict=True):
        assert together == pytest.approx({key: float(value) for key, value in single.items()}, abs=TOLERANCE)


def test_workers_stay_the_same_but_for_the_masks_of_their_dropout(found):
    with np.load(found[0] / "dropout-0.npz") as first, np.load(found[0] / "dropout-1.npz") as second:
        different = [name for name in first.files if (first[name] != second[name]).any()]
        assert [name.split("/")[-1] for name in different] == ["seed_generator_state"]
        assert first[different[0]].tolist() == [7, STEPS]  # the chief's, from which one can go on alone


def test_one_worker_that_wants_to_stop_is_heard_by_all(found):
    assert said(found, 0)["any"] == said(found, 1)["any"] == [True, False]


def test_a_batch_that_cannot_be_shared_evenly_is_refused(found):
    assert "batch of 3 pictures cannot be shared evenly by 2" in said(found, 0)["uneven"]


def test_workers_with_different_settings_are_told_so(found):
    for index in (0, 1):
        assert "data of worker 1 are not those of worker 0" in said(found, index)["different"]


def test_a_worker_that_dies_ends_the_others_with_an_error(found):
    assert "lost another worker" in said(found, 0)["lost"]
    assert found[1] == 128 + signal.SIGKILL


def test_a_process_that_trains_alone_needs_no_strategy(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    together = workers()
    assert (together.count, together.index, together.is_chief, together.any(True)) == (1, 0, True, True)


def test_importing_it_brings_neither_tensorflow_nor_keras():
    code = "import sys, export.distribution; print([name for name in ('tensorflow', 'keras') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_other_backends_refuse_a_tf_config(monkeypatch):
    import keras

    monkeypatch.setenv(
        "TF_CONFIG", json.dumps({"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 0}})
    )
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(RunError, match="backend is jax"):
        workers()
