"""A source, a detector and a classifier, each at work in a thread of its own; joined to an iterator of results."""

import atexit
import time
from dataclasses import replace
from itertools import compress
from os import PathLike
from threading import TIMEOUT_MAX, Event, RLock, Thread, current_thread
from typing import NamedTuple, Self

from ferlite.capture import Source, open_source
from ferlite.capture.live import CLOSE_TIMEOUT
from ferlite.detectors import QUICK
from ferlite.errors import SettingError
from ferlite.handover import Handover
from ferlite.images import as_image
from ferlite.recognizer import Recognizer, as_faces
from ferlite.smoothing import SECONDS, Smoother
from ferlite.stats import Stats
from ferlite.tracking import EVERY, Tracked, Tracker
from ferlite.types import Detection, Face, Frame, FrameResult, Image


class Pipeline:
    """The faces of every frame of a file, or of the newest frame of a camera or stream, in order.

    `source` is what `ferlite.open_source` takes, or an opened source. While the faces of one frame are classified,
    those of the next one are searched for, and the one after that is read. Of a live source the newest frame wins at
    each of these steps, so that results stay fresh whatever the rest of the program does; of a file no frame is lost.
    Live sources are searched quickly and files thoroughly, unless the `recognizer`'s detector was told its `min_face`.

    With `tracking`, faces keep their `track_id` from frame to frame, and the whole picture is searched every
    `search_every` frames only; without, every frame is searched and stands for itself. A tracked face is classified
    again every `classify_every` frames; in between it keeps its emotion. `smoothing` is the time constant in seconds,
    or the `Smoother`, that steadies the labels of tracked faces; 0 leaves each frame's own. `max_fps` limits how many
    frames are taken, for boards that have to stay cool.

    Use it in a `with` block: leaving it ends all threads and closes the source. What goes wrong in any of them is
    raised by the iteration. One thread at a time may iterate.

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
        smoothing: float | Smoother = SECONDS,
        classify_every: int = 1,
        max_fps: float | None = None,
    ) -> None:
        if recognizer is not None and not isinstance(recognizer, Recognizer):
            raise SettingError(f"recognizer is {recognizer!r}; it has to be a ferlite.Recognizer, or left out")
        self.source = source if isinstance(source, Source) else open_source(source)
        self.stats = Stats()
        try:
            if max_fps is not None and not max_fps > 0:
                raise SettingError(f"max_fps is {max_fps}; it has to be above 0")
            if not isinstance(classify_every, int) or classify_every < 1:
                raise SettingError(f"classify_every is {classify_every}; it has to be 1 frame or more")
            self._smoother = smoothing if isinstance(smoothing, Smoother) else _smoother(smoothing)
            self._smoother.reset()  # what it knows of another source says nothing about this one
            self.recognizer = recognizer or Recognizer()
            detector = self.recognizer.detector
            # a detector that was not told how small faces may be leaves that to us
            open_choice = getattr(detector, "min_face", QUICK) is None
            self._min_face = QUICK if self.source.live and open_choice else None
            self._tracker = Tracker(detector, search_every, min_face=self._min_face) if tracking else None
        except BaseException:
            self.source.close()  # nobody else can
            raise
        self._classify_every, self._max_fps = classify_every, max_fps
        self._found: Handover[_Found] = Handover(newest_wins=self.source.live)
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
        now = time.monotonic()
        latency = now - result.began
        self.stats.add(latency, now)
        return FrameResult(result.frame, result.faces, latency, result.detecting, result.classifying, self.dropped)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all threads and close the source; what lies between them is dropped. Any thread may call it."""
        self._closing.set()
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
            for name, work in (("classify", self._classify_all), ("detect", self._detect_all)):
                thread = Thread(target=work, name=f"ferlite {name}", daemon=True)
                thread.start()
                self._threads.append(thread)

    def _detect_all(self) -> None:
        try:
            frames = iter(self.source)
            due = 0.0
            while not self._closing.wait(min(max(0.0, due - time.monotonic()), TIMEOUT_MAX)):
                due = time.monotonic() + (1 / self._max_fps if self._max_fps else 0.0)
                frame = next(frames, None)
                if frame is None:
                    break
                started = time.monotonic()
                picture = as_image(frame.image if frame.luma is None else frame.luma)
                tracked = self._find(picture, frame.timestamp)
                began = frame.timestamp if self.source.live else started
                numbers = frozenset() if self._tracker is None else self._tracker.numbers
                detecting = time.monotonic() - started
                if not self._found.put(_Found(frame, began, picture, tracked, numbers, detecting)):
                    break
        except BaseException as error:  # the caller's, whatever it is
            self._found.finish(error)
        else:
            self._found.finish()
        finally:
            self.source.close()

    def _find(self, picture: Image, timestamp: float) -> list[Tracked]:
        if self._tracker is not None:
            return self._tracker(picture, timestamp)
        return [Tracked(None, detection) for detection in self.recognizer.detect(picture, self._min_face)]

    def _classify_all(self) -> None:
        try:
            known: dict[int | None, _Known] = {}
            while (found := self._found.take()) is not None:
                started = time.monotonic()
                faces = self._read(found, known)
                classifying = time.monotonic() - started
                self._results.put(_Result(found.frame, found.began, faces, found.detecting, classifying))
        except BaseException as error:
            self._found.close()  # nobody will take any more
            self._results.finish(error)
        else:
            self._results.finish()

    def _read(self, found: "_Found", known: dict[int | None, "_Known"]) -> tuple[Face, ...]:
        """The faces of a frame: those that are due as they are read in it, the others as `known` from before."""
        for gone in known.keys() - found.numbers:
            del known[gone]
        self._smoother.keep(found.numbers)
        seq = found.frame.seq
        due = [
            face.found and (face.track_id not in known or seq - known[face.track_id].seq >= self._classify_every)
            for face in found.faces
        ]
        fresh = iter(self._classify(found, [face.detection for face in compress(found.faces, due)]))
        faces = []
        for tracked, is_due in zip(found.faces, due, strict=True):
            if is_due:
                face, read = next(fresh), seq
                if tracked.track_id is not None:
                    face = self._steady(face, tracked.track_id, found.frame.timestamp)
            elif tracked.track_id in known:
                face, read = known[tracked.track_id]
                place = _placed(tracked.detection, found)
                face = replace(face, box=place.box, score=place.score, landmarks=place.landmarks, unseen=tracked.unseen)
            else:  # the frames in which it was found were passed over for newer ones
                continue
            faces.append(face)
            if tracked.track_id is not None:
                known[tracked.track_id] = _Known(face, read)
        return tuple(faces)

    def _classify(self, found: "_Found", detections: list[Detection]) -> list[Face]:
        """What the classifier says of faces in this frame, each by itself."""
        classifier = self.recognizer.classifier
        placed = [_placed(detection, found) for detection in detections]
        if classifier.card.color == "grey":
            probabilities = classifier.predict_faces(found.picture, detections)
        else:
            probabilities = classifier.predict_faces(as_image(found.frame.image), placed)
        return as_faces(placed, probabilities, classifier.labels)

    def _steady(self, face: Face, number: int, timestamp: float) -> Face:
        """The face with its number, and with what holds for it over time."""
        steady = self._smoother(number, face.raw, timestamp)
        return replace(face, label=face.labels[steady.label], probabilities=steady.probabilities, track_id=number)


def _smoother(seconds: float) -> Smoother:
    return Smoother(seconds) if seconds else Smoother(seconds=0, margin=0, hold=0)


def _placed(detection: Detection, found: "_Found") -> Detection:
    """A face found in a frame's luma, in pixels of its image."""
    (height, width), (rows, columns) = found.frame.image.shape[:2], found.picture.shape[:2]
    if (height, width) == (rows, columns):
        return detection
    return detection.placed(width / columns, height / rows)


class _Known(NamedTuple):
    """A face and the number of the frame in which it was read."""

    face: Face
    seq: int


class _Found(NamedTuple):
    """A frame with the faces found in `picture`, its luma if it has one, and the `numbers` of all that may return."""

    frame: Frame
    began: float
    picture: Image
    faces: list[Tracked]
    numbers: frozenset[int]
    detecting: float


class _Result(NamedTuple):
    frame: Frame
    began: float
    faces: tuple[Face, ...]
    detecting: float
    classifying: float
