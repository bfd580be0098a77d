"""What the live preview costs the pipeline: throughput without it, with it, and with viewers, in turns.

    python -m benchmarks.web_viewers --viewers 50 --reading 10

A pipeline runs in this process on the same frames of the synthetic camera each time: as fast as it can, or with `--fps`
as they come from a camera. Of the viewers, `--reading` take all they get, by turns pictures and results, and the others
ask for a stream and never read. They are a process of their own; what processor time it takes is printed beside, as it
is the pipeline's where cores are few. Variants take turns in random order, and each is set against the one without a
preview of the same round. Processor time includes the preview's own, and says more than throughput on a machine that is
not idle.
"""

import argparse
import random
import selectors
import socket
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from statistics import median
from typing import NamedTuple

import cv2

from benchmarks.command import add_detector, make_detector, print_machine, run
from ferlite import Frame, Pipeline, Recognizer, WebPreview, demo
from ferlite.capture import Source
from ferlite.capture.live import LiveSource
from ferlite.capture.replay import PacedReader
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
    """Frames a second, the 95th percentile of their latency, and processors taken by this process and by viewers."""

    throughput: float
    latency: float
    pipeline: float
    viewers: float
    read: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--viewers", type=int, default=50, help="(default: 50)")
    parser.add_argument("--reading", type=int, default=10, help="of the viewers (default: 10)")
    parser.add_argument("--frames", type=int, default=600, help="in each block (default: 600)")
    parser.add_argument("--rounds", type=int, default=7, help="(default: 7)")
    parser.add_argument("--fps", type=float, help="frames a second, as of a camera (default: as many as can be)")
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
    measure(images, options.fps, recognizer, None)  # warm
    for _ in range(options.rounds):
        for name in order.sample(list(variants), len(variants)):
            blocks[name].append(measure(images, options.fps, recognizer, variants[name]))
    report(blocks)


def measure(
    images: Sequence[Image], fps: float | None, recognizer: Recognizer, looking: tuple[int, int] | None
) -> Block:
    """One pass over the frames, with `looking` viewers of whom so many read."""
    with ExitStack() as stack:
        preview = None if looking is None else stack.enter_context(WebPreview(port=0))
        viewers = None
        if preview is not None and looking is not None and looking[0]:
            viewers = stack.enter_context(viewing(preview.port, *looking))
        source = Frames(images) if fps is None else LiveSource(PacedReader(paced(images, fps)), "frames", fps)
        pipeline = stack.enter_context(Pipeline(source, recognizer))
        began, worked = time.monotonic(), time.process_time()
        for result in pipeline:
            if preview is not None:
                preview.write(result)
        took = time.monotonic() - began
        worked = time.process_time() - worked
        spent, read = (0.0, 0) if viewers is None else finished(viewers)
    latency = pipeline.stats.latency(95) * 1000
    return Block(pipeline.stats.throughput, latency, worked / took, spent / took, read / 1e6 / took)


def paced(images: Sequence[Image], fps: float) -> Generator[Frame, None, None]:
    for number, image in enumerate(images):
        yield Frame(number, number / fps, image)


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
    print(
        f"{'':28}{'frames/s':>9}{'of that without':>28}{'p95, ms':>9}{'processors':>12}{'viewers':>9}{'MB/s read':>11}"
    )
    for name, measured in blocks.items():
        parts = sorted(one.throughput / other.throughput for one, other in zip(measured, without, strict=True))
        throughput, latency, pipeline, viewers, read = (median(values) for values in zip(*measured, strict=True))
        spread = f"{median(parts):.3f} ({parts[0]:.3f} to {parts[-1]:.3f})"
        print(f"{name:28}{throughput:9.1f}{spread:>28}{latency:9.1f}{pipeline:12.3f}{viewers:9.3f}{read:11.2f}")


if __name__ == "__main__":
    run(main)
