import itertools
import threading
import time

import numpy as np
import pytest

from ferlite.capture.live import LiveSource
from ferlite.errors import SourceError


class Reader:
    """Pictures that count, at a pace; may fail, end or hang after some."""

    def __init__(self, interval=0.01, pictures=10**9, failure=None, hang=None):
        self.interval, self.pictures, self.failure, self.hang = interval, pictures, failure, hang
        self.count = 0
        self.closed_by = None

    def read(self):
        time.sleep(self.interval)
        if self.count == self.pictures:
            if self.hang:
                self.hang.wait(5)
            if self.failure:
                raise self.failure
            return None
        self.count += 1
        return np.full((2, 2), self.count % 256, np.uint8)

    def close(self):
        self.closed_by = threading.current_thread()


def capture_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("ferlite capture")]


def test_the_newest_frame_wins_and_every_frame_is_accounted_for():
    seen = []
    with LiveSource(Reader(interval=0.005, pictures=80), "test") as source:
        for frame in source:
            seen.append(frame)
            time.sleep(0.04)
        assert len(seen) + source.dropped == 80
    numbers = [frame.seq for frame in seen]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 79
    assert len(seen) < 40  # slow as it was, it skipped instead of falling behind
    assert all(b.timestamp > a.timestamp for a, b in itertools.pairwise(seen))


def test_a_fast_consumer_misses_nothing_and_sees_nothing_twice():
    with LiveSource(Reader(interval=0.01, pictures=20), "test") as source:
        assert [frame.seq for frame in source] == list(range(20))
        assert source.dropped == 0


def test_failures_reach_the_caller():
    for failure, message in (
        (SourceError("unplugged"), "unplugged"),
        (RuntimeError("odd"), "test: reading failed: odd"),
    ):
        with (
            LiveSource(Reader(pictures=2, failure=failure), "test") as source,
            pytest.raises(SourceError, match=message),
        ):
            for _ in source:
                pass


def test_a_device_that_fails_to_close_is_said_at_once():
    class Stuck(Reader):
        def close(self):
            raise OSError("stuck")

    began = time.monotonic()
    with LiveSource(Stuck(pictures=2), "test") as source, pytest.raises(SourceError, match="closing failed: stuck"):
        for _ in source:
            pass
    assert time.monotonic() - began < 5


def test_a_stalled_source_raises_within_its_timeout():
    release = threading.Event()
    source = LiveSource(Reader(pictures=1, hang=release), "test", timeout=0.2)
    frames = iter(source)
    next(frames)
    began = time.monotonic()
    with pytest.raises(SourceError, match=r"test: no picture for 0\.2 s"):
        next(frames)
    assert time.monotonic() - began < 2
    release.set()
    source.close()
    assert not capture_threads()


def test_leaving_the_block_ends_the_thread_which_frees_the_device():
    reader = Reader()
    with LiveSource(reader, "test") as source:
        next(iter(source))
        (thread,) = capture_threads()
    assert not thread.is_alive()
    assert reader.closed_by is thread
    assert list(source) == []
    source.close()  # twice does no harm


def test_close_wakes_a_waiting_consumer():
    release = threading.Event()
    source = LiveSource(Reader(pictures=0, hang=release), "test", timeout=5)
    threading.Timer(0.1, release.set).start()
    threading.Timer(0.05, source.close).start()
    began = time.monotonic()
    assert list(source) == []
    assert time.monotonic() - began < 3
