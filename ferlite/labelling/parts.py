"""The folder beside the table in which a labelling lies until the table is whole: what is in it, and how it is read.

- `manifest.json`: what is labelled and by what, written when the two below are whole
- `listing`: the paths, each ended by a NUL, as a name may hold anything else
- `shards`: (shards + 1, 2) little-endian int64, for each shard its place in the listing, in bytes, and its first path
- `0000000.parquet` and so on: the finished shards; each appears whole, and names the labelling it belongs to
- `lock`: held by the process at work
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from ferlite.errors import OutputError

MANIFEST, LISTING, SHARDS, LOCK = "manifest.json", "listing", "shards", "lock"


class Parts:
    """Such a folder, whose manifest is there. Raises OutputError where it is not or cannot be read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            text = (folder / MANIFEST).read_bytes()
            self.manifest: dict[str, Any] = json.loads(text)
            shards = (folder / SHARDS).read_bytes()
            self._shards = np.frombuffer(shards, "<i8").reshape(-1, 2)  # np.load would take pickles too
            if len(self._shards) < 2:
                raise ValueError(f"{SHARDS} is cut short")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise OutputError(
                f"{folder}: cannot be read ({reason}); remove the folder or give --restart to begin anew"
            ) from error
        self.digest = hashlib.sha256(text + shards).hexdigest()

    @property
    def base(self) -> str:
        """The folder that the paths are relative to."""
        return str(self.manifest["base"])

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.manifest["model.labels"])

    def __len__(self) -> int:
        """How many shards there are."""
        return len(self._shards) - 1

    def size(self, number: int) -> int:
        """How many paths a shard has."""
        return int(self._shards[number + 1, 1] - self._shards[number, 1])

    def paths(self, number: int) -> list[str]:
        """The paths of a shard."""
        start, end = map(int, self._shards[number : number + 2, 0])
        with (self.folder / LISTING).open("rb") as file:
            file.seek(start)
            return [os.fsdecode(path) for path in file.read(end - start).split(b"\0")[:-1]]

    def part(self, number: int) -> Path:
        """Where the rows of a shard go."""
        return self.folder / f"{number:07}.parquet"
