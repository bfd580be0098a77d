import subprocess
import sys

import pytest

from ferlite import VideoFile
from ferlite.errors import OutputError
from ferlite.sinks.video import CODECS, AnnotatedVideo


def frames_of(path):
    with VideoFile(path) as source:
        return list(source)


@pytest.mark.parametrize("suffix", CODECS)
def test_every_frame_of_a_file_is_written(tmp_path, make_result, suffix):
    path = tmp_path / f"out{suffix}"
    with AnnotatedVideo(path, fps=25) as sink:
        for seq in range(12):
            sink.write(make_result(seq))
    frames = frames_of(path)
    assert len(frames) == 12
    assert frames[0].image.shape == (120, 160, 3)
    assert frames[0].image[28:72, 18:62].std() > 5  # the box of the face


def test_a_live_clip_runs_at_the_pace_of_its_timestamps(tmp_path, make_result):
    path = tmp_path / "out.avi"
    with AnnotatedVideo(path, fps=30, paced=True) as sink:
        for seq in range(10):  # 10 results a second for a second
            sink.write(make_result(seq, 1000 + seq / 10))
    assert len(frames_of(path)) == 28  # 0.9 s of 30 fps and the last frame
    path = tmp_path / "fast.avi"
    with AnnotatedVideo(path, fps=30, paced=True) as sink:
        for seq in range(100):
            sink.write(make_result(seq, seq / 100))
    assert len(frames_of(path)) == 31


def test_a_long_silence_is_not_filled(tmp_path, make_result):
    path = tmp_path / "out.avi"
    with AnnotatedVideo(path, fps=30, paced=True) as sink:
        for timestamp in (0.0, 0.1, 5000.0, 5000.1):
            sink.write(make_result(0, timestamp))
    assert len(frames_of(path)) <= 12


def test_a_gap_is_filled_with_what_was_seen_before_it(tmp_path, make_result):
    path = tmp_path / "out.avi"
    with AnnotatedVideo(path, fps=10, paced=True) as sink:
        for seq, timestamp in ((0, 0.0), (1, 1.0)):
            result = make_result(seq, timestamp)
            result.frame.image[:] = 200 * seq
            sink.write(result)
    shades = [frame.image[100:, :15].mean() > 100 for frame in frames_of(path)]
    assert shades == [False] * 10 + [True]


@pytest.mark.parametrize("fps", [119.877, 239.851, 23.976, 29.97, 1, 7.5])
def test_odd_frame_rates(tmp_path, make_result, fps):
    path = tmp_path / "out.mp4"
    with AnnotatedVideo(path, fps=fps) as sink:
        for seq in range(5):
            sink.write(make_result(seq))
    with VideoFile(path) as video:
        assert video.fps == pytest.approx(fps, rel=1e-3)
        assert len(list(video)) == 5


def test_a_disk_that_fills_up_is_said(tmp_path):
    code = f"""
import resource, signal
import numpy as np
from ferlite import Frame, FrameResult, OutputError
from ferlite.sinks.video import AnnotatedVideo
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
noise = np.random.default_rng(0)
try:
    with AnnotatedVideo({str(tmp_path / "out.mp4")!r}) as sink:
        for seq in range(60):
            sink.write(FrameResult(Frame(seq, 0, noise.integers(0, 256, (240, 320, 3), dtype=np.uint8)), (), 0.01))
except OutputError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "is the disk full" in done.stdout


def test_a_source_that_changes_its_size(tmp_path, make_result):
    path = tmp_path / "out.avi"
    with AnnotatedVideo(path) as sink:
        sink.write(make_result())
        sink.write(make_result(1, shape=(240, 320, 3)))
    assert [frame.image.shape for frame in frames_of(path)] == [(120, 160, 3)] * 2


def test_places_that_cannot_be_written_are_said(tmp_path, make_result):
    with pytest.raises(OutputError, match=r"out\.gif: a video's name has to end in one of \.mp4"):
        AnnotatedVideo(tmp_path / "out.gif")
    with pytest.raises(OutputError, match="there is no folder"):
        AnnotatedVideo(tmp_path / "none" / "out.mp4")
    (tmp_path / "taken.mp4").mkdir()
    with AnnotatedVideo(tmp_path / "taken.mp4") as sink, pytest.raises(OutputError, match="cannot be written"):
        sink.write(make_result())
