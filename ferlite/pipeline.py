"""A source, a detector and a classifier, each at work in a thread of its own; joined to an iterator of results."""

import atexit
import time
from os import PathLike
from threading import TIMEOUT_MAX, Event, RLock, Thread, current_thread
from typing import NamedTuple, Self

from ferlite.capture import Source, open_source
from ferlite.capture.live import CLOSE_TIMEOUT
from ferlite.detectors import QUICK
from ferlite.errors import SettingError
from ferlite.following import Follower, Found
from ferlite.handover import Handover
from ferlite.recognizer import Recognizer
from ferlite.smoothing import SECONDS, Smoother
from ferlite.stats import Stats
from ferlite.tracking import EVERY
from ferlite.types import Face, Frame, FrameResult


class Pipeline:
    """The faces of every frame of a file, or of the newest frame of a camera or stream, in order.

    `source` is what `ferlite.open_source` takes, or an opened source. While the faces of one frame are classified,
    those of the next one are searched for, and the one after that is read. Of a live source the newest frame wins at
    each of these steps, so that results stay fresh whatever the rest of the program does; of a file no frame is lost.
    Live sources are searched quickly and files thoroughly, unless the `recognizer`'s detector was told its `min_face`.

    `tracking`, `search_every`, `classify_every` and `smoothing` are those of `Follower`: faces keep their `track_id`
    from frame to frame, and their labels are steady. `max_fps` limits how many frames are taken, for boards that have
    to stay cool.

    Use it in a `with` block: leaving it ends all threads and closes the source. What goes wrong in any of them is
    raised by the iteration. Several threads may iterate: each result goes to one of them. After a fork the process
    that has opened it may go on; in the other one the iteration raises SettingError.

    >>> from ferlite import demo
    >>> with Pipeline(demo.synthetic_camera(seconds=0.5)) as pipeline:
    ...     print({face.track_id for result in pipeline for face in result.faces})
    {1}
    """

    def __init__(
        self,
        source: int | str | PathLike[str] | Source = 0,
        recognizer: Recognizer | None = None,
        tracking: bool = True,
        search_every: int = EVERY,
        classify_every: int = 1,
        smoothing: float | Smoother = SECONDS,
        max_fps: float | None = None,
    ) -> None:
        if recognizer is not None and not isinstance(recognizer, Recognizer):
            raise SettingError(f"recognizer is {recognizer!r}; it has to be a ferlite.Recognizer, or left out")
        self.source = source if isinstance(source, Source) else open_source(source)
        self.stats = Stats()
        try:
            if max_fps is not None and not max_fps > 0:
                raise SettingError(f"max_fps is {max_fps}; it has to be above 0")
            self.recognizer = recognizer or Recognizer()
            # a detector that was not told how small faces may be leaves that to us
            open_choice = getattr(self.recognizer.detector, "min_face", QUICK) is None
            self._follower = Follower(
                self.recognizer,
                tracking,
                search_every,
                classify_every,
                smoothing,
                min_face=QUICK if self.source.live and open_choice else None,
            )
        except BaseException:
            self.source.close()  # nobody else can
            raise
        self._max_fps = max_fps
        self._frames: Handover[Frame] = Handover(newest_wins=False)  # of files: live sources have threads of their own
        self._found: Handover[_Searched] = Handover(newest_wins=self.source.live)
        self._results: Handover[_Result] = Handover(newest_wins=self.source.live)
        self._closing = Event()
        self._threads: list[Thread] = []
        self._starting = RLock()

    @property
    def seen(self) -> int:
        """Frames of the source that have arrived."""
        return self.source.seen

    @property
    def dropped(self) -> int:
        """Frames that were passed over for newer ones: `seen` less the results and what is under way."""
        return self.source.dropped + self._found.dropped + self._results.dropped

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> FrameResult:
        if not self._threads:
            self._start()
        result = self._results.take()
        if result is None:
            raise StopIteration
        (found, began, detecting), faces, classifying = result
        now = time.monotonic()
        self.stats.add(now - began, now)
        return FrameResult(found.frame, faces, now - began, detecting, classifying, self.dropped)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all threads and close the source; what lies between them is dropped. Any thread may call it."""
        if self._results.forked:
            return
        self._closing.set()
        self._frames.close()
        self._found.close()
        self._results.close()
        with self._starting:
            if self.source.live or not self._threads:
                self.source.close()  # also wakes who waits for it; files are closed by the thread that reads them
            for thread in self._threads:
                if thread is not current_thread():
                    thread.join(CLOSE_TIMEOUT)
        atexit.unregister(self.close)

    def _start(self) -> None:
        with self._starting:
            if self._threads or self._closing.is_set():
                return
            atexit.register(self.close)  # a thread still inside OpenCV when the interpreter goes takes the process down
            stages = [("classify", self._classify_all), ("detect", self._detect_all)]
            if not self.source.live:
                stages.append(("read", self._read_all))
            for name, work in stages:
                thread = Thread(target=work, name=f"ferlite {name}", daemon=True)
                thread.start()
                self._threads.append(thread)

    def _read_all(self) -> None:
        try:
            for frame in self.source:
                if not self._frames.put(frame):
                    break
        except BaseException as error:
            self._frames.finish(error)
        else:
            self._frames.finish()
        finally:
            self.source.close()

    def _detect_all(self) -> None:
        try:
            frames = iter(self.source) if self.source.live else iter(self._frames.take, None)
            due = 0.0
            while not self._closing.wait(min(max(0.0, due - time.monotonic()), TIMEOUT_MAX)):
                due = time.monotonic() + (1 / self._max_fps if self._max_fps else 0.0)
                frame = next(frames, None)
                if frame is None:
                    break
                started = time.monotonic()
                found = self._follower.find(frame)
                began = frame.timestamp if self.source.live else started
                if not self._found.put(_Searched(found, began, time.monotonic() - started)):
                    break
        except BaseException as error:  # the caller's, whatever it is
            self._found.finish(error)
        else:
            self._found.finish()
        finally:
            self._frames.close()
            if self.source.live:
                self.source.close()

    def _classify_all(self) -> None:
        try:
            while (searched := self._found.take()) is not None:
                started = time.monotonic()
                faces = self._follower.read(searched.found)
                self._results.put(_Result(searched, faces, time.monotonic() - started))
        except BaseException as error:
            self._found.close()  # nobody will take any more
            self._results.finish(error)
        else:
            self._results.finish()


class _Searched(NamedTuple):
    found: Found
    began: float
    detecting: float


class _Result(NamedTuple):
    searched: _Searched
    faces: tuple[Face, ...]
    classifying: float
