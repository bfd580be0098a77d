"""The rows as Parquet: the columns, the files of the shards, and the table they are joined to. Needs pyarrow.

Files appear whole: they are written under another name, forced onto the disk and renamed.
"""

import json
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from ferlite.errors import EngineError, FerliteError, OutputError
from ferlite.labelling.parts import Parts
from ferlite.types import Face

if TYPE_CHECKING:
    import pyarrow as pa

GROUP = 65_536  # rows of the table that a reader gets at once, and the most that lie in memory while it is joined
FLUSH = 4_096  # rows of a shard that lie in memory
KEY = b"ferlite"  # in the files' metadata: of a part the digest of its labelling, of the table the manifest itself
UNFINISHED = ".tmp"


class Picture(NamedTuple):
    """Where a row comes from: a picture, or a frame of a video at `timestamp` seconds."""

    path: str
    frame: int | None = None
    timestamp: float | None = None


class Totals(NamedTuple):
    """What a table holds. `pictures` includes frames of videos and the `unreadable` ones."""

    pictures: int = 0
    faces: int = 0
    unreadable: int = 0


def check() -> None:
    """Raises EngineError where there is no pyarrow."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise EngineError(f"tables need pyarrow: pip install 'ferlite[label]' ({error})") from error


def schema(labels: Sequence[str]) -> "pa.Schema":
    """The columns, for networks with these labels."""
    import pyarrow as pa

    whole = pa.int32()
    return pa.schema(
        [
            ("path", pa.string()),
            ("frame", whole),
            ("timestamp", pa.float64()),
            ("face", whole),
            *((name, whole) for name in "xywh"),
            ("score", pa.float32()),
            ("label", pa.string()),
            *((f"p_{label}", pa.float32()) for label in labels),
            ("landmarks", pa.list_(pa.float32())),
            ("width", whole),
            ("height", whole),
            ("error", pa.string()),
        ]
    )


class Rows:
    """The rows of one shard, on their way into its file."""

    def __init__(self, writer: Any, columns: "pa.Schema") -> None:
        self._writer, self._columns = writer, columns
        self._nobody = (None,) * (len(columns) - 6)  # what stands between `timestamp` and `width`
        self._rows: list[tuple[Any, ...]] = []

    def add(self, picture: Picture, size: tuple[int, int], faces: Sequence[Face]) -> None:
        """The faces of a picture of that (height, width)."""
        for number, face in enumerate(faces):
            points = face.landmarks and [value for point in face.landmarks for value in point]
            found = (number, *face.box, face.score, face.label, *face.probabilities.tolist(), points)
            self._add(picture, found, size, None)
        if not faces:
            self._add(picture, self._nobody, size, None)

    def add_unreadable(self, picture: Picture, error: str, size: tuple[int, int] | None = None) -> None:
        """A picture, and what is wrong with it."""
        self._add(picture, self._nobody, size, _text(error))

    def flush(self) -> None:
        import pyarrow as pa

        if self._rows:
            columns = zip(zip(*self._rows, strict=True), self._columns, strict=True)
            arrays = [pa.array(values, field.type) for values, field in columns]
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._columns))
            self._rows.clear()

    def _add(self, picture: Picture, face: tuple[Any, ...], size: tuple[int, int] | None, error: str | None) -> None:
        height, width = size or (None, None)
        self._rows.append((_text(picture.path), *picture[1:], *face, width, height, error))
        if len(self._rows) >= FLUSH:
            self.flush()


@contextmanager
def part_file(path: Path, labels: Sequence[str], digest: str) -> Iterator[Rows]:
    """The file of a shard, which is there when the block has ended well. Raises OutputError."""
    columns = schema(labels).with_metadata({KEY: digest.encode()})
    with _whole(path, columns, path.parent) as writer:
        rows = Rows(writer, columns)
        yield rows
        rows.flush()


def finished(parts: Parts) -> list[int]:
    """The shards whose rows are there."""
    found = []
    for number in range(len(parts)):
        path = parts.part(number)
        if path.exists() and _metadata(path) == parts.digest.encode():
            found.append(number)
    return found


def manifest_of(path: Path) -> dict[str, Any] | None:
    """The manifest of the labelling that wrote a table; None where it was none."""
    with suppress(TypeError, ValueError):
        manifest = json.loads(_metadata(path) or b"")
        return manifest if isinstance(manifest, dict) else None
    return None


def join(parts: Parts, output: Path) -> Totals:
    """Make one table of all parts: the same bytes however the rows are spread over them. Raises OutputError."""
    import pyarrow.compute as pc

    totals = Totals()
    columns = schema(parts.labels).with_metadata({KEY: json.dumps(parts.manifest).encode()})
    with _whole(output, columns, parts.folder) as writer:
        for group in _groups(parts):
            writer.write_table(group)
            pictures = pc.sum(pc.less(pc.fill_null(group["face"], 0), 1)).as_py()
            faces, unreadable = len(group) - group["face"].null_count, len(group) - group["error"].null_count
            totals = Totals(totals.pictures + pictures, totals.faces + faces, totals.unreadable + unreadable)
    return totals


def _groups(parts: Parts) -> Iterator["pa.Table"]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    waiting, count = [], 0
    for number in range(len(parts)):
        try:
            with pq.ParquetFile(parts.part(number)) as part:
                for batch in part.iter_batches(batch_size=GROUP):
                    waiting.append(batch.replace_schema_metadata(None))
                    count += len(batch)
                    while count >= GROUP:
                        table = pa.Table.from_batches(waiting)
                        # in one piece, for the pages of the file end where the pieces do
                        yield table.slice(0, GROUP).combine_chunks()
                        waiting, count = table.slice(GROUP).to_batches(), count - GROUP
        except (OSError, pa.ArrowInvalid) as error:
            raise OutputError(f"{parts.part(number)}: cannot be read again: {error}; remove it and go on") from error
    if waiting:
        yield pa.Table.from_batches(waiting).combine_chunks()


@contextmanager
def _whole(path: Path, columns: "pa.Schema", folder: Path) -> Iterator[Any]:
    """A writer for a Parquet file that appears at `path` when all is well; until then it lies in `folder`."""
    import pyarrow.parquet as pq

    new = folder / f"{path.stem}-{uuid.uuid4().hex}{UNFINISHED}"
    try:
        try:
            with new.open("wb") as file:
                with pq.ParquetWriter(file, columns, compression="zstd") as writer:
                    yield writer
                _onto_disk(file)
            new.replace(path)
            sync_folder(path.parent)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
    except FerliteError:
        raise
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error


def _onto_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Force the names in a folder onto the disk, where the file system can."""
    descriptor = os.open(folder, os.O_RDONLY)
    with suppress(OSError):
        os.fsync(descriptor)
    os.close(descriptor)


def _metadata(path: Path) -> bytes | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        value: bytes | None = (pq.read_schema(path).metadata or {}).get(KEY)
    except (OSError, pa.ArrowInvalid):  # damaged, or something else
        return None
    return value


def _text(text: str) -> str:
    """What can stand in a table: names of files may hold bytes that are no UTF-8."""
    return os.fsencode(text).decode(errors="backslashreplace")
