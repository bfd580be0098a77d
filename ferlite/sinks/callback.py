"""Functions of your own: called with every result, or only when somebody's emotion has changed."""

from collections.abc import Callable
from typing import NamedTuple

from ferlite.errors import SettingError
from ferlite.types import Face, FrameResult, Sink


class Change(NamedTuple):
    """What is new about one face: it came (`before` is None), has another label, or left (`after`, `face` are None)."""

    track_id: int
    before: str | None
    after: str | None
    timestamp: float
    face: Face | None


class Callback(Sink):
    """Calls a function with every result, in the thread that writes; what it raises goes to the writer."""

    def __init__(self, function: Callable[[FrameResult], object]) -> None:
        self.function = function

    def write(self, result: FrameResult) -> None:
        self.function(result)

    def close(self) -> None:
        pass


class OnChange(Sink):
    """Calls a function with every Change between a result and the one written before it, those who left first.

    Frames that were dropped in between do not matter. The function runs in the thread that writes, and what it raises
    goes to the writer; changes it has not been called with by then come with the next result. At the end nobody is
    reported as having left. Raises SettingError where the faces are not tracked.

    >>> from ferlite import Pipeline, demo
    >>> changes = OnChange(lambda change: print(change.track_id, change.before, "->", change.after))
    >>> with Pipeline(demo.synthetic_camera(seconds=0.5)) as pipeline:
    ...     for result in pipeline:
    ...         changes.write(result)
    1 None -> neutral
    """

    def __init__(self, function: Callable[[Change], object]) -> None:
        self.function = function
        self._labels: dict[int, str] = {}

    def write(self, result: FrameResult) -> None:
        faces: dict[int, Face] = {}
        for face in result.faces:
            if face.track_id is None:
                raise SettingError("changes need tracking, and these faces have no track_id; switch tracking on")
            faces[face.track_id] = face
        timestamp = result.frame.timestamp
        for track_id in [known for known in self._labels if known not in faces]:
            self.function(Change(track_id, self._labels.pop(track_id), None, timestamp, None))
        for track_id, face in faces.items():
            before = self._labels.get(track_id)
            if face.label != before:
                self._labels[track_id] = face.label
                self.function(Change(track_id, before, face.label, timestamp, face))

    def close(self) -> None:
        pass
