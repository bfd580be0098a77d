"""The same work on a Ray cluster: its `map_batches` hands the shards to actors on all nodes. Needs ray.

Each actor labels by a `Crew` of one, so that a picture that kills its reader costs the same there as here. Actors write
their parts into the shared folder themselves; nothing but their numbers goes through Ray.
"""

import logging
import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ferlite import errors
from ferlite.errors import EngineError, FerliteError, SettingError, SourceError
from ferlite.labelling.shard import Done, Make

if TYPE_CHECKING:
    from ferlite.labelling.crew import Crew

# what OpenCV reads when it is imported: the same limits and the same silence as here
VARIABLES = ("OPENCV_IO_MAX_IMAGE_PIXELS", "OPENCV_FFMPEG_LOGLEVEL")


def run(folder: Path, make: Make, numbers: Sequence[int], address: str, jobs: int | None) -> Iterator[Done]:
    """Label these shards by `jobs` actors, one for each of the cluster's processors without. `address` is Ray's.

    Raises EngineError without ray, SourceError where no cluster answers or a node does not see the files.
    """
    with _connected(address) as ray:
        processors = int(ray.cluster_resources().get("CPU", 0))
        if jobs is not None and jobs > processors:
            raise SettingError(f"--jobs {jobs}: the cluster at {address} has {processors} processors")
        shards = ray.data.from_items([{"shard": number} for number in numbers], override_num_blocks=len(numbers))
        rows = shards.map_batches(
            ShardActor,
            fn_constructor_args=(str(folder.absolute()), make),
            batch_size=1,
            num_cpus=1,
            concurrency=min(jobs or processors, len(numbers)),
            runtime_env={"env_vars": {name: os.environ[name] for name in VARIABLES if name in os.environ}},
        ).iter_rows()
        try:
            for row in rows:
                if row["error"]:
                    raise getattr(errors, row["error"])(row["said"])
                yield Done(row["shard"], row["pictures"])
        except ray.exceptions.RayError as error:
            *_, said = str(error).strip().splitlines()
            raise SourceError(
                f"{address}: the cluster gave up: {said}; every node needs the same ferlite, with the extra `ray`"
            ) from error


class ShardActor:
    """What Ray makes once for each of its processes, and gives one shard after the other."""

    def __init__(self, folder: str, make: Make) -> None:
        self._folder, self._make = Path(folder), make
        self._crew: Crew | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        from ferlite.labelling.crew import Crew

        numbers = [int(number) for number in batch["shard"]]
        try:
            if self._crew is None:
                self._crew = Crew(self._folder, self._make, 1)
            pictures = [done.pictures for done in self._crew.run(numbers, lambda files, pictures: None)]
        except FerliteError as error:  # as values: what Ray makes of an exception is a page long
            return _answer(numbers, [0] * len(numbers), type(error).__name__, f"node {platform.node()}: {error}")
        return _answer(numbers, pictures)


def _answer(numbers: list[int], pictures: list[int], error: str = "", said: str = "") -> dict[str, list[Any]]:
    return {
        "shard": numbers,
        "pictures": pictures,
        "error": [error] * len(numbers),
        "said": [said] * len(numbers),
    }


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # what goes wrong is raised
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise EngineError(f"a cluster needs ray: pip install 'ferlite[ray]' ({error})") from error
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # ConnectionError, ValueError, RuntimeError, and grpc's own
        said = " ".join(str(error).split())
        raise SourceError(
            f"{address}: no Ray cluster answers there: {said[:200]}; start one by `ray start --head`"
        ) from error
    try:
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        yield ray
    finally:
        ray.shutdown()
