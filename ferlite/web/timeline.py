"""Who looked how, and when: the last minutes, so that a page opened now shows them too."""

from collections.abc import Iterable
from dataclasses import dataclass

from ferlite.types import Face

WINDOW = 300.0  # seconds
GAP = 3.0  # seconds: a face that was away for longer starts anew
MOST = 1000  # spans, so that a flickering label fills neither memory nor a phone's connection


@dataclass(slots=True)
class Span:
    """One label of one face, from `start` to `end` on the monotonic clock."""

    face: int
    label: str
    start: float
    end: float


def number_of(face: Face, place: int) -> int:
    """What tells a face apart: its track id, or where there is none its place among the others, below 0."""
    return -1 - place if face.track_id is None else face.track_id


class Timeline:
    """The labels of each face over the last `WINDOW` seconds; used by one thread."""

    def __init__(self) -> None:
        self._spans: list[Span] = []
        self._last: dict[int, Span] = {}

    def add(self, faces: Iterable[Face], now: float) -> None:
        new = []
        for place, face in enumerate(faces):
            number = number_of(face, place)
            span = self._last.get(number)
            here = span is not None and now - span.end <= GAP
            if span is None or span.label != face.label or not here:
                start = span.end if span is not None and here else now
                span = self._last[number] = Span(number, face.label, start, now)
                new.append(span)
            span.end = now
        if new:
            self._spans = self._known([*self._spans, *new], now)[-MOST:]
            self._last = {span.face: span for span in self._known(self._last.values(), now)}

    def spans(self, now: float) -> list[tuple[int, str, float, float]]:
        """The number of a face, its label, and how many seconds ago that began and ended, oldest first."""
        return [
            (span.face, span.label, round(now - span.start, 2), round(now - span.end, 2))
            for span in self._known(self._spans, now)
        ]

    @staticmethod
    def _known(spans: Iterable[Span], now: float) -> list[Span]:
        return [span for span in spans if span.end > now - WINDOW]
