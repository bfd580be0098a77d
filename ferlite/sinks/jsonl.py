"""One JSON object a frame, as `FrameResult.as_dict` has it: the times in seconds and the list of the faces."""

import json
from os import PathLike

from ferlite.sinks.lines import LineFile
from ferlite.types import FrameResult, Sink


class JsonLines(Sink):
    """Results as JSON Lines in a file, or on standard output for "-". Nothing is buffered: what stands is whole."""

    def __init__(self, path: str | PathLike[str]) -> None:
        self._lines = LineFile(path)

    def write(self, result: FrameResult) -> None:
        self._lines.write(json.dumps(result.as_dict()) + "\n")

    def close(self) -> None:
        self._lines.close()
