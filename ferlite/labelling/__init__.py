"""Folders of a million pictures, shelves of videos: one Parquet table of all faces in them, by all cores.

`label` lists what there is (`listing`), cuts it into shards (`begin`, `parts`), has them labelled by processes of this
machine (`crew`) or of a Ray cluster (`cluster`), each of which does one shard after the other (`shard`) and writes its
rows (`table`), and joins the table. What is finished stays finished, whatever happens: the same call goes on.
"""

import time
from collections.abc import Callable, Iterator
from os import PathLike, fspath
from pathlib import Path
from typing import NamedTuple

from ferlite import device
from ferlite.errors import OutputError, SettingError
from ferlite.labelling import begin, cluster, table
from ferlite.labelling.crew import Crew, Watch
from ferlite.labelling.listing import Listing
from ferlite.labelling.parts import Parts
from ferlite.labelling.shard import Done, Make, identity
from ferlite.recognizer import Recognizer


class Progress(NamedTuple):
    """How far it is: of `files` in all `done` are, parts of videos included, `before` of them in former runs.

    `pictures` counts those of this run, and the frames of videos.
    """

    done: float
    files: int
    before: int
    pictures: int


class Summary(NamedTuple):
    """What is in the table: all `pictures`, frames of videos included, the `faces`, and how many were `unreadable`.

    `labelled` is how many of the pictures this run labelled, in `seconds`; 0 where the table was there already, and the
    others are 0 then too. `passed_over` counts what was no picture and no video, by suffix.
    """

    pictures: int
    faces: int
    unreadable: int
    labelled: int
    seconds: float
    passed_over: dict[str, int]


def label(
    source: str | PathLike[str],
    output: str | PathLike[str],
    make: Make = Recognizer,
    jobs: int | None = None,
    every: int = 1,
    restart: bool = False,
    as_listed: bool = False,
    cluster_address: str | None = None,
    watch: Callable[[Progress], None] = lambda progress: None,
) -> Summary:
    """Write a table of all faces in a folder, pattern, video, picture or list (`listing.Listing`), or go on with it.

    `output` ends in .parquet; its columns are `table.schema`. `make` gives each process its recognizer. There are
    `jobs` processes, one for each core without. Of videos each `every`-th frame is taken. What was begun before is gone
    on with, if nothing has changed that the rows hang on; `restart` begins anew, and `as_listed` labels what was listed
    when it began, whatever has come and gone since. With the `cluster_address` of a Ray cluster its processes do the
    work; they have to see the same files. `watch` is told a few times a second how far it is.

    The rows and their order are always the same, and so are the bytes where pyarrow is.

    Raises SourceError for a source that is none, OutputError for what cannot be written or was begun with other
    settings, EngineError where pyarrow or ray is missing.
    """
    table.check()
    place = Path(output)
    if place.suffix != ".parquet":
        raise SettingError(f"{output}: has to end in .parquet")
    for name, value in (("jobs", 1 if jobs is None else jobs), ("every", every)):
        if not isinstance(value, int) or value < 1:
            raise SettingError(f"{name} is {value}; it has to be 1 or more")
    if place.is_dir() or not place.parent.is_dir():
        raise OutputError(f"{output}: {'is a folder' if place.is_dir() else 'there is no such folder to write it to'}")
    folder = begin.folder_of(place)
    listing = Listing(fspath(source), leave_out=folder)
    settings = {"every": every} | identity(make())
    began = time.monotonic()
    with begin.locked(folder):
        parts = begin.begin(place, listing, settings, jobs or device.cores(), restart, as_listed)
        labelled, totals = 0, table.Totals()
        if parts is not None:
            labelled = _label(parts, make, jobs, cluster_address, watch)
            totals = table.join(parts, place)
            begin.clear(folder)
    return Summary(*totals, labelled, time.monotonic() - began, dict(listing.passed_over))


def _label(parts: Parts, make: Make, jobs: int | None, address: str | None, watch: Callable[[Progress], None]) -> int:
    """Have all shards labelled that are not; how many pictures that were."""
    there = set(table.finished(parts))
    missing = [number for number in range(len(parts)) if number not in there]
    before = done = sum(map(parts.size, there))
    pictures = 0

    def under_way(files: float, more: int) -> None:
        watch(Progress(done + files, parts.manifest["files"], before, pictures + more))

    under_way(0, 0)
    for shard in _shards(parts, make, missing, jobs, address, under_way):
        done += parts.size(shard.number)
        pictures += shard.pictures
    return pictures


def _shards(
    parts: Parts, make: Make, missing: list[int], jobs: int | None, address: str | None, watch: Watch
) -> Iterator[Done]:
    if not missing:
        return
    if address is not None:
        yield from cluster.run(parts.folder, make, missing, address, jobs, watch)
        return
    with Crew(parts.folder, make, min(jobs or device.cores(), len(missing))) as crew:
        yield from crew.run(missing, watch)
