"""The command, with real kills, and the function behind it."""

import os
import resource
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from ferlite import FerliteDetector, Recognizer
from ferlite.errors import OutputError, SettingError
from ferlite.labelling import label

pq = pytest.importorskip("pyarrow.parquet")


def command(*arguments):
    return [sys.executable, "-m", "ferlite", "label", *map(str, arguments)]


@pytest.fixture
def ferlite(tmp_path):
    def run(*arguments, code=0, **more):
        done = subprocess.run(
            command(*arguments), cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False, **more
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture
def begun(tmp_path):
    """Start the command; give it back when a part is finished."""
    started = []

    def begin(*arguments, parts="table.parquet.parts"):
        process = subprocess.Popen(
            command(*arguments),
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored in the background of a script
        )
        started.append(process)
        before = len(list((tmp_path / parts).glob("0*.parquet")))
        deadline = time.monotonic() + 120
        while len(list((tmp_path / parts).glob("0*.parquet"))) <= before:
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.005)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def children(process):
    return list(map(int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()))


def gone(pids):
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_killed_in_between_it_ends_with_the_same_table(ferlite, begun, make_pictures, make_video, tmp_path):
    folder = make_pictures(120)
    make_video(folder / "clip.avi")
    (folder / "torn.png").write_bytes(b"no picture")
    (folder / "a.heic").touch()
    summary = label(folder, tmp_path / "whole.parquet", jobs=1)
    assert summary[:4] == (127, 86, 1, 127)
    process = begun(folder, "--output", "table.parquet", "--jobs", 2)
    workers = children(process)
    process.kill()
    process.communicate()
    assert gone(workers)
    assert not (tmp_path / "table.parquet").exists()
    done = ferlite(folder, "--output", "table.parquet", "--jobs", 3, code=1)
    assert "going on: " in done.stderr
    assert "passed over, being no picture and no video: .heic 1\n1 could not be read" in done.stderr
    assert "table.parquet: 127 pictures, 86 faces; " in done.stdout
    assert (tmp_path / "table.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert not (tmp_path / "table.parquet.parts").exists()
    paths = pq.read_table(tmp_path / "table.parquet")["path"].unique().to_pylist()
    assert paths == [*(f"{number:03}.jpg" for number in range(120)), "clip.avi", "torn.png"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_ends_it_soon_and_keeps_what_is_finished(begun, make_pictures, tmp_path, number, code):
    process = begun(make_pictures(400), "--output", "table.parquet", "--jobs", 2)
    workers = children(process)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert err == "stopped: what is finished is kept, the same command goes on from there\n"
    assert gone(workers)
    kept = {path.name for path in (tmp_path / "table.parquet.parts").iterdir()}
    assert "manifest.json" in kept
    assert any(name.startswith("0") and name.endswith(".parquet") for name in kept)


def test_a_worker_that_is_killed_is_replaced(begun, make_pictures, tmp_path):
    process = begun(make_pictures(300), "--output", "table.parquet", "--jobs", 1)
    for pid in children(process):
        if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text():
            os.kill(pid, signal.SIGKILL)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "300 pictures, 200 faces" in out


def test_a_second_time_there_is_nothing_to_do(ferlite, make_pictures, tmp_path):
    folder, output = make_pictures(3), tmp_path / "table.parquet"
    label(folder, output)
    before = output.stat().st_mtime_ns
    assert "is there already" in ferlite(folder, "--output", output).stdout
    assert output.stat().st_mtime_ns == before
    small = partial(Recognizer, detector=FerliteDetector(min_face=0.1))
    with pytest.raises(OutputError, match=r"detector.min_face was null, now 0\.1; --restart labels all anew"):
        label(folder, output, small)
    assert label(folder, output, Recognizer, restart=True)[:4] == (3, 2, 0, 3)
    assert not (tmp_path / "table.parquet.parts").exists()


def test_a_full_disk_is_said_and_what_is_finished_is_kept(ferlite, make_pictures, tmp_path):
    folder = make_pictures(64)
    label(folder, tmp_path / "whole.parquet")
    most = (tmp_path / "whole.parquet").stat().st_size - 1  # for the parts it is enough
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (most, most))
    done = ferlite(folder, "--output", "table.parquet", "--jobs", 1, code=1, preexec_fn=limit)
    assert "cannot be written: File too large" in done.stderr
    assert not list(tmp_path.glob("**/*.tmp"))
    assert not (tmp_path / "table.parquet").exists()
    kept = len(list((tmp_path / "table.parquet.parts").glob("0*.parquet")))
    assert kept == 8
    done = ferlite(folder, "--output", "table.parquet", "--jobs", 1)
    assert "64 pictures, 42 faces; 0 labelled now" in done.stdout


def test_progress_counts_all_files_and_those_of_former_runs(make_pictures, tmp_path):
    seen = []
    label(make_pictures(12), tmp_path / "t.parquet", jobs=1, watch=seen.append)
    assert seen[0] == (0, 12, 0, 0)
    assert seen[-1] == (12, 12, 0, 12)
    assert [progress.done for progress in seen] == sorted(progress.done for progress in seen)


def test_wrong_arguments_are_said(make_pictures, tmp_path):
    folder = make_pictures(1)
    for arguments, error, said in (
        ({"output": "t.csv"}, SettingError, "t.csv: has to end in .parquet"),
        ({"jobs": 0}, SettingError, "jobs is 0"),
        ({"every": 0}, SettingError, "every is 0"),
        ({"output": tmp_path / "none" / "t.parquet"}, OutputError, "there is no such folder"),
    ):
        with pytest.raises(error, match=said):
            label(folder, **{"output": tmp_path / "t.parquet"} | arguments)
    assert {path.name for path in tmp_path.iterdir()} == {"pictures"}


def test_without_ray_it_is_said_how_to_get_it(make_pictures, tmp_path):
    code = (
        "import sys; sys.modules['ray'] = None; from ferlite.__main__ import main; "
        f"sys.argv = ['ferlite', 'label', {str(make_pictures(1))!r}, '--output', 't.parquet', '--ray', 'auto']; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "ferlite: a cluster needs ray: pip install 'ferlite[ray]'" in done.stderr
