"""`ferlite run --web` as users run it, in a process of its own."""

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager

import cv2
import numpy as np
import pytest

TOKEN = "correct-horse-battery"


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A minute of grey."""
    path = tmp_path_factory.mktemp("clip") / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 5, (160, 120))
    for _ in range(300):
        writer.write(np.full((120, 160, 3), 128, np.uint8))
    writer.release()
    return path


@contextmanager
def running(*arguments, **environment):
    """The process and the address that it prints before the first result."""
    command = [sys.executable, "-m", "ferlite", "run", *map(str, arguments)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ | environment
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


def status(url, cookie=""):
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Cookie": cookie}), timeout=20) as answer:
        return answer.status


def test_the_address_is_printed_before_anything_else_and_ctrl_c_ends_it(clip):
    with running(clip, "--replay", "--web", "127.0.0.1:0") as (process, line):
        url = re.fullmatch(r"Live preview: (http://127\.0\.0\.1:\d+/)\n", line)[1]
        assert status(url) == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 143


def test_the_token_comes_from_the_environment(clip):
    with running(clip, "--replay", "--web", "[::1]:0", FERLITE_WEB_TOKEN=TOKEN) as (_, line):
        url = re.fullmatch(r"Live preview: (http://\[::1\]:\d+/)\?token=(.*)\n", line)
        assert url[2] == TOKEN
        assert status(f"{url[1]}?token={TOKEN}") == 200
        with pytest.raises(urllib.error.HTTPError, match="401"):
            status(url[1])


def test_on_other_addresses_a_token_is_made(clip):
    with running(clip, "--replay", "--web", "0.0.0.0:0") as (_, line):
        port, token = re.fullmatch(r"Live preview: http://[^/]+:(\d+)/\?token=(\S{20,})\n", line).groups()
        assert status(f"http://127.0.0.1:{port}/?token={token}") == 200
        with pytest.raises(urllib.error.HTTPError, match="401"):
            status(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["{clip}", "--web-token", TOKEN], 2, "--web-token is for --web"),
        (["{clip}", "--web", "127.0.0.1:0", "--web-token", "short"], 2, "at least 16"),
        (["{clip}", "--web", "192.0.2.1:0"], 1, "192.0.2.1:0: cannot be listened on: not an address of this machine"),
        (["--web", "clip.mp4"], 2, "'clip.mp4' is not an address like 127.0.0.1:8000; a source that is meant stands"),
        (["{clip}", "--web", "127.0.0.1:x"], 2, "is not an address"),
        (["{clip}", "--web", "8000"], 2, "is not an address"),
    ],
)
def test_what_cannot_be_is_one_line(clip, arguments, code, words):
    arguments = [argument.format(clip=clip) for argument in arguments]
    done = subprocess.run(
        [sys.executable, "-m", "ferlite", "run", *arguments], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == code
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
