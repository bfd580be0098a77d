"""How long each stage takes on this machine, on the demo's moving portrait or on the user's own video."""

import time
from collections.abc import Callable
from typing import Any

import cv2

from ferlite import demo, device
from ferlite.capture.video import VideoFile
from ferlite.errors import SourceError
from ferlite.recognizer import Recognizer
from ferlite.stats import Stats
from ferlite.types import Image

MIN_FRAMES = 3  # fewer have no percentiles worth the name
MEMORY = 256 * 2**20  # bytes of pictures held at most, so that a long clip does not fill a small board


def measure(recognizer: Recognizer, threads: int, video: str | None, frames: int) -> dict[str, Any]:
    """Time `frames` pictures, held in memory, through every stage; figures in milliseconds, and what made them.

    `throughput` is that of the whole step without capture: detection, cropping and classification, as fast as it goes.
    """
    pictures = _pictures(video, frames)
    before = cv2.getNumThreads()
    cv2.setNumThreads(threads)
    try:
        detect, classify, whole = Stats(), Stats(), Stats()
        found = 0
        for picture in pictures[:3]:  # first calls allocate
            recognizer(picture)
        for picture in pictures:
            began = time.perf_counter()
            faces = recognizer(picture)
            whole.add(time.perf_counter() - began)
            found += bool(faces)
        for picture in pictures:
            detections = _timed(detect, recognizer.detector, picture)
            if detections:
                _timed(classify, recognizer.classifier.predict_faces, picture, detections[:1])
    finally:
        cv2.setNumThreads(before)
    return {
        "source": video or "synthetic camera",
        "frame": f"{pictures[0].shape[1]}x{pictures[0].shape[0]}",
        "frames": len(pictures),
        "frames_with_a_face": found,
        "threads": threads,
        "model": recognizer.classifier.card.weights.name,
        "throughput_fps": round(whole.throughput, 1),
        "milliseconds": {
            "detector": _percentiles(detect),
            "classifier, one face": _percentiles(classify),
            "whole step": _percentiles(whole),
        },
        "machine": device.describe(),
    }


def as_text(report: dict[str, Any]) -> str:
    """The report for people."""
    machine = report["machine"]
    lines = [
        f"{machine['board']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}",
        ", ".join(f"{name} {number}" for name, number in list(machine.items())[4:]),
        f"{report['model']}, {report['threads']} thread(s); {report['frames']} frames {report['frame']} of "
        f"{report['source']}, a face in {report['frames_with_a_face']}",
        "",
        f"{'milliseconds':22}{'p50':>9}{'p95':>9}{'p99':>9}",
        *(
            f"{stage:22}" + "".join("        -" if ms is None else f"{ms:9.3f}" for ms in times.values())
            for stage, times in report["milliseconds"].items()
        ),
        "",
        f"{report['throughput_fps']} frames per second, without capture",
    ]
    return "\n".join(lines)


def _pictures(video: str | None, frames: int) -> list[Image]:
    if video is None:
        picture = demo.portrait()
        held = min(frames, MEMORY // (3 * demo.SIZE[0] * demo.SIZE[1]))
        return [demo.moving_picture(picture, number / demo.FPS) for number in range(held)]
    pictures: list[Image] = []
    with VideoFile(video) as source:
        for frame in source:
            pictures.append(frame.image)
            if len(pictures) == frames or len(pictures) * frame.image.nbytes > MEMORY:
                break
    if len(pictures) < MIN_FRAMES:
        raise SourceError(f"{video}: {len(pictures)} frames are too few to time; give a longer clip")
    return pictures


def _timed(stats: Stats, function: Callable[..., Any], *arguments: Any) -> Any:
    began = time.perf_counter()
    result = function(*arguments)
    stats.add(time.perf_counter() - began)
    return result


def _percentiles(stats: Stats) -> dict[str, float | None]:
    return {f"p{p}": round(stats.latency(p) * 1000, 3) if stats.count else None for p in (50, 95, 99)}
