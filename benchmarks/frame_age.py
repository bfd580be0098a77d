"""How old pictures of a network camera are when a slow program gets them, by how it reads.

    python -m benchmarks.frame_age --seconds 60 --fps 30 --consumer-fps 10

A process of its own sends numbered pictures as MJPEG over localhost. A program that takes a few a second reads them by
`Camera`, by `Pipeline`, and by OpenCV without a thread, one after the other. The age is from the moment the server
handed the picture to the network until the program held it, both on the one monotonic clock of the machine. A frame
that has arrived is either processed or dropped: "adds up" says whether that held at the end. Without a thread the age
grows until the buffers in between are full; then the server has to wait. The source of the rule that the newest frame
wins (ferlite/handover.py).

The program's pauses vary by a fifth, as real ones do: at exactly a third of the camera's rate it would always meet the
pictures at the same age.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import NamedTuple

import cv2
import numpy as np

from benchmarks.command import print_machine, run
from benchmarks.mjpeg import MjpegServer
from ferlite import Camera, Pipeline, demo
from ferlite.types import Image

BITS, SIDE = 16, 40  # the number: a row of squares at the lower edge, white for 1, the lowest bit first
COLUMNS = f"{'sent':>6}{'seen':>7}{'processed':>11}{'dropped':>9}{'adds up':>9}{'median':>8}{'p95':>8}{'last':>8}"


class Outcome(NamedTuple):
    """Which picture was used when, and the source's own counts."""

    used: list[tuple[int, float]]
    seen: int
    dropped: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="for each way of reading (default: 60)")
    parser.add_argument("--fps", type=float, default=30.0, help="pictures sent a second (default: 30)")
    parser.add_argument("--consumer-fps", type=float, default=10.0, help="pictures used a second (default: 10)")
    options = parser.parse_args()
    print_machine()
    print(f"{options.fps:g} pictures a second, {options.consumer_fps:g} used, for {options.seconds:g} s")
    print(f"{'':18}{'frames':^42}{'age, ms':^24}\n{'':18}{COLUMNS}")
    for name, read in (("Camera", by_camera), ("Pipeline", by_pipeline), ("cv2.VideoCapture", by_opencv)):
        report(name, read, options)


def report(name: str, read: Callable[[str, float, float], Outcome], options: argparse.Namespace) -> None:
    context = get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=serve, args=(there, options.fps), daemon=True)
    server.start()
    used, seen, dropped = read(here.recv(), options.seconds, options.consumer_fps)
    here.send("enough")
    sent: dict[int, float] = here.recv()
    server.join()
    ages = np.array([moment - sent[number] for number, moment in used]) * 1000
    adds_up = "yes" if seen == len(used) + dropped else "NO"
    median, p95 = np.percentile(ages, [50, 95])
    counts = f"{len(sent):6}{seen:7}{len(used):11}{dropped:9}{adds_up:>9}"
    print(f"{name:18}{counts}{median:8.0f}{p95:8.0f}{ages[-1]:8.0f}", flush=True)


def by_camera(url: str, seconds: float, fps: float) -> Outcome:
    with Camera(url) as camera:
        used = consume((frame.image for frame in camera), seconds, fps)
    return Outcome(used, camera.seen, camera.dropped)


def by_pipeline(url: str, seconds: float, fps: float) -> Outcome:
    with Pipeline(Camera(url)) as pipeline:
        used = consume((result.frame.image for result in pipeline), seconds, fps)
    return Outcome(used, pipeline.seen, pipeline.dropped)


def by_opencv(url: str, seconds: float, fps: float) -> Outcome:
    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG)

    def pictures() -> Iterator[Image]:
        while (delivered := capture.read())[0]:
            yield delivered[1]

    used = consume(pictures(), seconds, fps)
    capture.release()
    return Outcome(used, len(used), 0)


def consume(pictures: Iterable[Image], seconds: float, fps: float) -> list[tuple[int, float]]:
    used = []
    rng = np.random.default_rng(0)
    began = time.monotonic()
    for image in pictures:
        now = time.monotonic()
        used.append((read_number(image), now))
        if now - began >= seconds:
            break
        time.sleep(rng.uniform(0.8, 1.2) / fps)
    return used


def serve(pipe: Connection, fps: float) -> None:
    portrait = demo.portrait()
    with MjpegServer(lambda number: numbered(demo.moving_picture(portrait, number / fps), number), fps) as server:
        pipe.send(server.url)
        pipe.recv()
        pipe.send(dict(server.sent))


def numbered(image: Image, number: int) -> bytes:
    bits = np.array([(number >> bit & 1) * 255 for bit in range(BITS)], np.uint8)
    image[-SIDE:] = np.kron(bits, np.ones((SIDE, SIDE), np.uint8))[:, :, None]
    return cv2.imencode(".jpg", image)[1].tobytes()


def read_number(image: Image) -> int:
    middles = image[-SIDE // 2, SIDE // 2 :: SIDE, 0] > 127
    return sum(int(bit) << place for place, bit in enumerate(middles))


if __name__ == "__main__":
    run(main)
