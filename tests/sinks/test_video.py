import os
import subprocess
import sys
import threading
import time

import pytest

from ferlite import VideoFile
from ferlite.errors import ImageError, OutputError, SettingError
from ferlite.sinks import video
from ferlite.sinks.video import CODECS, WAITING, AnnotatedVideo


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name == "ferlite video"] == []


@pytest.fixture
def slow_drawing(monkeypatch):
    """Drawing that waits: `begun` says that it has begun, setting `go` lets it and all that follow happen."""

    class Gate:
        begun, go = threading.Event(), threading.Event()

    original = video.draw

    def wait_and_draw(image, faces):
        Gate.begun.set()
        assert Gate.go.wait(10)
        return original(image, faces)

    monkeypatch.setattr(video, "draw", wait_and_draw)
    yield Gate
    Gate.go.set()


def frames_of(path):
    with VideoFile(path) as source:
        return list(source)


def write_all(sink, results):
    """Write faster than a live source, and yet lose none."""
    for result in results:
        before = sink.dropped
        sink.write(result)
        while sink.dropped > before:  # there was no room yet
            before = sink.dropped
            time.sleep(0.001)
            sink.write(result)


def write_until_it_fails(sink, results):
    for result in results:
        sink.write(result)
        time.sleep(0.001)


@pytest.mark.parametrize("suffix", CODECS)
def test_every_frame_of_a_file_is_written(tmp_path, make_result, suffix):
    path = tmp_path / f"out{suffix}"
    with AnnotatedVideo(path, fps=25) as sink:
        for seq in range(3 * WAITING):
            sink.write(make_result(seq))
    frames = frames_of(path)
    assert len(frames) == 3 * WAITING
    assert sink.dropped == 0
    assert frames[0].image.shape == (120, 160, 3)
    assert frames[0].image[28:72, 18:62].std() > 5  # the box of the face


def test_a_live_clip_runs_at_the_pace_of_its_timestamps(tmp_path, make_result):
    path = tmp_path / "out.avi"
    with AnnotatedVideo(path, fps=30, paced=True) as sink:
        write_all(sink, (make_result(seq, 1000 + seq / 10) for seq in range(10)))  # 10 results a second for a second
    assert len(frames_of(path)) == 28  # 0.9 s of 30 fps and the last frame
    path = tmp_path / "fast.avi"
    with AnnotatedVideo(path, fps=30, paced=True) as sink:
        write_all(sink, (make_result(seq, seq / 100) for seq in range(100)))
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


def test_live_frames_are_left_out_instead_of_waiting_for_a_slow_disk(tmp_path, make_result, slow_drawing):
    path = tmp_path / "out.avi"
    with AnnotatedVideo(path, fps=10, paced=True) as sink:
        sink.write(make_result(0, 0.0))
        assert slow_drawing.begun.wait(10)
        for seq in range(1, 1 + WAITING + 5):  # returns, though nothing is drawn
            sink.write(make_result(seq, seq / 10))
        assert sink.dropped == 5
        slow_drawing.go.set()
        write_all(sink, [make_result(20, 2.0)])
    assert len(frames_of(path)) == 21  # what was left out is filled by pictures before it


def test_what_a_slow_disk_has_not_taken_soon_after_the_end_of_a_live_clip_is_left_out(
    tmp_path, make_result, slow_drawing, monkeypatch
):
    monkeypatch.setattr(video, "ENDING", 0.0)
    path = tmp_path / "out.avi"
    sink = AnnotatedVideo(path, fps=10, paced=True)
    sink.write(make_result(0, 0.0))
    assert slow_drawing.begun.wait(10)
    for seq in range(1, WAITING):
        sink.write(make_result(seq, 5.0 + seq))  # ten repetitions each
    threading.Timer(0.05, slow_drawing.go.set).start()
    sink.close()
    assert len(frames_of(path)) == 1
    assert sink.dropped == WAITING - 1


def test_frames_of_a_file_wait_for_a_slow_disk(tmp_path, make_result, slow_drawing):
    path = tmp_path / "out.avi"
    written = []

    def write_many():
        for seq in range(2 * WAITING):
            sink.write(make_result(seq))
            written.append(seq)

    with AnnotatedVideo(path) as sink:
        writer = threading.Thread(target=write_many)
        writer.start()
        assert slow_drawing.begun.wait(10)
        writer.join(0.1)
        assert writer.is_alive()
        assert len(written) <= WAITING + 1
        slow_drawing.go.set()
        writer.join(10)
    assert len(frames_of(path)) == 2 * WAITING
    assert sink.dropped == 0


@pytest.mark.parametrize("paced", [False, True])
def test_what_fails_in_the_thread_comes_with_the_next_write_once(tmp_path, make_result, paced):
    path = tmp_path / "out.avi"
    floats = make_result(1, 0.1)
    object.__setattr__(floats.frame, "image", floats.frame.image.astype("float32"))
    with AnnotatedVideo(path, paced=paced) as sink:
        sink.write(make_result(0, 0.0))
        sink.write(floats)
        with pytest.raises(ImageError, match="float32"):
            write_until_it_fails(sink, (make_result(seq, seq / 10) for seq in range(2, 10000)))
        with pytest.raises(OutputError, match="is closed"):
            sink.write(make_result())
    assert len(frames_of(path)) == 1  # what came before is a video


def test_what_fails_in_the_thread_comes_with_close_once(tmp_path, make_result, monkeypatch):
    def refuse(*_):
        raise ZeroDivisionError("of the test")

    monkeypatch.setattr(video, "draw", refuse)
    sink = AnnotatedVideo(tmp_path / "out.avi")
    sink.write(make_result())
    with pytest.raises(OutputError, match=r"out\.avi: writing failed: of the test"):
        sink.close()
    sink.close()


def test_a_writer_that_waits_is_freed_by_a_failure(tmp_path, make_result, slow_drawing):
    results = [make_result(seq) for seq in range(4 * WAITING)]
    object.__setattr__(results[0].frame, "image", None)
    threading.Timer(0.05, slow_drawing.go.set).start()
    with pytest.raises(ImageError), AnnotatedVideo(tmp_path / "out.avi") as sink:
        write_until_it_fails(sink, results)


def test_an_error_in_the_with_block_leaves_the_video_whole(tmp_path, make_result):
    path = tmp_path / "out.mp4"

    def run():
        with AnnotatedVideo(path) as sink:
            for seq in range(5):
                sink.write(make_result(seq))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert len(frames_of(path)) == 5


def test_without_a_frame_there_is_no_file(tmp_path):
    with AnnotatedVideo(tmp_path / "out.mp4"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fps", [119.877, 239.851, 23.976, 29.97, 1, 7.5])
def test_odd_frame_rates(tmp_path, make_result, fps):
    path = tmp_path / "out.mp4"
    with AnnotatedVideo(path, fps=fps) as sink:
        for seq in range(5):
            sink.write(make_result(seq))
    with VideoFile(path) as source:
        assert source.fps == pytest.approx(fps, rel=1e-3)
        assert len(list(source)) == 5


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf")])
def test_frame_rates_that_cannot_be_are_said(tmp_path, fps):
    with pytest.raises(SettingError, match=f"above 0, not {fps}"):
        AnnotatedVideo(tmp_path / "out.mp4", fps)


@pytest.mark.parametrize("suffix", CODECS)
@pytest.mark.parametrize("frames", [20, 2000])
def test_a_disk_that_refuses_is_said(tmp_path, suffix, frames):
    """A limit on the file's size stands for the disk: in a process of its own, as it cannot be lifted again."""
    code = f"""
import resource, signal
import numpy as np
from ferlite import AnnotatedVideo, Frame, FrameResult, OutputError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
taken = 0
try:
    with AnnotatedVideo({str(tmp_path / "out")!r} + {suffix!r}) as sink:
        for taken in range({frames}):
            sink.write(FrameResult(Frame(taken, 0, np.roll(noise, taken, axis=1)), (), 0.01))
except OutputError as error:
    print(taken, error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    taken, _, message = done.stdout.partition(" ")
    assert message == f"{tmp_path / 'out'}{suffix}: writing stopped: File too large\n"
    assert int(taken) < 200  # not only at the end


def test_recording_ends_while_the_disk_has_room_to_end_it_properly(tmp_path, make_result, monkeypatch):
    path = tmp_path / "out.mp4"
    with AnnotatedVideo(path, fps=10) as sink:
        for seq in range(25):
            sink.write(make_result(seq))
        monkeypatch.setattr(video, "RESERVE", 1 << 60)  # more than any disk has
        with pytest.raises(OutputError, match=r"out\.mp4: writing stopped: only \d+ MB left on the disk"):
            write_until_it_fails(sink, (make_result(seq) for seq in range(25, 10000)))
    assert len(frames_of(path)) >= 10


def test_a_file_that_is_taken_away_is_said(tmp_path, make_result):
    path = tmp_path / "out.avi"
    sink = AnnotatedVideo(path)
    sink.write(make_result())
    while not path.exists():
        time.sleep(0.001)
    path.unlink()
    with pytest.raises(OutputError, match=r"out\.avi: writing stopped: No such file"):
        sink.close()


@pytest.mark.parametrize("suffix", [".mkv", ".avi"])
def test_what_a_killed_process_wrote_can_be_played(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    code = f"""
import os, signal
import numpy as np
from ferlite import AnnotatedVideo, Frame, FrameResult
noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
sink = AnnotatedVideo({str(path)!r})
for seq in range(60):
    sink.write(FrameResult(Frame(seq, 0, np.roll(noise, seq, axis=1)), (), 0.01))
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == -9
    assert 10 < len(frames_of(path)) < 60


def test_a_source_that_changes_its_size(tmp_path, make_result):
    path = tmp_path / "out.avi"
    with AnnotatedVideo(path) as sink:
        sink.write(make_result())
        sink.write(make_result(1, shape=(240, 320, 3)))
        sink.write(make_result(2, shape=(240, 120, 3)))
    frames = [frame.image for frame in frames_of(path)]
    assert [frame.shape for frame in frames] == [(120, 160, 3)] * 3
    assert frames[2][:, :45].max() < 30  # not stretched: in the middle of black
    assert frames[2][:, -45:].max() < 30
    assert frames[2][10, 80].min() > 60


def test_places_that_cannot_be_written_are_said(tmp_path, make_result):
    with pytest.raises(OutputError, match=r"out\.gif: a video's name has to end in one of \.mp4"):
        AnnotatedVideo(tmp_path / "out.gif")
    with pytest.raises(OutputError, match="there is no folder"):
        AnnotatedVideo(tmp_path / "none" / "out.mp4")
    (tmp_path / "taken.mp4").mkdir()
    os.mkfifo(tmp_path / "pipe.avi")
    for name in ("taken.mp4", "pipe.avi"):
        with pytest.raises(OutputError, match="cannot be written: exists and is not a regular file"):
            AnnotatedVideo(tmp_path / name)
    (tmp_path / "link.mp4").symlink_to(tmp_path / "none" / "out.mp4")
    sink = AnnotatedVideo(tmp_path / "link.mp4")
    sink.write(make_result())
    with pytest.raises(OutputError, match=r"link\.mp4: cannot be written"):
        sink.close()
