"""Text that goes out line by line, unbuffered and whole: what the sinks for text files share."""

import contextlib
import errno
import os
import sys
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from ferlite.errors import OutputError


class LineFile:
    """A file written anew, or standard output for "-". Nothing is buffered, and what stands is whole.

    A disk that fills up takes a part of what is written and refuses the rest: the part is taken back. Opening a named
    pipe waits until somebody reads from it, as everywhere. Raises OutputError, but BrokenPipeError where the reader of
    standard output has left: that one has seen enough, and the output is not at fault.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = path
        if path == "-":
            # below Python's own buffer, so that it holds nothing back that the disk has refused
            self._file: BinaryIO = getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)
            return
        try:
            self._file = Path(path).open("wb", buffering=0)  # noqa: SIM115 - `close` ends it
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror}") from error

    def write(self, lines: str) -> None:
        """Write one or several lines, each with its line end: all of them or none."""
        if self._file.closed:
            raise OutputError(f"{self.path}: is closed")
        data = lines.encode()
        written = 0
        try:
            while written < len(data):
                count = self._file.write(data[written:])
                if count is None:  # standard output that another process has set not to wait
                    raise BlockingIOError(errno.EAGAIN, "its reader is too slow, and it is set not to wait")
                written += count
        except OSError as error:
            if self.path == "-" and isinstance(error, BrokenPipeError):
                raise
            with contextlib.suppress(OSError):  # a pipe cannot be shortened
                self._file.seek(-written, os.SEEK_CUR)
                self._file.truncate()
            raise OutputError(f"{self.path}: writing stopped: {error.strerror}") from error

    def close(self) -> None:
        if self.path != "-":
            self._file.close()
