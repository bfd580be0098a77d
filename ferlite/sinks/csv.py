"""One row a face, for tables: spreadsheets, pandas.

The columns are `FRAME_COLUMNS`, `FACE_COLUMNS`, and then `p_<label>` (`p_happy`, …): the probability of each label. The
first are repeated for each face of a frame; a frame without a face is one row in which all others are empty, so that
every frame is in the file. Values are as in JSON Lines. In pandas, `dtype={"track_id": "Int64"}` keeps whole numbers
beside empty fields.
"""

import csv
import io
from collections.abc import Sequence
from os import PathLike

from ferlite.errors import OutputError, SettingError
from ferlite.sinks.lines import LineFile
from ferlite.types import Emotion, FrameResult, Sink

FRAME_COLUMNS = ("seq", "timestamp", "latency", "dropped", "faces")
FACE_COLUMNS = ("track_id", "x", "y", "w", "h", "score", "label")


class CsvFile(Sink):
    """Results as CSV with a header, UTF-8, in a file, or on standard output for "-". What stands is whole frames.

    `labels` are the recognizer's, in its order: those of the bundled models, or `recognizer.classifier.labels`. Raises
    SettingError from `write` for a face that has others.
    """

    def __init__(self, path: str | PathLike[str], labels: Sequence[str] = tuple(Emotion)) -> None:
        self.labels = tuple(map(str, labels))
        self._lines = LineFile(path)
        try:
            self._write([[*FRAME_COLUMNS, *FACE_COLUMNS, *(f"p_{label}" for label in self.labels)]])
        except OutputError:
            self._lines.close()  # nobody else can
            raise

    def write(self, result: FrameResult) -> None:
        for face in result.faces:
            if face.labels != self.labels:
                raise SettingError(
                    f"{self._lines.path}: has columns for {', '.join(self.labels)}, but a face has the labels "
                    f"{', '.join(face.labels)}; open it with the recognizer's own"
                )
        values = result.as_dict()
        faces = values["faces"]
        frame = [values["seq"], values["timestamp"], values["latency"], values["dropped"], len(faces)]
        nobody = [None] * (len(FACE_COLUMNS) + len(self.labels))
        rows = [
            [face["track_id"], *face["box"], face["score"], face["label"], *face["probabilities"].values()]
            for face in faces
        ]
        self._write([frame + row for row in rows or [nobody]])

    def close(self) -> None:
        self._lines.close()

    def _write(self, rows: list[list[object]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        self._lines.write(text.getvalue())
