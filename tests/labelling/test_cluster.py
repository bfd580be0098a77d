"""The same work on a real Ray cluster of two nodes of this machine, where FERLITE_TEST_RAY is set: takes a minute."""

import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec

import pytest

from ferlite.errors import SourceError
from ferlite.labelling import label
from tests.conftest import ROOT
from tests.labelling.test_label import command

pytestmark = [
    pytest.mark.skipif(find_spec("ray") is None, reason="needs ray: pip install 'ferlite[ray]'"),
    pytest.mark.skipif("FERLITE_TEST_RAY" not in os.environ, reason="takes a minute; set FERLITE_TEST_RAY=1 for it"),
]


@pytest.fixture(scope="module")
def addresses():
    command = [sys.executable, "-m", "benchmarks.labelling", "nodes"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as nodes:
        yield nodes.stdout.readline().split()
        nodes.stdin.close()


def test_a_cluster_gives_the_same_table_and_goes_on_after_stops(addresses, make_pictures, make_video, tmp_path):
    folder = make_pictures(200)
    make_video(folder / "clip.avi")
    (folder / "torn.png").write_bytes(b"no picture")
    label(folder, tmp_path / "whole.parquet")
    arguments = command(folder, "--output", "table.parquet", "--ray", addresses[0])
    for number, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 143)):
        before = len(list(tmp_path.glob("table.parquet.parts/0*.parquet")))
        process = subprocess.Popen(arguments, cwd=tmp_path, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 300
        while len(list(tmp_path.glob("table.parquet.parts/0*.parquet"))) == before:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(number)
        assert process.wait(60) == code
        assert not (tmp_path / "table.parquet").exists()
    arguments[-1] = addresses[1]  # the rest by Ray's client
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1, done.stderr
    assert "207 pictures, 139 faces" in done.stdout
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["going on", "1 could not be read"]
    assert (tmp_path / "table.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_a_node_that_does_not_see_the_files_says_so(addresses, tmp_path):
    (tmp_path / "list.txt").write_text("none/1.jpg\nnone/2.jpg\n")
    arguments = command("list.txt", "--output", "table.parquet", "--ray", addresses[0])
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1
    assert f"ferlite: node {os.uname().nodename}: " in done.stderr
    assert "of 1 files looked for" in done.stderr
    assert "Traceback" not in done.stderr


def test_where_no_cluster_answers_it_is_said(make_pictures, tmp_path):
    with pytest.raises(SourceError, match=r"127\.0\.0\.1:9: no Ray cluster answers there"):
        label(make_pictures(1), tmp_path / "table.parquet", cluster_address="127.0.0.1:9")
