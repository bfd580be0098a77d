"""How well `Tracker` keeps faces apart, and what it saves: the source of its settings in ferlite/tracking.py.

    python -m benchmarks.tracking --video seven_faces.mp4 face_leaves.mov --detector yunet

The reference is made by benchmarks/persons.py from YuNet's boxes at high resolution in every frame. It looks at the
whole video at once, before and after, but shares YuNet's errors.

switches     how often a number went over from one person of the reference to another
fragments    how often a person was given another number
covered      share of the reference's boxes with a reported face, be it one that is just missed
false        reported faces, found in that very frame, that share less than 0.1 with every box of the reference
comes, goes  seconds from a single person's first and last frame in the reference to those in which it is reported
ms           a frame's work on one thread; every 1 is a search of every frame, to compare with

Persons seen for less than half a second, in crowds mostly YuNet's errors, and boxes smaller than `--min-face` need not
be found, but are not false either.
"""

import argparse
import time
from collections import defaultdict
from pathlib import Path

import cv2

from benchmarks.command import add_detector, make_detector, print_machine, run
from benchmarks.persons import Person, join
from ferlite import Box, Tracked, Tracker, VideoFile, YuNetDetector
from ferlite.tracking import overlap
from ferlite.types import Detector

SAME = 0.2  # overlap from which a reported face can be a person of the reference
FALSE = 0.1
LASTING = 0.5  # seconds
MIN_FACE = 0.015  # of the reference
COLUMNS = f"{'switches':>10}{'fragments':>11}{'covered':>9}{'false':>7}{'comes':>7}{'goes':>7}{'ms':>8}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path, nargs="+", required=True, metavar="FILE")
    add_detector(parser)
    parser.add_argument("--reference-model", metavar="FILE", help="YuNet's file for the reference (default: pulled)")
    parser.add_argument("--gap", type=float, default=1.0, help="seconds a person may be missed (default: 1)")
    parser.add_argument("--every", type=int, nargs="+", default=[1, 3, 6, 10], help="(default: 1 3 6 10)")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    print_machine()
    detector, exhaustive = make_detector(options), YuNetDetector(options.reference_model, MIN_FACE)
    for path in options.video:
        times, boxes = [], []
        for frame in VideoFile(path):
            times.append(frame.timestamp)
            boxes.append([found.box for found in exhaustive(frame.image)])
        smallest = options.min_face * max(frame.image.shape)
        persons = join(times, boxes, options.gap)
        fewest = LASTING * len(times) / max(times[-1], LASTING)
        lasting = [person for person in persons if len(person.seen) >= fewest]
        print(f"\n{path.name}: {len(times)} frames, {len(lasting)} persons, {len(persons) - len(lasting)} short ones")
        if len(lasting) == 1:
            print(f"seen from {times[lasting[0].seen[0]]:.2f} to {times[lasting[0].seen[-1]]:.2f} s")
        print(f"{options.detector + ', every':>14}{COLUMNS}")
        for every in options.every:
            reported, milliseconds = track(path, detector, every)
            counts = compare(reported, persons, fewest, smallest)
            span = delays(times, reported, lasting[0]) if len(lasting) == 1 else f"{'-':>7}{'-':>7}"
            print(f"{every:14}{counts}{span}{milliseconds:8.1f}", flush=True)


def track(path: Path, detector: Detector, every: int) -> tuple[list[list[Tracked]], float]:
    """What the tracker reports in each frame, and its milliseconds a frame."""
    tracker, reported, spent = Tracker(detector, every), [], 0.0
    for frame in VideoFile(path):
        began = time.thread_time()
        reported.append(tracker(frame.image, frame.timestamp))
        spent += time.thread_time() - began
    return reported, spent / len(reported) * 1000


def compare(reported: list[list[Tracked]], persons: list[Person], fewest: float, smallest: float) -> str:
    switches = covered = total = false = 0
    person_of: dict[int | None, int] = {}
    ids_of: dict[int, set[int | None]] = defaultdict(set)
    for frame, faces in enumerate(reported):
        there = {number: person.boxes[frame] for number, person in enumerate(persons) if frame in person.boxes}
        wanted = {n for n, box in there.items() if len(persons[n].seen) >= fewest and max(box.w, box.h) >= smallest}
        matches = match(faces, there)
        for i, number in matches.items():
            if number in wanted and faces[i].found:
                switches += person_of.get(faces[i].track_id, number) != number
                person_of[faces[i].track_id] = number
                ids_of[number].add(faces[i].track_id)
        visible = {number for number in wanted if frame in persons[number].seen}
        covered += len(visible & set(matches.values()))
        total += len(visible)
        boxes = [face.detection.box for face in faces if face.found]
        false += sum(all(overlap(box, other) < FALSE for other in there.values()) for box in boxes)
    fragments = sum(len(ids) - 1 for ids in ids_of.values())
    share = f"{covered / total:.1%}" if total else "-"
    return f"{switches:10}{fragments:11}{share:>9}{false:7}"


def match(faces: list[Tracked], there: dict[int, Box]) -> dict[int, int]:
    """Reported faces, by index, and the persons they are: the closest pairs first."""
    shared = ((overlap(face.detection.box, box), i, n) for i, face in enumerate(faces) for n, box in there.items())
    matches: dict[int, int] = {}
    for overlapping, i, number in sorted(shared, reverse=True):
        if overlapping >= SAME and i not in matches and number not in matches.values():
            matches[i] = number
    return matches


def delays(times: list[float], reported: list[list[Tracked]], person: Person) -> str:
    frames = [frame for frame, faces in enumerate(reported) if faces]
    if not frames:
        return f"{'never':>14}"
    return "".join(f"{times[frames[end]] - times[person.seen[end]]:+7.2f}" for end in (0, -1))


if __name__ == "__main__":
    run(main)
