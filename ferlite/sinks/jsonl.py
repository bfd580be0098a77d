"""One JSON object a frame: `seq`, `timestamp`, `latency`, `faces` (`box`, `score`, `label`, `probabilities`)."""

import contextlib
import json
import sys
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Self

from ferlite.errors import OutputError
from ferlite.types import FrameResult


class JsonLines:
    """Results as JSON Lines in a file, or on standard output for "-". Nothing is buffered: what stands is whole."""

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = path
        if path == "-":
            self._file: BinaryIO = sys.stdout.buffer
            return
        try:
            self._file = Path(path).open("wb", buffering=0)  # noqa: SIM115 - `close` ends it
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror}") from error

    def write(self, result: FrameResult) -> None:
        line = json.dumps(result.as_dict()).encode() + b"\n"
        written = 0
        try:
            while written < len(line):  # a disk that fills up takes a part first, and refuses the rest
                written += self._file.write(line[written:])
            self._file.flush()
        except BrokenPipeError:
            raise  # whoever read our standard output has left: not a fault of the output
        except OSError as error:
            with contextlib.suppress(OSError):  # a pipe cannot be shortened
                self._file.truncate(self._file.tell() - written)
            raise OutputError(f"{self.path}: writing stopped: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self.path != "-":
            self._file.close()
