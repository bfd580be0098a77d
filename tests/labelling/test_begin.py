import multiprocessing
from pathlib import Path

import pytest

from ferlite.errors import OutputError
from ferlite.labelling import table
from ferlite.labelling.begin import begin, folder_of, locked
from ferlite.labelling.listing import Listing

SETTINGS = {"every": 1, "opencv": "4", "model.labels": ["a", "b"]}


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "tree"
    folder.mkdir()
    for number in range(50):
        (folder / f"{number:02}.jpg").touch()
    (folder / "20.mp4").touch()
    (folder / "21.mp4").touch()
    return folder


@pytest.fixture
def start(tree, tmp_path):
    def start(settings=SETTINGS, restart=False, as_listed=False, source=tree, jobs=1):
        output = tmp_path / "table.parquet"
        folder = folder_of(output)
        with locked(folder):
            return begin(output, Listing(str(source), folder), settings, jobs, restart, as_listed)

    return start


def test_a_video_is_a_shard_of_its_own_and_pictures_are_several(start, tree):
    parts = start()
    shards = [parts.paths(number) for number in range(len(parts))]
    assert [path for shard in shards for path in shard] == list(Listing(str(tree), Path("none")))
    assert ["20.mp4"] in shards
    assert ["21.mp4"] in shards
    assert max(map(len, shards)) == 8
    assert [parts.size(number) for number in range(len(parts))] == list(map(len, shards))


def test_the_same_work_goes_on_with_the_same_shards_whatever_the_number_of_processes(start):
    before = start()
    again = start(jobs=7)
    assert again.digest == before.digest
    assert len(again) == len(before)
    assert not list(again.folder.glob("*.tmp"))


def test_parts_that_a_kill_has_left_of_a_clearing_do_not_count(start):
    pytest.importorskip("pyarrow")
    before = start()
    with table.part_file(before.part(0), before.labels, before.digest):
        pass
    assert table.finished(start()) == [0]
    (before.folder / "manifest.json").unlink()
    again = start(source=before.base, jobs=1)
    assert again.digest == before.digest
    assert table.finished(again) == []


def test_parts_of_other_shards_do_not_count(start, tree):
    for number in range(200):
        (tree / f"a{number}.jpg").touch()
    few = start(jobs=1)
    many = start(jobs=4, restart=True)
    assert many.manifest == few.manifest
    assert len(many) > len(few)
    assert many.digest != few.digest


def test_other_settings_are_refused_with_what_differs(start):
    digest = start().digest
    with pytest.raises(OutputError, match=r'opencv was "4", now "5"; --restart labels all anew'):
        start(SETTINGS | {"opencv": "5"})
    assert start().digest == digest
    assert start(SETTINGS | {"opencv": "5"}, restart=True).digest != digest


def test_pictures_that_came_or_went_are_said_and_may_be_left_as_they_were_listed(start, tree):
    parts = start()
    (tree / "05b.jpg").touch()
    with pytest.raises(
        OutputError, match=r"52 files were listed then, 53 now; they first differ where 06\.jpg stood and 05b"
    ):
        start()
    (tree / "05b.jpg").unlink()
    (tree / "49.jpg").unlink()
    with pytest.raises(OutputError, match=r"then, 51 now; .* 49\.jpg stood and none stands; --as-listed"):
        start()
    assert start(as_listed=True).digest == parts.digest
    with pytest.raises(OutputError, match=r'source was .*tree", now .*tree/20\.mp4"'):
        start(as_listed=True, source=tree / "20.mp4")
    (tree / "49.jpg").touch()
    assert start().digest == parts.digest


def test_a_damaged_manifest_is_said(start):
    (start().folder / "manifest.json").write_text("{")
    with pytest.raises(OutputError, match="--restart"):
        start()
    assert len(start(restart=True)) > 1


def test_a_table_that_is_not_ours_is_never_replaced(start, tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "table.parquet").write_text("precious")
    for restart in (False, True):
        with pytest.raises(OutputError, match="was not written by `ferlite label`"):
            start(restart=restart)
    assert (tmp_path / "table.parquet").read_text() == "precious"
    assert not folder_of(tmp_path / "table.parquet").exists()


def hold(folder, held, ended):
    with locked(folder):
        held.set()
        ended.wait(20)


def test_two_at_the_same_table_do_not_mix(start, tmp_path):
    context = multiprocessing.get_context("spawn")
    held, ended = context.Event(), context.Event()
    holder = context.Process(target=hold, args=(folder_of(tmp_path / "table.parquet"), held, ended))
    holder.start()
    try:
        assert held.wait(60)
        with pytest.raises(OutputError, match="another ferlite is at work there"):
            start()
    finally:
        ended.set()
        holder.join()
    assert len(start()) > 1


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"), locked(tmp_path / "file" / "x.parts"):
        pass
