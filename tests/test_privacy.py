"""What a default run does beside its work: nothing but the one trial of the engine, and its verdict in the cache."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Python's own audit events see what ferlite does, the list of open files also what the engines' native code does
WATCHED = """
import json, os, sys, threading, time
seen = {"connections": [], "written": [], "started": []}

def watch(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "urllib.Request"):
        seen["connections"].append(f"{event} {arguments[1:]}")
    elif event == "open" and isinstance(arguments[0], (str, bytes)) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
        seen["written"].append(os.fsdecode(arguments[0]))
    elif event in ("os.mkdir", "os.rename", "shutil.copyfile"):
        seen["written"].append(os.fsdecode(arguments[-1] if event == "shutil.copyfile" else arguments[0]))
    elif event == "subprocess.Popen":
        seen["started"].append(list(map(str, arguments[1])))

sys.addaudithook(watch)
sockets = set()

def look():
    while not done.wait(0.01):
        for number in os.listdir("/proc/self/fd"):
            try:
                target = os.readlink(f"/proc/self/fd/{number}")
            except OSError:
                continue
            if target.startswith("socket:"):
                sockets.add(target)

done = threading.Event()
thread = threading.Thread(target=look)
thread.start()
import ferlite
from ferlite import demo
with ferlite.Pipeline(demo.synthetic_camera(seconds=1)) as pipeline:
    faces = sum(len(result.faces) for result in pipeline)
faces += len(ferlite.Recognizer()(demo.portrait()))
done.set()
thread.join()
print(json.dumps(seen | {"sockets": sorted(sockets), "faces": faces}))
"""


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux' list of open files")
def test_a_default_run_stores_nothing_and_sends_nothing(tmp_path):
    for name in ("home", "cache", "temporary", "here"):
        (tmp_path / name).mkdir()
    environment = os.environ | {
        "HOME": str(tmp_path / "home"),
        "FERLITE_CACHE": str(tmp_path / "cache"),
        "TMPDIR": str(tmp_path / "temporary"),
        "MPLCONFIGDIR": str(tmp_path / "temporary"),  # the portrait is matplotlib's, whose cache is no business of ours
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-c", WATCHED]
    out = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=tmp_path / "here")
    seen = json.loads(out.stdout.splitlines()[-1])
    assert seen["faces"] >= 2  # of the camera, however slow the board, and of the portrait
    assert (seen["connections"], seen["sockets"]) == ([], [])
    mine = [path for path in seen["written"] if not path.startswith((str(tmp_path), "/dev/null"))]
    assert mine == []
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert {name for name in left if not name.startswith("temporary/")} == {"cache/engines.json"}
    trials = [words for words in seen["started"] if "ferlite.interpreters" in words]
    assert seen["started"] == trials  # nothing but one trial of the engine for each network
    assert len(trials) == 2
