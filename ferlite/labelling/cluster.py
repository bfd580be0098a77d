"""The same work on a Ray cluster: its `map_batches` hands the shards to actors on all nodes. Needs ray.

Each actor labels by a `Crew` of one, so that a picture that kills its reader costs the same there as here. Actors write
their parts into the shared folder themselves; nothing but their numbers goes through Ray.
"""

import logging
import os
import platform
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ferlite import errors
from ferlite.errors import EngineError, FerliteError, SettingError, SourceError
from ferlite.labelling.crew import Crew, Watch
from ferlite.labelling.shard import Done, Make

CLIENT = "ray://"
PATIENCE = 10.0  # seconds for a cluster to answer
# what OpenCV reads when it is imported: the same limits and the same silence as here
VARIABLES = ("OPENCV_IO_MAX_IMAGE_PIXELS", "OPENCV_FFMPEG_LOGLEVEL")

Row = dict[str, Any]


def run(
    folder: Path, make: Make, numbers: Sequence[int], address: str, jobs: int | None, watch: Watch
) -> Iterator[Done]:
    """Label these shards by `jobs` actors, one for each of the cluster's processors without. `address` is Ray's.

    How far the shards under way are is not known here, so `watch` is told of finished ones only. Raises EngineError
    without ray, SourceError where no cluster answers or a node does not see the files, and what a node raises.
    """
    with _connected(address) as ray:
        processors = int(ray.cluster_resources().get("CPU", 0))
        if jobs is not None and jobs > processors:
            raise SettingError(f"--jobs {jobs}: the cluster at {address} has {processors} processors")
        environment = {name: os.environ[name] for name in VARIABLES if name in os.environ}
        work = (folder.absolute(), make, numbers, min(jobs or processors, len(numbers)), environment)
        rows = _from_afar(work) if address.startswith(CLIENT) else _rows(*work)
        try:
            for row in rows:
                if row["error"]:
                    raise getattr(errors, row["error"])(row["said"])
                yield Done(row["shard"], row["pictures"])
                watch(0, 0)
        except ray.exceptions.RayError as error:
            *_, said = ["it does not say why", *str(error).strip().splitlines()]
            raise SourceError(
                f"{address}: the cluster gave up: {said}; every node needs the same ferlite, with the extra `ray`"
            ) from error


class ShardActor:
    """What Ray makes once for each of its processes, and gives one shard after the other."""

    def __init__(self, folder: Path, make: Make) -> None:
        self._crew = Crew(folder, make, 1)

    def __call__(self, batch: Row) -> Row:
        numbers = [int(number) for number in batch["shard"]]
        pictures, error, said = [0] * len(numbers), "", ""
        try:
            pictures = [done.pictures for done in self._crew.run(numbers, lambda files, pictures: None)]
        except FerliteError as met:  # as values: what Ray makes of an exception is a page long
            error, said = type(met).__name__, f"node {platform.node()}: {met}"
        return {"shard": numbers, "pictures": pictures, "error": [error] * len(numbers), "said": [said] * len(numbers)}


def _rows(folder: Path, make: Make, numbers: Sequence[int], actors: int, environment: dict[str, str]) -> Iterator[Row]:
    """What the actors answer. They take all processors: from the numbers on, no other task needs one."""
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    shards = ray.data.from_items([{"shard": number} for number in numbers], override_num_blocks=len(numbers))
    yield from shards.map_batches(
        ShardActor,
        fn_constructor_args=(folder, make),
        batch_size=1,
        num_cpus=1,
        concurrency=actors,
        runtime_env={"env_vars": environment},
    ).iter_rows()


def _from_afar(work: tuple[Any, ...]) -> Iterator[Row]:
    """The same by a task on the cluster: through Ray's client, Ray's data sets cannot be iterated."""
    import ray
    from ray.util.queue import Empty, Queue

    queue = Queue(actor_options={"num_cpus": 0})
    task = ray.remote(num_cpus=0)(_fill).remote(queue, work)
    ended: list[Any] = []
    while not ended or not queue.empty():
        ended, _ = ray.wait([task], timeout=0)
        try:
            yield queue.get(timeout=1)
        except Empty:
            continue
    ray.get(task)  # raises what went wrong


def _fill(queue: Any, work: tuple[Any, ...]) -> None:
    for row in _rows(*work):
        queue.put(row)


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise EngineError(f"a cluster needs ray: pip install 'ferlite[ray]' ({error})") from error
    _knock(address)
    ending = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, ending)  # for which Ray has a way of its own
    except Exception as error:  # ConnectionError, ValueError, RuntimeError, and grpc's own
        raise _no_answer(address, " ".join(str(error).split())[:200]) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raises SourceError where nobody answers at an address with a port: Ray itself tries for minutes."""
    host, _, port = address.removeprefix(CLIENT).partition(":")
    if port.isdecimal():
        try:
            socket.create_connection((host, int(port)), PATIENCE).close()
        except (OSError, OverflowError, UnicodeError) as error:
            raise _no_answer(address, str(error)) from error


def _no_answer(address: str, reason: str) -> SourceError:
    return SourceError(f"{address}: no Ray cluster answers there: {reason}; start one by `ray start --head`")
