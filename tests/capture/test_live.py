import itertools
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from ferlite.capture import live
from ferlite.capture.live import LiveSource
from ferlite.errors import SettingError, SourceError


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


def test_a_lost_reader_that_fails_to_close_is_replaced_all_the_same():
    class Lost(Reader):
        def close(self):
            raise OSError("device gone")

    readers = [Reader(pictures=5)]
    with LiveSource(
        Lost(pictures=3, failure=SourceError("lost")), "test", reopen=lambda: readers.pop(), timeout=5
    ) as source:
        assert [frame.seq for frame in source][-1] == 7
        assert source.reconnects == 1


def test_pauses_grow_while_a_source_gives_little_and_falls_silent(monkeypatch):
    monkeypatch.setattr(live, "SHORTEST_PAUSE", 0.01)
    monkeypatch.setattr(live, "STEADY", 0.05)
    opened = []

    def reopen():
        opened.append(time.monotonic())
        return Reader(interval=0.06, pictures=1, failure=SourceError("silent"))

    with LiveSource(reopen(), "test", reopen=reopen, timeout=20) as source:
        deadline = time.monotonic() + 2
        while len(opened) < 6 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert source.reconnects >= 4
    pauses = [b - a for a, b in itertools.pairwise(opened)]
    assert pauses[-1] > pauses[0] + 0.05


def test_a_source_that_nobody_closes_does_not_take_the_process_down():
    code = """
from ferlite import demo
source = demo.synthetic_camera(60)
for _ in range(3):
    next(iter(source))
"""
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=False)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_senseless_timeout_is_said(timeout):
    with pytest.raises(SettingError, match="timeout is"):
        LiveSource(Reader(), "test", timeout=timeout)


def test_waiting_for_ever_and_almost_for_ever():
    for timeout in (float("inf"), 1e300):
        with LiveSource(Reader(pictures=2), "test", timeout=timeout) as source:
            assert len(list(source)) == 2


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
    source.close()  # waits until the thread has ended
