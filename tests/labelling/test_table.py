import json
import os
import random
import resource
import subprocess
import sys

import numpy as np
import pytest

from ferlite.errors import OutputError
from ferlite.labelling import table
from ferlite.labelling.parts import Parts
from ferlite.labelling.table import Picture
from ferlite.types import Box, Face, Landmarks, Point

pq = pytest.importorskip("pyarrow.parquet")
LABELS = ("calm", "tense")


def a_face(number=0):
    probabilities = np.array([0.25, 0.75], np.float32)
    landmarks = Landmarks(*(Point(number + i, 0.5) for i in range(5)))
    return Face(Box(number, -2, 30, 40), 0.5, "tense", probabilities, probabilities, LABELS, landmarks)


@pytest.fixture
def make_parts(tmp_path):
    """A folder of parts with shards of these sizes."""

    def make(sizes, name="t.parts"):
        folder = tmp_path / name
        folder.mkdir()
        manifest = {"base": str(tmp_path), "model.labels": list(LABELS), "files": sum(sizes)}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        np.cumsum([[0, 0], *([size, size] for size in sizes)], axis=0, dtype="<i8").tofile(folder / "shards")
        return Parts(folder)

    return make


def fill(parts, count):
    """Rows of pictures 0…count - 1: three have two faces, one cannot be read, the others have none."""
    number = 0
    for shard in range(len(parts)):
        with table.part_file(parts.part(shard), LABELS, parts.digest) as rows:
            for _ in range(parts.size(shard)):
                if number == 4:
                    rows.add_unreadable(Picture("4"), "torn")
                else:
                    faces = [a_face(), a_face(9)] if number < 3 else []
                    rows.add(Picture(str(number), number, number / 25), (60, 80), faces)
                number += 1
    assert number == count


def test_a_row_has_all_that_is_known(make_parts):
    parts = make_parts([6])
    fill(parts, 6)
    rows = pq.read_table(parts.part(0)).to_pylist()
    assert len(rows) == 9
    assert rows[1] == {
        "path": "0",
        "frame": 0,
        "timestamp": 0.0,
        "face": 1,
        "x": 9,
        "y": -2,
        "w": 30,
        "h": 40,
        "score": 0.5,
        "label": "tense",
        "p_calm": 0.25,
        "p_tense": 0.75,
        "landmarks": [9.0, 0.5, 10.0, 0.5, 11.0, 0.5, 12.0, 0.5, 13.0, 0.5],
        "width": 80,
        "height": 60,
        "error": None,
    }
    known = {name: value for name, value in rows[7].items() if value is not None}
    assert known == {"path": "4", "error": "torn"}
    known = {name for name, value in rows[8].items() if value is not None}
    assert known == {"path", "frame", "timestamp", "width", "height"}


def test_the_table_has_the_same_bytes_however_it_was_cut(make_parts, tmp_path, monkeypatch):
    monkeypatch.setattr(table, "GROUP", 7)
    monkeypatch.setattr(table, "FLUSH", 3)
    tables = []
    for name, sizes in (("a", [40]), ("b", [1] * 40), ("c", [13, 20, 7])):
        parts = make_parts(sizes, name)
        fill(parts, 40)
        totals = table.join(parts, tmp_path / f"{name}.parquet")
        assert totals == (40, 6, 1)
        tables.append((tmp_path / f"{name}.parquet").read_bytes())
    assert len(set(tables)) == 1
    assert pq.read_table(tmp_path / "a.parquet")["path"].unique().to_pylist() == list(map(str, range(40)))
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups == 7
    assert table.manifest_of(tmp_path / "a.parquet") == parts.manifest


def test_only_whole_parts_of_the_same_manifest_count(make_parts):
    parts = make_parts([1, 1, 1, 1, 1, 1])
    fill(parts, 6)
    parts.part(1).unlink()
    parts.part(2).write_bytes(parts.part(2).read_bytes()[:-20])
    parts.part(3).write_bytes(b"")
    with table.part_file(parts.part(4), LABELS, "another"):
        pass
    assert table.finished(parts) == [0, 5]


def test_a_part_that_was_begun_leaves_nothing(make_parts):
    parts = make_parts([1])

    def interrupted():
        with table.part_file(parts.part(0), LABELS, parts.digest) as rows:
            rows.add(Picture("a"), (1, 1), [])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert {path.name for path in parts.folder.iterdir()} == {"manifest.json", "shards"}


def test_a_full_disk_is_said_and_leaves_nothing(make_parts, tmp_path):
    parts = make_parts([20_000])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    generator = random.Random(1)

    def write():
        with table.part_file(parts.part(0), LABELS, parts.digest) as rows:
            for _ in range(20_000):
                rows.add(Picture(generator.randbytes(8).hex()), (1, 1), [])

    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, before[1]))
    try:
        with pytest.raises(OutputError, match=r"0000000\.parquet: cannot be written: File too large"):
            write()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert {path.name for path in parts.folder.iterdir()} == {"manifest.json", "shards"}


def test_names_that_are_no_text_can_stand_in_a_table(make_parts):
    parts = make_parts([1])
    with table.part_file(parts.part(0), LABELS, parts.digest) as rows:
        rows.add_unreadable(Picture(os.fsdecode(b"\xff.jpg")), os.fsdecode(b"\xff: odd"))
    (row,) = pq.read_table(parts.part(0)).to_pylist()
    assert (row["path"], row["error"]) == (r"\xff.jpg", r"\xff: odd")


def test_what_is_no_table_of_ours_has_no_manifest(tmp_path):
    (tmp_path / "a.parquet").write_text("no")
    import pyarrow as pa

    pq.write_table(pa.table({"a": [1]}), tmp_path / "b.parquet")
    assert table.manifest_of(tmp_path / "a.parquet") is None
    assert table.manifest_of(tmp_path / "b.parquet") is None
    assert table.manifest_of(tmp_path / "none.parquet") is None


def test_without_pyarrow_it_is_said_how_to_get_it():
    code = "import sys; sys.modules['pyarrow'] = None; import ferlite.labelling as l; l.label('.', 'a.parquet')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "EngineError: tables need pyarrow: pip install 'ferlite[label]'" in done.stderr
