"""What the live preview costs the pipeline: throughput without it, with it, and with viewers, in turns.

    python -m benchmarks.web_viewers --viewers 50 --reading 10

A pipeline runs in this process as fast as it can, on the same frames of the synthetic camera each time. Of the viewers,
`--reading` take all they get, by turns pictures and results, and the others ask for a stream and never read. They are a
process of their own; what processor time it takes is printed beside, as it is the pipeline's where cores are few.
Variants take turns in random order, and each is set against the one without a preview of the same round.
"""

import argparse
import random
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from statistics import median
from typing import NamedTuple

import cv2

from benchmarks.command import add_detector, make_detector, print_machine, run
from ferlite import Frame, Pipeline, Recognizer, WebPreview, demo
from ferlite.capture import Source
from ferlite.types import Image

PATHS = ("/stream.mjpg", "/api/events")


class Frames(Source):
    """Pictures in memory as a file: none is lost."""

    live = False
    name = "frames in memory"
    fps = demo.FPS
    dropped = 0

    def __init__(self, images: Sequence[Image]) -> None:
        self._images = images
        self.total = len(images)
        self.seen = 0

    def __iter__(self) -> Iterator[Frame]:
        for number, image in enumerate(self._images):
            self.seen += 1
            yield Frame(number, number / demo.FPS, image)

    def close(self) -> None:
        pass


class Block(NamedTuple):
    """Frames a second of the pipeline, and how many processors it and its viewers took."""

    throughput: float
    pipeline: float
    viewers: float
    read: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--viewers", type=int, default=50, help="(default: 50)")
    parser.add_argument("--reading", type=int, default=10, help="of the viewers (default: 10)")
    parser.add_argument("--frames", type=int, default=600, help="in each block (default: 600)")
    parser.add_argument("--rounds", type=int, default=7, help="(default: 7)")
    parser.add_argument("--seed", type=int, default=1, help="of the order (default: 1)")
    add_detector(parser)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    print_machine()
    portrait = demo.portrait()
    images = [demo.moving_picture(portrait, number / demo.FPS) for number in range(options.frames)]
    recognizer = Recognizer(detector=make_detector(options))
    variants: dict[str, tuple[int, int] | None] = {
        "no preview": None,
        "nobody looks": (0, 0),
        f"{options.viewers} viewers, none reads": (options.viewers, 0),
        f"{options.viewers} viewers, {options.reading} read": (options.viewers, options.reading),
    }
    blocks: dict[str, list[Block]] = {name: [] for name in variants}
    order = random.Random(options.seed)
    measure(images, recognizer, None)  # warm
    for _ in range(options.rounds):
        for name in order.sample(list(variants), len(variants)):
            blocks[name].append(measure(images, recognizer, variants[name]))
    report(blocks)


def measure(images: Sequence[Image], recognizer: Recognizer, looking: tuple[int, int] | None) -> Block:
    """One pass over the frames, with `looking` viewers of whom so many read."""
    with ExitStack() as stack:
        preview = None if looking is None else stack.enter_context(WebPreview(port=0))
        viewers = None
        if preview is not None and looking is not None and looking[0]:
            viewers = stack.enter_context(viewing(preview.port, *looking))
        pipeline = stack.enter_context(Pipeline(Frames(images), recognizer))
        began, worked = time.monotonic(), time.process_time()
        for result in pipeline:
            if preview is not None:
                preview.write(result)
        took = time.monotonic() - began
        worked = time.process_time() - worked
        spent, read = (0.0, 0) if viewers is None else finished(viewers)
    return Block(pipeline.stats.throughput, worked / took, spent / took, read)


@contextmanager
def viewing(port: int, count: int, reading: int) -> Iterator[Connection]:
    """Viewers who all have their stream, in a process of their own."""
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=view, args=(there, port, count, reading), daemon=True)
    process.start()
    here.recv()
    yield here
    here.close()
    process.join()


def finished(viewers: Connection) -> tuple[float, int]:
    """The seconds of processor time that the viewers took, and the bytes that they read."""
    viewers.send("enough")
    spent, read = viewers.recv()
    return float(spent), int(read)


def view(pipe: Connection, port: int, count: int, reading: int) -> None:
    selector = selectors.DefaultSelector()
    sockets = []
    for number in range(count):
        viewer = socket.create_connection(("127.0.0.1", port))
        viewer.sendall(f"GET {PATHS[number % 2]} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        viewer.recv(1)  # the stream has begun
        viewer.setblocking(False)
        sockets.append(viewer)
        if number < reading:
            selector.register(viewer, selectors.EVENT_READ)
    selector.register(pipe, selectors.EVENT_READ)
    pipe.send("ready")
    began, read, asked = time.process_time(), 0, False
    while not asked:
        for key, _ in selector.select():
            if key.fileobj is pipe:
                asked = True
            elif isinstance(key.fileobj, socket.socket):
                read += len(key.fileobj.recv(1 << 18))
    pipe.send((time.process_time() - began, read))
    for viewer in sockets:
        viewer.close()


def report(blocks: dict[str, list[Block]]) -> None:
    """Medians, and the throughput as a part of that without a preview in the same round."""
    without = next(iter(blocks.values()))
    print(f"{'':28}{'frames/s':>9}{'of that without':>28}{'processors':>12}{'viewers':>9}{'MB/s read':>11}")
    for name, measured in blocks.items():
        parts = sorted(one.throughput / other.throughput for one, other in zip(measured, without, strict=True))
        seconds = [600 / one.throughput for one in measured]
        figures = f"{median(one.throughput for one in measured):9.0f}"
        spread = f"{median(parts):.3f} ({parts[0]:.3f} to {parts[-1]:.3f})"
        rate = median(one.read / 1e6 / time for one, time in zip(measured, seconds, strict=True))
        processors = f"{median(one.pipeline for one in measured):12.2f}{median(one.viewers for one in measured):9.2f}"
        print(f"{name:28}{figures}{spread:>28}{processors}{rate:11.1f}")


if __name__ == "__main__":
    run(main)
