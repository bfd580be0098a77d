"""How much steadier smoothed labels are than raw ones, and how much later: the source of the defaults in `Smoother`.

    python -m benchmarks.steadiness --video one_face_emotions.mp4 --sweep

Each file goes through a `Pipeline` at its defaults; counted is the largest face's track, in the frames in which it was
found. A label that changes is not wrong by itself: faces do change. What changes for true is taken from a reference
that knows the future too: the mean of the raw probabilities over half a second before and after, in stretches of one
label that last 0.8 s or more. The delay of such a change is the time from its start until the smoothed label agrees;
one that never does before the stretch ends is missed. The reference steadies the network's opinion and knows nothing of
what the face really shows. `--sweep` runs the same raw probabilities through other settings.
"""

import argparse
from collections import defaultdict
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.command import add_detector, make_detector, print_machine, run
from ferlite import Face, Pipeline, Recognizer, SourceError
from ferlite.smoothing import HOLD, MARGIN, SECONDS, Smoother
from ferlite.types import Detector

HALF, LASTING = 0.5, 0.8  # seconds
EARLY = 0.5  # seconds before the start of a change from which the new label counts as following it
SWEEP = {"seconds": (0.2, 0.3, 0.4, 0.5, 0.7), "margin": (0.0, 0.05, 0.1, 0.15, 0.2), "hold": (0.0, 0.3, 0.5)}


class Track(NamedTuple):
    """The labels of a face, by index, raw and smoothed, with the raw probabilities (n, labels)."""

    names: tuple[str, ...]
    times: NDArray[np.float64]
    probabilities: NDArray[np.float32]
    raw: NDArray[np.int64]
    smoothed: NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path, nargs="+", required=True, metavar="FILE")
    add_detector(parser)
    parser.add_argument("--sweep", action="store_true", help="also try other settings of the smoother")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    print_machine()
    print(f"smoothed over {SECONDS} s, margin {MARGIN}, hold {HOLD} s; delays in seconds, '-' is missed")
    print(f"{'video':28}{'frames':>7}{'raw changes':>13}{'smoothed':>10}{'ratio':>7}  delays of true changes")
    tracks = []
    for path in options.video:
        track = read(path, make_detector(options))
        tracks.append(track)
        raw, smoothed = changes(track.raw), changes(track.smoothed)
        late = ", ".join(
            f"{track.names[label]} at {start:.1f}: {_seconds(delay)}"
            for (start, _, label), delay in zip(true_changes(track), delays(track, track.smoothed), strict=True)
        )
        ratio = f"{raw / smoothed:.1f}" if smoothed else "-"
        print(f"{path.name:28}{len(track.times):7}{raw:13}{smoothed:10}{ratio:>7}  {late or 'no true changes'}")
    if options.sweep:
        sweep(tracks)


def sweep(tracks: Sequence[Track]) -> None:
    print(f"\n{'seconds':>7}{'margin':>8}{'hold':>6}{'changes':>9}{'median delay':>14}{'longest':>9}{'missed':>8}")
    for values in product(*SWEEP.values()):
        settings = dict(zip(SWEEP, values, strict=True))
        total, late = 0, []
        for track in tracks:
            smoother = Smoother(**settings)
            pairs = zip(track.probabilities, track.times, strict=True)
            labels = np.array([smoother(1, row, timestamp).label for row, timestamp in pairs])
            total += changes(labels)
            late += delays(track, labels)
        followed = [delay for delay in late if delay is not None] or [float("nan")]
        row = "".join(f"{value:{width}}" for value, width in zip(values, (7, 8, 6), strict=True))
        missed = len(late) - sum(delay is not None for delay in late)
        print(f"{row}{total:9}{np.median(followed):14.2f}{max(followed):9.2f}{missed:8}")


def read(path: Path, detector: Detector) -> Track:
    faces: dict[int, list[tuple[float, Face]]] = defaultdict(list)
    with Pipeline(path, Recognizer(detector=detector)) as pipeline:
        for result in pipeline:
            for face in result.faces:
                if face.track_id is not None and face.unseen == 0:
                    faces[face.track_id].append((result.frame.timestamp, face))
    if not faces:
        raise SourceError(f"{path}: no face found in it")
    largest = max(faces.values(), key=lambda track: sum(face.box.w * face.box.h for _, face in track))
    names = largest[0][1].labels
    probabilities = np.stack([face.raw for _, face in largest])
    smoothed = np.array([names.index(face.label) for _, face in largest])
    return Track(names, np.array([time for time, _ in largest]), probabilities, probabilities.argmax(1), smoothed)


def changes(labels: NDArray[np.int64]) -> int:
    return int(np.count_nonzero(np.diff(labels)))


def true_changes(track: Track) -> list[tuple[float, float, int]]:
    """Start, end and label of every lasting stretch but the first; neighbours of one label are one stretch."""
    times = track.times
    means = [track.probabilities[abs(times - moment) <= HALF].mean(0) for moment in times]
    labels = np.argmax(means, axis=1)
    starts = np.flatnonzero(np.diff(labels, prepend=-1))
    ends = [*(starts[1:] - 1), len(times) - 1]
    stretches: list[tuple[float, float, int]] = []
    for start, end in zip(starts, ends, strict=True):
        if times[end] - times[start] >= LASTING:
            if stretches and stretches[-1][2] == labels[start]:
                stretches[-1] = (stretches[-1][0], times[end], labels[start])
            else:
                stretches.append((times[start], times[end], labels[start]))
    return stretches[1:]


def delays(track: Track, labels: NDArray[np.int64]) -> list[float | None]:
    found: list[float | None] = []
    for start, end, label in true_changes(track):
        agreeing = (labels == label) & (track.times >= start - EARLY) & (track.times <= end)
        found.append(float(track.times[agreeing.argmax()] - start) if agreeing.any() else None)
    return found


def _seconds(delay: float | None) -> str:
    return "-" if delay is None else f"{delay:+.2f}"


if __name__ == "__main__":
    run(main)
