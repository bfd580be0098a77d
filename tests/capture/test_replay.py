import itertools
import threading
import time

import cv2
import numpy as np
import pytest

from ferlite import Replay, SettingError, SourceError, open_source


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for number in range(10):
        writer.write(np.full((48, 64, 3), number * 20, np.uint8))
    writer.release()
    return path


def test_a_file_is_played_at_its_own_pace(clip):
    began = time.monotonic()
    with open_source(clip, replay=True) as source:
        assert source.live
        assert source.fps == 25
        frames = list(source)
    assert 9 / 25 <= time.monotonic() - began < 5
    assert [frame.seq for frame in frames] + [None] * source.dropped == [*range(10)]
    assert all(b.timestamp - a.timestamp > 0.02 for a, b in itertools.pairwise(frames))


def test_whoever_is_slow_skips_frames(clip):
    with Replay(clip) as source:
        seen = [time.sleep(0.1) or frame.seq for frame in source]
        assert len(seen) + source.dropped == source.seen == 10
    assert len(seen) < 8


def test_a_loop_goes_on_without_a_gap(clip):
    with Replay(clip, loop=True) as source:
        frames = list(itertools.islice(source, 25))
    assert frames[-1].seq >= 24
    assert frames[-1].timestamp - frames[0].timestamp == pytest.approx((frames[-1].seq - frames[0].seq) / 25, abs=0.1)


def test_a_file_may_pause_and_closing_does_not_wait_for_it(tmp_path):
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((8, 8, 3), number, np.uint8))
    source = open_source(tmp_path, fps=0.01, timeout=0.1, replay=True)
    next(iter(source))
    threading.Timer(0.3, source.close).start()
    began = time.monotonic()
    assert list(source) == []
    source.close()
    assert 0.2 < time.monotonic() - began < 5
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ferlite")]


def test_pictures_can_be_replayed(tmp_path):
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((8, 8, 3), number, np.uint8))
    with open_source(tmp_path, fps=50, replay=True) as source:
        assert len(list(source)) + source.dropped == 3


def test_faults_are_said_at_once(tmp_path):
    with pytest.raises(SourceError, match="no such file"):
        Replay(tmp_path / "none.mp4")
    for name in (0, "http://127.0.0.1/x.mjpg", "picamera"):
        with pytest.raises(SettingError, match="only a file can be replayed"):
            open_source(name, replay=True)
