import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from ferlite import SourceError, VideoFile, open_source


@pytest.fixture
def clip(tmp_path):
    """40 frames at 20 fps, each a shade lighter than the one before."""
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 20, (64, 48))
    for number in range(40):
        writer.write(np.full((48, 64, 3), number * 6, np.uint8))
    writer.release()
    return path


def test_every_frame_in_order(clip):
    with open_source(clip) as source:
        assert isinstance(source, VideoFile)
        assert (source.live, source.fps, source.total, source.dropped) == (False, 20, 40, 0)
        frames = list(source)
    assert [frame.seq for frame in frames] == list(range(40))
    assert [frame.timestamp for frame in frames] == pytest.approx([number / 20 for number in range(40)], abs=1e-3)
    assert np.allclose([frame.image.mean() for frame in frames], [number * 6 for number in range(40)], atol=2)


def test_frames_keep_their_pictures(clip):
    with VideoFile(clip) as source:
        frames = iter(source)
        first = next(frames)
        before = first.image.copy()
        next(frames)
        assert np.array_equal(first.image, before)


def test_iterating_again_goes_on(clip):
    with VideoFile(clip) as source:
        first = next(iter(source))
        rest = list(source)
        assert [first.seq, *(frame.seq for frame in rest)] == list(range(40))
        assert list(source) == []


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs /dev/shm")
def test_a_file_in_memory_is_a_file(clip):
    with tempfile.NamedTemporaryFile(dir="/dev/shm", suffix=".avi") as file:
        file.write(clip.read_bytes())
        file.flush()
        with open_source(file.name) as source:
            assert len(list(source)) == 40


def test_names_that_look_like_something_else(clip, monkeypatch):
    monkeypatch.chdir(clip.parent)
    for name in ("0", "img_%02d.avi"):
        clip.rename(clip.with_name(name))
        with open_source(name) as source:
            assert len(list(source)) == 40
        clip.with_name(name).rename(clip)


def test_what_is_no_video_is_said(tmp_path, clip):
    with pytest.raises(SourceError, match="no such file"):
        open_source(tmp_path / "none.mp4")
    with pytest.raises(SourceError, match="not a file"):
        VideoFile(tmp_path)
    (tmp_path / "text.mp4").write_text("hello")
    with pytest.raises(SourceError, match="not a video"):
        open_source(tmp_path / "text.mp4")
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(SourceError, match="not a video"):
        open_source(tmp_path / "empty.mp4")


def test_a_cut_file_gives_what_it_has(clip):
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    with open_source(clip) as source:
        assert 1 <= len(list(source)) < 40
