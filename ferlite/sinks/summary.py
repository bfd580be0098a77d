"""What was seen during a period, in a few figures."""

import time
from collections import Counter
from threading import Lock
from typing import Any

from ferlite.stats import Stats
from ferlite.types import Face, FrameResult


class Summary:
    """Counts results until they are asked for, and then begins anew. One thread may ask while another adds."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._dropped = 0
        self._begin()

    def _begin(self) -> None:
        self._began = time.monotonic()
        self._stats = Stats()
        self._labels: Counter[str] = Counter()
        self._faces: int | None = None

    def add(self, result: FrameResult) -> None:
        with self._lock:
            self._stats.add(result.latency)
            self._labels.update(face.label for face in result.faces)
            self._faces, self._dropped = len(result.faces), result.dropped

    def take(self) -> dict[str, Any]:
        """The figures since the last time as plain JSON values; docs/mqtt.md says what each of them is."""
        with self._lock:
            seconds = time.monotonic() - self._began
            frames, total = self._stats.count, self._labels.total()
            likeliest = self._labels.most_common(1)
            figures = {
                "seconds": round(seconds, 3),
                "frames": frames,
                "fps": round(frames / seconds, 2) if seconds > 0 else None,
                "latency_p50": round(self._stats.latency(50), 6) if frames else None,
                "dropped": self._dropped,
                "faces": self._faces,
                "emotion": likeliest[0][0] if likeliest else None,
                "emotions": dict(self._labels.most_common()),
                "shares": {label: round(count / total, 4) for label, count in self._labels.most_common()},
            }
            self._begin()
        return figures


def dominant(faces: tuple[Face, ...]) -> str | None:
    """The commonest label, of equally common ones that of the larger face; None without a face."""
    by_size = sorted(faces, key=lambda face: face.box.w * face.box.h, reverse=True)
    common = Counter(face.label for face in by_size).most_common(1)  # of equals the first one comes first
    return common[0][0] if common else None
