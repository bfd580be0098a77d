"""Real processes that really die: a detector kills them at pictures of a certain colour."""

import os
import signal
import time
from functools import partial

import cv2
import numpy as np
import pytest

import ferlite
from ferlite.errors import EngineError, OutputError
from ferlite.labelling import crew, label
from ferlite.labelling.begin import begin, folder_of, locked
from ferlite.labelling.crew import Crew
from ferlite.labelling.listing import Listing
from ferlite.labelling.shard import identity

pq = pytest.importorskip("pyarrow.parquet")
RED, GREEN, BLUE = (0, 0, 250), (0, 250, 0), (250, 0, 0)


class Hostile:
    """A detector that ends its process at a red picture, hangs at a green one, and at a blue one dies only once."""

    def __init__(self, note):
        self._note = note

    def __call__(self, image, min_face=None):
        blue, green, red = image[0, 0] > 200
        if red:
            os.kill(os.getpid(), signal.SIGKILL)
        if green:
            time.sleep(1000)
        if blue and not self._note.exists():
            self._note.touch()
            os._exit(7)
        return []


def make_hostile(note):
    return ferlite.Recognizer(detector=Hostile(note))


def make_none():
    os._exit(9)


def paint(folder, name, color):
    assert cv2.imwrite(str(folder / name), np.full((40, 40, 3), color, np.uint8))


@pytest.fixture
def make(tmp_path):
    return partial(make_hostile, tmp_path / "note")


@pytest.fixture
def make_parts(tmp_path, make):
    def make_parts(source):
        output = tmp_path / "table.parquet"
        folder = folder_of(output)
        with locked(folder):
            return begin(output, Listing(str(source), folder), {"every": 1} | identity(make()), 2, False, False)

    return make_parts


def test_a_picture_that_kills_its_reader_twice_is_left_out_and_one_that_did_once_is_read(make, make_pictures, tmp_path):
    folder = make_pictures(12)
    paint(folder, "004.jpg", RED)
    paint(folder, "010.jpg", BLUE)
    summary = label(folder, tmp_path / "table.parquet", make, jobs=2)
    assert summary[:4] == (12, 0, 1, 12)
    rows = pq.read_table(tmp_path / "table.parquet").to_pylist()
    assert [row["path"] for row in rows] == [f"{number:03}.jpg" for number in range(12)]
    errors = {row["path"]: row["error"] for row in rows if row["error"]}
    assert errors == {"004.jpg": "the process that read it was killed by SIGKILL, twice; it is left out from here on"}


def test_a_video_is_labelled_up_to_what_kills_its_reader(make, tmp_path):
    video = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 25, (40, 40))
    for number in range(6):
        writer.write(np.full((40, 40, 3), RED if number == 3 else (9, 9, 9), np.uint8))
    writer.release()
    label(video, tmp_path / "table.parquet", make, jobs=1)
    rows = pq.read_table(tmp_path / "table.parquet").to_pylist()
    assert [(row["frame"], row["error"] is None) for row in rows] == [(0, True), (1, True), (2, True), (3, False)]


def test_a_picture_that_never_ends_is_left_out(make, make_pictures, tmp_path, monkeypatch):
    folder = make_pictures(8)
    paint(folder, "002.jpg", GREEN)
    # long enough for a process to start on a loaded machine
    monkeypatch.setattr(crew, "PATIENCE", 0.5)
    monkeypatch.setattr(crew, "START", 120.0)
    label(folder, tmp_path / "table.parquet", make, jobs=1)
    rows = pq.read_table(tmp_path / "table.parquet").to_pylist()
    assert len(rows) == 8
    assert rows[2]["error"].startswith("the process that read it made no step for 0.5 s, twice")


def test_processes_that_die_by_themselves_are_an_error(make_pictures, make_parts):
    parts = make_parts(make_pictures(3))
    with (
        pytest.raises(EngineError, match=r"end again and again, the last one ended with exit code 9.*--jobs"),
        Crew(parts.folder, make_none, 1) as hands,
    ):
        list(hands.run([0], lambda files, pictures: None))


def test_an_error_in_a_process_is_raised_here(make, make_pictures, make_parts):
    parts = make_parts(make_pictures(3))
    parts.part(0).mkdir()
    with (
        pytest.raises(OutputError, match=r"0000000\.parquet: cannot be written: Is a directory"),
        Crew(parts.folder, make, 1) as hands,
    ):
        list(hands.run([0], lambda files, pictures: None))
    assert not list(parts.folder.glob("*.tmp"))
