import cv2
import numpy as np
import pytest

from ferlite import ImageSequence, SettingError, SourceError, open_source


@pytest.fixture
def folder(tmp_path):
    for number in (1, 2, 3, 10, 20):
        cv2.imwrite(str(tmp_path / f"shot{number}.png"), np.full((4, 6, 3), number, np.uint8))
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def test_every_picture_of_a_folder_in_the_order_of_its_number(folder):
    with open_source(folder, fps=10) as source:
        assert isinstance(source, ImageSequence)
        assert (source.total, source.fps, source.live, source.dropped) == (5, 10, False, 0)
        frames = list(source)
        assert source.seen == 5
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 2, 3, 10, 20]
    assert [frame.seq for frame in frames] == [0, 1, 2, 3, 4]
    assert [frame.timestamp for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


def test_a_pattern(folder):
    with open_source(str(folder / "shot?.png")) as source:
        assert len(list(source)) == 3
        assert list(source) == []


def test_a_damaged_picture_is_said_by_name_after_those_before_it(folder):
    (folder / "shot3.png").write_bytes(b"no picture")
    frames = []
    with open_source(folder) as source, pytest.raises(SourceError, match=r"shot3\.png: not a picture"):
        frames.extend(source)
    assert not frames or len(frames) == 2


def test_paths_that_cannot_be_are_said(tmp_path):
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for path in ("x" * 5000, tmp_path / "circle", tmp_path / "circle" / "x", "a\0b"):
        with pytest.raises(SourceError):
            open_source(path)


def test_closing_ends_it(folder):
    source = ImageSequence(folder)
    next(iter(source))
    source.close()
    assert list(source) == []


def test_what_holds_no_pictures_is_said(tmp_path):
    with pytest.raises(SourceError, match="no pictures"):
        open_source(tmp_path)
    with pytest.raises(SourceError, match="no file of that pattern"):
        open_source(str(tmp_path / "*.png"))


@pytest.mark.parametrize("fps", [0, -1, float("nan"), 1e6])
def test_a_senseless_rate_is_said(folder, fps):
    with pytest.raises(SettingError, match="fps is"):
        ImageSequence(folder, fps)


def test_size_and_rate_belong_to_a_video(tmp_path, folder):
    with pytest.raises(SettingError, match="size of a file"):
        open_source(folder, size=(640, 480))
    with pytest.raises(SettingError, match="rate of a video"):
        open_source(tmp_path / "clip.mp4", fps=30)
