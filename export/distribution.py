"""One run trained by several processes, on one machine or many, or on all GPUs of one machine.

Which of these it is, TensorFlow's usual ways say: with the variable `TF_CONFIG` the process is one worker of
`tf.distribute.MultiWorkerMirroredStrategy`; without it and with several visible GPUs, `tf.distribute.MirroredStrategy`
uses them all; else, and on every other Keras backend, the process trains alone. Every worker gets the same batches and
learns from its share of each; batch normalisation takes its statistics over the whole batch. A step therefore does what
it does in one process, but for rounding and the masks of dropout.

The workers talk over ports without passwords, so all of this belongs into networks that one trusts.
"""

import hashlib
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np

from export import cluster
from export.errors import RunError

TIMEOUT = 120.0  # seconds until all workers have to be there


class Workers:
    """All that take part in a run; this class is a process that trains alone, on any Keras backend."""

    count = 1  # processes
    index = 0  # of this one
    replicas = 1  # devices that share a batch, of all workers together

    @property
    def is_chief(self) -> bool:
        """Whether this is the one worker that reads and writes the run's files."""
        return self.index == 0

    def scope(self) -> AbstractContextManager:
        """Where the model and its optimizer have to be built, by all workers alike."""
        return nullcontext()

    def train_step(self, model: Any, *batch: np.ndarray) -> dict[str, float]:
        """Learn from one batch of pictures, targets and, if there are any, weights, the whole one on every worker.

        Returns the means over that batch, the same ones on every worker. Raises RunError where the batch cannot be
        shared evenly or a worker is lost.
        """
        return model.train_on_batch(*batch, return_dict=True)

    def check_batch(self, size: int) -> None:
        """Raise RunError where batches of that size cannot be shared evenly."""
        if size % self.replicas:
            raise RunError(
                f"a batch of {size} pictures cannot be shared evenly by {self.replicas} workers or GPUs; choose a "
                "--batch-size that can, or let fewer take part (CUDA_VISIBLE_DEVICES=0 leaves one GPU)"
            )

    def check_same(self, what: str) -> None:
        """Raise RunError on all workers where `what`, the settings and data of the run, is not the same on all."""

    def share(self, variables: Sequence[Any]) -> None:
        """Give all workers the chief's values of these Keras variables, and each its own dropout.

        To be called once, when the model is built and the chief has read the checkpoint. What the chief saves later
        can be read back by any number of workers.
        """

    def any(self, flag: bool) -> bool:
        """Whether any worker says so: the same answer on all, so that all stop after the same step."""
        return flag


def workers(timeout: float = TIMEOUT) -> Workers:
    """Those that take part in the run this process belongs to; waits `timeout` seconds for them to come.

    To be called before anything else makes TensorFlow look for its devices. Raises RunError where `TF_CONFIG` is not
    right, the Keras backend is not TensorFlow, or a worker does not come.
    """
    import keras

    backend = keras.config.backend()
    if not os.environ.get("TF_CONFIG"):
        return _on_gpus() if backend == "tensorflow" else Workers()
    if backend != "tensorflow":
        raise RunError(
            f"TF_CONFIG is set, but the Keras backend is {backend}; only TensorFlow trains with several workers: "
            "KERAS_BACKEND=tensorflow, or unset TF_CONFIG"
        )
    addresses, index = cluster.read(os.environ["TF_CONFIG"])
    if len(addresses) == 1:
        return _on_gpus()
    cluster.meet(addresses, index, timeout)
    import tensorflow as tf

    with _signals_kept():
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    return _Replicated(strategy, len(addresses), index)


class _Replicated(Workers):
    """Several workers, or several GPUs of one, under a strategy of TensorFlow's."""

    def __init__(self, strategy: Any, count: int, index: int) -> None:
        self.strategy = strategy
        self.count, self.index = count, index
        self.replicas = strategy.num_replicas_in_sync
        self._model: Any = None  # the one that _step trains
        self._step: Any = None

    def scope(self) -> AbstractContextManager:
        return self.strategy.scope()

    def train_step(self, model: Any, *batch: np.ndarray) -> dict[str, float]:
        self.check_batch(len(batch[0]))
        if model is not self._model:
            self._model, self._step = model, self._compiled(model, batch)
        size = len(batch[0]) // self.replicas
        shares = self._by_replica(lambda i: tuple(array[i * size : (i + 1) * size] for array in batch))
        with self._losses_reported():
            return {name: float(mean) for name, mean in self._step(shares).items()}

    def check_same(self, what: str) -> None:
        digest = int(hashlib.sha256(what.encode()).hexdigest()[:12], 16)  # a whole number that float64 holds
        found = self._sum(np.eye(self.count)[self.index] * digest)
        others = [str(index) for index in np.flatnonzero(found != found[0])]
        if others:
            raise RunError(
                f"the settings or the data of worker {', '.join(others)} are not those of worker 0; start all with the "
                "same command, the same files and the same versions"
            )

    def share(self, variables: Sequence[Any]) -> None:
        from keras import ops

        values = [ops.convert_to_numpy(variable) for variable in variables]
        flat = np.concatenate([value.astype(np.float64).ravel() for value in values])
        flat = self._sum(flat if self.is_chief else np.zeros_like(flat))
        ends = np.cumsum([value.size for value in values])
        for variable, value, part in zip(variables, values, np.split(flat, ends[:-1]), strict=True):
            variable.assign(part.reshape(value.shape).astype(value.dtype))
        self._part_dropout([v for v in variables if v.name == "seed_generator_state"])

    def any(self, flag: bool) -> bool:
        return bool(self._sum(np.array([flag], np.float64))[0])

    def _compiled(self, model: Any, batch: tuple[np.ndarray, ...]) -> Callable[[Any], dict[str, Any]]:
        # not Keras' own loop: in that, the metrics of several workers cannot be reduced (keras-team/keras#20585)
        import tensorflow as tf

        for norm in _batch_norms(model):
            norm.synchronized = True  # else every replica would keep statistics of its own
        with self.strategy.scope():  # Keras' own loop does it too: a step of several GPUs must not create variables
            model._symbolic_build(data_batch=batch)

        @tf.function(autograph=False)
        def step(shares: Any) -> dict[str, Any]:
            model.reset_metrics()
            results = self.strategy.run(model.train_step, args=(shares,))
            return {name: self.strategy.reduce("MEAN", value, axis=None) for name, value in results.items()}

        return step

    def _sum(self, vector: np.ndarray) -> np.ndarray:
        """The sum over all workers of a vector (n,) float64."""
        local = self.replicas // self.count
        values = self._by_replica(lambda i: vector if i % local == 0 else np.zeros_like(vector))
        with self._losses_reported():
            return self.strategy.reduce("SUM", values, axis=None).numpy()

    def _by_replica(self, value: Callable[[int], Any]) -> Any:
        import tensorflow as tf

        return self.strategy.experimental_distribute_values_from_function(
            lambda context: tf.nest.map_structure(tf.convert_to_tensor, value(context.replica_id_in_sync_group))
        )

    def _part_dropout(self, states: Sequence[Any]) -> None:
        import tensorflow as tf

        def add_replica() -> None:
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            for state in states:  # seed and counter; the distance keeps clear of the seeds of other layers
                state.assign(state + tf.cast([1_000_003, 0], state.dtype) * tf.cast(replica, state.dtype))

        tf.function(lambda: self.strategy.run(add_replica), autograph=False)()

    @contextmanager
    def _losses_reported(self) -> Iterator[None]:
        import tensorflow as tf

        errors = tf.errors
        try:
            yield
        except (errors.UnavailableError, errors.AbortedError, errors.CancelledError, errors.InternalError) as error:
            if self.count == 1:
                raise
            raise RunError(
                f"worker {self.index} has lost another worker, so the run cannot go on; see what that one says, then "
                "start all again with --resume"
            ) from error


def _on_gpus() -> Workers:
    import tensorflow as tf

    if len(tf.config.list_physical_devices("GPU")) < 2:
        return Workers()
    return _Replicated(tf.distribute.MirroredStrategy(), count=1, index=0)


def _batch_norms(model: Any) -> Iterator[Any]:
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            yield layer
        elif hasattr(layer, "layers"):
            yield from _batch_norms(layer)


@contextmanager
def _signals_kept() -> Iterator[None]:
    # TensorFlow's cluster takes SIGTERM for itself, after which it would not end the process any more
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before or signal.SIG_DFL)
