"""How a labelling begins, or goes on: the folder of its parts is made, or has to be of the very same work."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from ferlite.errors import FerliteError, OutputError
from ferlite.labelling import table
from ferlite.labelling.listing import Listing, is_video
from ferlite.labelling.parts import LISTING, LOCK, MANIFEST, SHARDS, Parts

SHARD = 8, 1000  # paths a shard has: the most that each process can lose to a kill, and the least worth a file
SHARES = 8  # shards for each process, so that all are at work to the end
SUFFIX = ".parts"
CHUNK = 1 << 20  # bytes of a listing read at once


def folder_of(output: Path) -> Path:
    """Where the parts of a table lie."""
    return output.with_name(output.name + SUFFIX)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make the folder and keep all others out of it; without a manifest it goes at the end. Raises OutputError."""
    import fcntl  # not on Windows, where the other commands work all the same

    try:
        folder.mkdir(exist_ok=True)
        with (folder / LOCK).open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                mine = os.path.samestat(os.fstat(lock.fileno()), (folder / LOCK).stat())
            except (BlockingIOError, FileNotFoundError):
                mine = False
            if not mine:
                raise OutputError(f"{folder}: another ferlite is at work there; wait for it or take another --output")
            try:
                yield
            finally:
                if not (folder / MANIFEST).exists():  # then nothing is lost with it
                    shutil.rmtree(folder)
    except FerliteError:
        raise
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror or error}") from error


def begin(
    output: Path, listing: Listing, settings: dict[str, Any], jobs: int, restart: bool, as_listed: bool
) -> Parts | None:
    """The parts to go on with, in the locked folder; None where the table is there already.

    `settings` is all else that the rows hang on, as plain JSON values. Raises OutputError where what is there is of
    another work, and SourceError.
    """
    folder = folder_of(output)
    there = table.manifest_of(output) if output.exists() else None
    if output.exists() and there is None:
        raise OutputError(f"{output}: is there and was not written by `ferlite label`; choose another name")
    if restart or not (folder / MANIFEST).exists():  # what a kill has left of a clearing is of no use
        clear(folder)
    for left in folder.glob(f"*{table.UNFINISHED}"):
        left.unlink()
    before = Parts(folder) if (folder / MANIFEST).exists() else None
    new = folder / f"{LISTING}{table.UNFINISHED}"
    wanted = {"source": os.path.abspath(listing.source), "base": listing.base} | settings  # noqa: PTH100
    if before is not None and as_listed:
        wanted = before.manifest | wanted
    else:
        wanted |= _write(listing, new)
    if before is not None:
        _compare(before.manifest, wanted, folder, new)
        new.unlink(missing_ok=True)
        return before
    if there is not None and not restart:
        _compare(there, wanted, output, None)
        return None
    _divide(folder, new, wanted, jobs)
    return Parts(folder)


def clear(folder: Path) -> None:
    """Remove all but the lock. The manifest goes first: without it, what is left is nothing."""
    (folder / MANIFEST).unlink(missing_ok=True)
    for path in folder.iterdir():
        if path.name != LOCK:
            path.unlink()


def _write(listing: Iterable[str], path: Path) -> dict[str, Any]:
    digest, count = hashlib.sha256(), 0
    with path.open("wb") as file:
        for name in listing:
            line = os.fsencode(name) + b"\0"
            file.write(line)
            digest.update(line)
            count += 1
        file.flush()
        os.fsync(file.fileno())
    return {"files": count, "listing": digest.hexdigest()}


def _divide(folder: Path, listing: Path, manifest: dict[str, Any], jobs: int) -> None:
    """Cut the listing into shards: each video is one, pictures in between are several; then write the manifest."""
    most = min(max(manifest["files"] // (SHARES * jobs), SHARD[0]), SHARD[1])
    cuts = [(0, 0)]
    place = video = 0
    for number, name in enumerate(_names(listing)):
        before, video = video, is_video(os.fsdecode(name))
        if number and (video or before or number - cuts[-1][1] == most):
            cuts.append((place, number))
        place += len(name) + 1
    np.array([*cuts, (place, manifest["files"])], "<i8").tofile(folder / SHARDS)
    listing.replace(folder / LISTING)
    new = folder / f"{MANIFEST}{table.UNFINISHED}"
    new.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    for path in (folder / SHARDS, new):
        with path.open("rb") as file:
            os.fsync(file.fileno())
    new.replace(folder / MANIFEST)
    table.sync_folder(folder)


def _compare(before: dict[str, Any], wanted: dict[str, Any], place: Path, new: Path | None) -> None:
    """Raises OutputError with what differs."""
    differing = [key for key in before | wanted if before.get(key) != wanted.get(key)]
    if not differing:
        return
    if set(differing) <= {"files", "listing"}:
        said = f"{before['files']:,} files were listed then, {wanted['files']:,} now"
        if new is not None:
            said += _first_difference(place / LISTING, new)
        advice = "--as-listed goes on with those of then, " if new is not None else ""
    else:
        shown = [key for key in differing if key not in ("files", "listing")]
        said = "; ".join(f"{key} was {_shortened(before.get(key))}, now {_shortened(wanted.get(key))}" for key in shown)
        advice = ""
    raise OutputError(
        f"{place}: is of another labelling: {said}; {advice}--restart labels all anew, or choose another --output"
    )


def _first_difference(before: Path, now: Path) -> str:
    for one, other in zip_longest(_names(before), _names(now)):
        if one != other:
            then, today = ("none" if name is None else os.fsdecode(name) for name in (one, other))
            return f"; they first differ where {then} stood and {today} stands"
    return ""


def _names(listing: Path) -> Iterator[bytes]:
    rest = b""
    with listing.open("rb") as file:
        while chunk := file.read(CHUNK):
            *names, rest = (rest + chunk).split(b"\0")
            yield from names


def _shortened(value: Any) -> str:
    said = json.dumps(value, ensure_ascii=False)
    return said if len(said) <= 100 else f"{said[:100]}…"
