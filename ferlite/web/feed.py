"""The newest result for any number of viewers: the pipeline leaves it here and goes on, each takes it when it can.

`put` is for the pipeline's threads; all else belongs to the server's event loop. Nothing queues up anywhere: of results
the newest wins, and a viewer that is slow skips.
"""

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import cv2

from ferlite import device
from ferlite.drawing import COLORS, draw
from ferlite.images import as_image, shrink
from ferlite.types import Box, Face, FrameResult, Image
from ferlite.web.timeline import WINDOW, Timeline

log = logging.getLogger(__name__)
LONGEST = 1280  # pixels of a picture's longer side: more is no gain on a page, and costs a small board dearly
SMALLEST_TEXT = 1 / 48  # of the shorter side: a page shows pictures at half their size, a phone at less
QUALITY = 80  # of JPEG: 35 KB for the demo's 640×480
REST = 4  # drawing and sending take at most one REST-th of the time: many viewers get fewer pictures, not a core
FPS_SPAN, FPS_LEAST = 3.0, 5  # seconds over which results are counted, and of slow sources at least so many
FRESH = 5.0  # seconds for which the machine's temperature is not asked for again


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A result as viewers get it, with its JSON; `number` counts what the feed was given, from 1 on."""

    number: int
    result: FrameResult
    json: str


class Feed:
    """Takes results at any rate and offers at most `most` of them a second."""

    def __init__(self, pool: Executor, most: float) -> None:
        self.most = most
        self.viewers = 0
        self.moment: Moment | None = None
        self.closed = False
        self._pool = pool
        self._lock = Lock()
        self._newest: tuple[FrameResult, float, int] | None = None
        self._count = 0
        self._woken = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._arrived = asyncio.Event()
        self._turn: asyncio.Future[None] | None = None
        self._rate = _Rate()
        self._timeline = Timeline()
        self._labels: Sequence[str] = ()
        self._machine = device.State()
        self._machine_due = 0.0
        self._looking: asyncio.Future[None] | None = None
        self._picture: asyncio.Future[bytes | None] | None = None
        self._picture_number = 0
        self._drawing = 0.0  # seconds since the last turn
        self._complained = False

    def put(self, result: FrameResult) -> None:
        """Leave a result here; any thread, never waits."""
        with self._lock:
            self._count += 1
            self._newest = result, time.monotonic(), self._count
            loop, wake = self._loop, not self._woken
            self._woken = True
        if loop is not None and wake:
            with suppress(RuntimeError):  # the loop has just ended
                loop.call_soon_threadsafe(self._arrived.set)

    async def run(self) -> None:
        """Offer one result after the other, for ever."""
        with self._lock:
            self._loop = asyncio.get_running_loop()
            if self._newest is not None:
                self._arrived.set()
        worked = time.thread_time()
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            with self._lock:
                newest, self._woken = self._newest, False
            assert newest is not None
            self._offer(*newest)
            await asyncio.sleep(1 / self.most)  # the viewers are served meanwhile
            spent, self._drawing = time.thread_time() - worked + self._drawing, 0.0
            worked = time.thread_time()
            await asyncio.sleep(REST * spent - 1 / self.most)

    async def newer(self, number: int, timeout: float) -> Moment | None:
        """The newest result that comes behind `number`; None after `timeout` seconds, and at the end."""
        if not self.closed and (self.moment is None or self.moment.number <= number):
            if self._turn is None:
                self._turn = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._turn], timeout=timeout)
        if self.closed or self.moment is None or self.moment.number <= number:
            return None
        return self.moment

    async def picture(self) -> tuple[int, bytes | None]:
        """The newest picture with its faces drawn in, as JPEG, and its number; drawn once for all who ask.

        None for what cannot be drawn. Only to be asked for when there is a moment.
        """
        assert self.moment is not None
        if self._picture is None or (self._picture.done() and self._picture_number != self.moment.number):
            loop = asyncio.get_running_loop()
            try:
                self._picture = loop.run_in_executor(self._pool, self._encoded, self.moment.result)
            except RuntimeError:  # the interpreter is ending, and no pool takes work any more
                return self.moment.number, None
            self._picture_number = self.moment.number
        number = self._picture_number
        return number, await asyncio.shield(self._picture)  # who asked first may leave, others wait for it too

    async def state(self) -> dict[str, Any]:
        """The newest result and the machine as plain JSON values; {} before the first result."""
        await self._look_at_machine()
        return {} if self.moment is None else json.loads(self.moment.json) | self._measured()

    def history(self) -> dict[str, Any]:
        """What a page has to know first: the colours of the labels, and the last minutes."""
        colors = [f"#{red:02x}{green:02x}{blue:02x}" for blue, green, red in COLORS]
        return {"colors": colors, "window": WINDOW, "spans": self._timeline.spans(time.monotonic())}

    def silent(self) -> float | None:
        """Seconds since the last result; None before the first."""
        newest = self._newest
        return None if newest is None else round(time.monotonic() - newest[1], 1)

    def close(self) -> None:
        """Let all viewers go."""
        self.closed = True
        self._turn_over()

    def _offer(self, result: FrameResult, arrived: float, number: int) -> None:
        self._rate.add(arrived, number)
        try:
            self._timeline.add(result.faces, arrived)
            if result.faces:
                self._labels = result.faces[0].labels
            if self.viewers:
                self._looking = asyncio.ensure_future(self._look_at_machine())
            text = json.dumps(result.as_dict() | self._measured(), allow_nan=False)
        except Exception as error:
            self._complain(error)
            return
        self.moment = Moment(number, result, text)
        self._turn_over()

    def _turn_over(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.set_result(None)

    def _measured(self) -> dict[str, Any]:
        return {
            "labels": list(self._labels),
            "fps": self._rate.now(),
            "temperature_c": self._machine.temperature,
            "limits": list(self._machine.limits or ()),
        }

    async def _look_at_machine(self) -> None:
        if time.monotonic() >= self._machine_due:
            self._machine_due = time.monotonic() + FRESH
            with suppress(RuntimeError):  # as above
                self._machine = await asyncio.get_running_loop().run_in_executor(self._pool, device.state)

    def _encoded(self, result: FrameResult) -> bytes | None:
        """In the pool: OpenCV works without Python's lock there."""
        began = time.monotonic()
        try:
            return encode(result.frame.image, result.faces)
        except Exception as error:
            self._complain(error)
            return None
        finally:
            self._drawing += time.monotonic() - began

    def _complain(self, error: Exception) -> None:
        if not self._complained:
            self._complained = True
            log.warning("the preview leaves out what it cannot show: %s", error)


class _Rate:
    """Results a second, of how many had come at which times."""

    def __init__(self) -> None:
        self._known: deque[tuple[float, int]] = deque()

    def add(self, moment: float, count: int) -> None:
        self._known.append((moment, count))
        while len(self._known) > FPS_LEAST and self._known[0][0] < moment - FPS_SPAN:
            self._known.popleft()

    def now(self) -> float | None:
        if len(self._known) < 2:
            return None
        (first, before), (last, count) = self._known[0], self._known[-1]
        return round((count - before) / (last - first), 1) if last > first else None


def encode(image: Image, faces: Sequence[Face]) -> bytes:
    """A picture with its faces drawn in as JPEG, its longer side at most `LONGEST`. Raises ImageError for no image."""
    small, scale = shrink(as_image(image), LONGEST)
    if scale < 1:
        faces = [replace(face, box=Box(*(round(value * scale) for value in face.box))) for face in faces]
    _, data = cv2.imencode(".jpg", draw(small, faces, SMALLEST_TEXT), (cv2.IMWRITE_JPEG_QUALITY, QUALITY))
    return data.tobytes()
