"""The command as users run it: a process of its own, from another folder."""

import argparse
import csv
import importlib.abc
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.mjpeg import MjpegServer
from ferlite import EngineError, VideoFile, cards, detectors, interpreters
from ferlite.__main__ import main
from ferlite.cards import card_path, sha256
from ferlite.cli import bench

NO_YUNET = "models pull yunet" if hasattr(cv2, "data") else "too old for YuNet"  # in Debian 12's OpenCV


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def photo(tmp_path, portrait):
    path = tmp_path / "portrait.png"
    cv2.imwrite(str(path), portrait)
    return path


@pytest.fixture
def clip(tmp_path, portrait):
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (512, 600))
    for _ in range(10):
        writer.write(portrait)
    writer.release()
    return path


def command(*arguments):
    return [sys.executable, "-m", "ferlite", *map(str, arguments)]


@pytest.fixture
def ferlite(tmp_path):
    def run(*arguments, code=0):
        environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
        done = subprocess.run(
            command(*arguments), cwd=tmp_path, capture_output=True, text=True, timeout=600, env=environment, check=False
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run


def test_a_name_that_no_terminal_can_show_is_printed_all_the_same(photo, tmp_path):
    name = os.fsencode(tmp_path) + b"/\xff.jpg"
    photo.rename(os.fsdecode(name))
    environment = os.environ | {"PYTHONIOENCODING": "utf-8:strict"}
    done = subprocess.run([*command("image"), name], capture_output=True, env=environment, check=True)
    assert rb"\udcff.jpg" in done.stdout


def test_a_small_file_cannot_take_all_the_memory(ferlite, tmp_path):
    bomb = tmp_path / "bomb.png"
    assert cv2.imwrite(str(bomb), np.zeros((11_000, 11_000), np.uint8))
    assert bomb.stat().st_size < 500_000
    assert "bomb.png: not a picture OpenCV can read" in ferlite("image", bomb, code=1).stderr


def test_image_prints_faces(ferlite, photo):
    out = ferlite("image", photo).stdout
    assert "portrait.png: 1 face\n" in out
    assert "%" in out


def test_image_json_is_one_object_a_photo(ferlite, photo, tmp_path):
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((50, 50), 128, np.uint8))
    lines = [json.loads(line) for line in ferlite("image", "--json", photo, "grey.png").stdout.splitlines()]
    assert [len(line["faces"]) for line in lines] == [1, 0]
    assert lines[1]["file"] == "grey.png"
    assert sum(lines[0]["faces"][0]["probabilities"].values()) == pytest.approx(1, abs=1e-3)


def test_image_goes_on_after_a_bad_file(ferlite, photo):
    done = ferlite("image", "none.jpg", photo, code=1)
    assert "none.jpg: no such file" in done.stderr
    assert "1 face" in done.stdout


def test_progress_shows_on_a_terminal_that_does_not_know_its_size(photo):
    ours, theirs = pty.openpty()  # 0 columns and 0 lines, as a serial console
    command = [sys.executable, "-m", "ferlite", "image", str(photo), str(photo)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        with suppress(OSError):  # the end, on Linux
            while True:
                said += os.read(ours, 65536)
    os.close(ours)
    assert process.returncode == 0
    assert b"2/2" in said


def test_image_output(ferlite, photo, tmp_path):
    ferlite("image", photo, "--output", "drawn.jpg")
    assert cv2.imread(str(tmp_path / "drawn.jpg")).shape == (600, 512, 3)
    ferlite("image", photo, "drawn.jpg", "--output", "drawn")
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["drawn.jpg", "portrait.png"]


def test_image_never_overwrites_a_photo(ferlite, photo, tmp_path):
    before = photo.read_bytes()
    for output in (photo, tmp_path, "portrait.png"):
        assert "would overwrite" in ferlite("image", photo, "--output", output, code=1).stderr
    assert photo.read_bytes() == before
    (tmp_path / "file").touch()
    assert "not a folder" in ferlite("image", photo, photo, "--output", "file", code=1).stderr
    assert "cannot be written as .xyz" in ferlite("image", photo, "--output", "a.xyz", code=1).stderr


def test_run_on_a_file(ferlite, clip, tmp_path):
    done = ferlite("run", "--source", clip, "--jsonl", "out.jsonl", "--output", "out.mp4")
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["seq"] for line in lines] == list(range(10))
    assert all({"seq", "timestamp", "faces"} <= set(line) for line in lines)
    assert {"box", "score", "label", "probabilities"} <= set(lines[0]["faces"][0])
    with VideoFile(tmp_path / "out.mp4") as video:
        assert len(list(video)) == 10
    assert "10 frames, a face in 10" in done.stdout


def test_run_writes_a_table(ferlite, clip, tmp_path):
    ferlite("run", "--source", clip, "--csv", "out.csv", "--no-tracking")
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["seq"]) for row in rows] == list(range(10))
    assert all(0 <= float(row["p_happy"]) <= 1 and row["track_id"] == "" for row in rows)
    out = ferlite("run", "--source", clip, "--csv", "-", "--frames", 2).stdout
    assert len(out.splitlines()) == 3


def test_run_on_pictures_and_at_the_pace_of_a_camera(ferlite, photo, tmp_path):
    folder = tmp_path / "shots"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number}.png").write_bytes(photo.read_bytes())
    assert "12 frames, a face in 12" in ferlite("run", folder, "--smoothing", 0).stdout
    done = ferlite("run", "--source", folder, "--fps", 10, "--replay", "--max-fps", 5, "--timeout", 3)
    count, dropped, seen = map(int, re.search(r"(\d+) frames,.* (\d+) of (\d+) dropped", done.stdout).groups())
    assert seen == 12 == count + dropped
    assert 1 <= count <= 8  # a slow board drops more


def test_run_on_a_stream_tells_what_it_gives_and_what_became_of_it(ferlite, portrait):
    jpeg = cv2.imencode(".jpg", portrait)[1].tobytes()
    with MjpegServer(lambda _: jpeg) as server:
        done = ferlite("run", "--source", server.url, "--frames", 10)
        assert "512×600" in done.stderr
        assert "10 frames, a face in" in done.stdout
        broken = subprocess.Popen(
            command("run", "--source", server.url, "--timeout", "1"), stderr=subprocess.PIPE, stdout=subprocess.PIPE
        )
        while server.connections < 2:
            time.sleep(0.02)
        time.sleep(1)
        server.kill()
        out, err = broken.communicate(timeout=120)
    assert broken.returncode == 1
    assert b"ferlite: " + server.url.encode() + b": no picture for 1 s" in err
    assert b"frames, a face in" in out


def test_a_network_of_ones_own_runs_unchanged(ferlite, photo, clip, make_network, tmp_path):
    """Three classes, 64×64, RGB, floats in -1…1, an engine of another kind."""
    model = make_network(("bored", "curious", "lost"), (64, 64), "rgb", (-1, 1))
    (photo_said,) = map(json.loads, ferlite("image", photo, "--json", "--model", model).stdout.splitlines())
    ferlite("run", "--source", clip, "--model", model, "--jsonl", "out.jsonl", "--csv", "out.csv", "--output", "o.mp4")
    clip_said = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    for said in (photo_said, *clip_said):
        (face,) = said["faces"]
        assert list(face["probabilities"]) == ["bored", "curious", "lost"]
        assert face["label"] == "bored"  # the network follows the first channel: the portrait is reddest
        assert sum(face["probabilities"].values()) == pytest.approx(1, abs=0.001)
    assert (tmp_path / "out.csv").read_text().splitlines()[0].endswith("p_bored,p_curious,p_lost")


def test_yunet_by_path_and_by_pulling_it(ferlite, photo, data, tmp_path, monkeypatch):
    yunet = data("models/face_detection_yunet_2023mar.onnx")
    assert "1 face" in ferlite("image", photo, "--detector", "yunet", "--detector-model", yunet).stdout
    mistaken = "--detector", "ferlite", "--detector-model", yunet
    complains(ferlite("image", photo, *mistaken, code=2), "for YuNet's give --detector yunet")
    monkeypatch.setenv("FERLITE_CACHE", str(tmp_path / "cache"))
    assert "models pull yunet" in ferlite("image", photo, "--detector", "yunet", code=1).stderr
    assert "not here" in ferlite("models", "list").stdout
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(yunet.parent)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/{yunet.name}"
        assert "404" in ferlite("models", "pull", "yunet", "--url", url + "x", code=1).stderr
        place = ferlite("models", "pull", "yunet", "--url", url).stdout.strip()
    finally:
        server.shutdown()
        server.server_close()
    assert place == ferlite("models", "path", "yunet").stdout.strip()
    assert "fetched" in ferlite("models", "list").stdout
    assert f"{place}: ok" in ferlite("models", "verify").stdout
    assert "1 face" in ferlite("image", photo, "--detector", "yunet").stdout
    Path(place).write_bytes(b"damaged")
    assert "wrong checksum" in ferlite("models", "verify", "yunet", code=1).stderr
    assert "wrong checksum" in ferlite("image", photo, "--detector", "yunet", code=1).stderr


def test_without_a_standard_error_it_works_too(photo, tmp_path):
    line = " ".join(map(shlex.quote, command("image", photo, "--json"))) + " 2>&-"
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, stdout=subprocess.PIPE, timeout=600, check=True)
    assert json.loads(done.stdout)["faces"]


def test_models_of_ones_own_are_verified_too(ferlite, make_network):
    model = make_network()
    said = ferlite("models", "verify", model, "flagship-int8").stdout
    assert re.search(r"means\.onnx: ok\n    ONNX Runtime \S+ works\n", said)
    assert re.search(r"flagship-int8\.tflite: ok\n    (LiteRT|tflite-runtime) \S+ works\n", said)
    model.write_bytes(model.read_bytes() + b"\0")
    done = ferlite("models", "verify", model, "flagship-int8", code=1)
    assert "wrong checksum" in done.stderr
    assert "flagship-int8.tflite: ok" in done.stdout


def test_the_detector_that_came_along_is_verified_with_the_rest(ferlite):
    assert re.search(r"face-int8\.tflite +0\.15 MB  bundled face detector\n", ferlite("models", "list").stdout)
    place = ferlite("models", "path", "face-int8").stdout.strip()
    said = ferlite("models", "verify").stdout
    assert re.search(rf"{re.escape(place)}: ok\n    (LiteRT|tflite-runtime) \S+ works\n", said)


def test_a_detector_that_its_card_misrepresents_is_found_by_verifying_it(ferlite, tmp_path):
    model = Path(ferlite("models", "path", "face-int8").stdout.strip())
    copy = tmp_path / model.name
    copy.write_bytes(model.read_bytes())
    card = json.loads(card_path(model).read_text())
    card_path(copy).write_text(json.dumps(card | {"strides": [8, 16]}))
    assert "which its card says" in ferlite("models", "verify", copy, code=1).stderr


def test_models_that_no_engine_can_use_are_found_by_verifying_them(ferlite, make_network, tmp_path):
    model = make_network(output="probabilities", limits=(-1, 0))  # of a black face they are -1 and 0
    done = ferlite("models", "verify", model, code=1)
    assert f"{model}: its checksum is right, but no engine here can use it\n    ONNX Runtime " in done.stderr
    assert "gives values below 0, its card says probabilities" in done.stderr
    card = json.loads(card_path(model).read_text())
    model.write_bytes(model.read_bytes()[:-50])
    card_path(model).write_text(json.dumps(card | {"sha256": sha256(model)}))
    assert "refuses it: " in ferlite("models", "verify", model, code=1).stderr


def test_an_engine_is_chosen_by_name(ferlite, photo):
    assert "1 face" in ferlite("image", photo, "--backend", interpreters.choose(cards.find().weights)).stdout
    assert "for .onnx files" in ferlite("image", photo, "--backend", "onnxruntime", code=2).stderr


def test_run_never_overwrites_its_source(ferlite, clip):
    before = clip.read_bytes()
    for place in (["--output", clip], ["--jsonl", clip], ["--output", "x.avi", "--jsonl", "x.avi"]):
        assert "different files" in ferlite("run", "--source", clip, *place, code=2).stderr
    assert clip.read_bytes() == before


def test_photos_of_one_name_do_not_replace_each_other(ferlite, photo, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    for folder in ("a", "b"):
        (tmp_path / folder / photo.name).write_bytes(photo.read_bytes())
    done = ferlite("image", "a/portrait.png", "b/portrait.png", "--output", "drawn", code=1)
    assert "several photos are named portrait.png" in done.stderr


def test_run_to_standard_output_is_json_alone(ferlite, clip):
    done = ferlite("run", "--source", clip, "--jsonl", "-", "--frames", 4)
    assert [json.loads(line)["seq"] for line in done.stdout.splitlines()] == [0, 1, 2, 3]
    assert "4 frames" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--source", "97"], "no camera at /dev/video97"),
        (["run", "--source", "none.mp4"], "no such file"),
        (["run", "--source", "{clip}", "--jsonl", "none/out.jsonl"], "cannot be written"),
        (["run", "--source", "{clip}", "--output", "out.gif"], "has to end in one of"),
        (["run", "--source", "{clip}", "--show"], "no screen"),
        (["run", "--source", "{clip}", "--model", "none"], "no bundled model of that name"),
        (["run", "--source", "{clip}", "--model", "{clip}"], "card is missing"),
        (["run", "--source", "picamera"], "apt install python3-picamera2"),
        (["run", "--source", "http://127.0.0.1:9/x.mjpg", "--timeout", "1"], "is the address right"),
        (["run", "{clip}", "--mqtt", "mqtts://127.0.0.1:9", "--mqtt-ca", "none.pem"], "none.pem: cannot be read as"),
        (["models", "pull", "yunet", "--url", "http://127.0.0.1:9/x"], "cannot be fetched"),
        (["models", "path", "none"], "no bundled model of that name"),
        (["bench", "--source", "none.mp4"], "no such file"),
        (["bench", "--source", "{clip}"], "too few to time"),
        (["bench", "--detector", "yunet"], NO_YUNET),
        (["bench", "--output", "{clip}/folder/"], "no report can be written there"),
        (["bench", "--model", "none.tflite"], "no such file"),
        (["bench", "--compare", "{clip}", "{clip}"], "not a report"),
        (["demo", "--output", "none/demo.mp4"], "no folder"),
    ],
)
def test_faults_are_one_line_and_exit_code_1(ferlite, clip, arguments, message):
    complains(ferlite(*(argument.format(clip=clip) for argument in arguments), code=1), message)


def complains(done, message):
    complaints = [line for line in done.stderr.splitlines() if line.startswith("ferlite: ")]
    assert len(complaints) == 1
    assert message in complaints[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "{clip}", "--csv", "-", "--jsonl", "-"], "different files"),
        (["run", "{clip}", "--size", "640x480"], "size of a file is its own"),
        (["run", "{clip}", "--source", "{clip}"], "two sources"),
        (["run", "{clip}", "--detector", "haar", "--detector-model", "x"], "is for --detector yunet"),
        (["run", "{clip}", "--mqtt", "http://broker"], "begin with mqtt:// or mqtts://, not with http://"),
        (["run", "{clip}", "--mqtt", "mqtt://broker", "--no-tracking"], "which need tracking"),
        (["bench", "--source", "{clip}", "--faces", "1"], "has its own"),
        (["bench", "--detector", "haar", "--detector-model", "x"], "is YuNet's file here"),
        (["bench", "--detector", "ferlite", "--detector-model", "x"], "is YuNet's file here"),
        (["bench", "--model", "flagship-int8", "--model", "flagship-int8"], "two models are called"),
        (["image", "{clip}", "{clip}", "--output", "one.jpg"], "several photos cannot be written to one file"),
        (["models", "pull", "blazeface"], "no download of that name"),
        (["models", "pull", "yunet", "yunet", "--url", "http://127.0.0.1:9/x"], "one name only"),
    ],
)
def test_options_that_contradict_each_other_are_one_line_and_exit_code_2(ferlite, clip, arguments, message):
    complains(ferlite(*(argument.format(clip=clip) for argument in arguments), code=2), message)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nothing"],
        ["image"],
        ["run", "--threads", "0"],
        ["run", "--threads", "two"],
        ["run", "--frames", "x"],
        ["bench", "--frames", "2"],
        ["bench", "--faces", "8"],
        ["bench", "--sizes", "640"],
        ["bench", "--compare", "a.json"],
        ["run", "--min-face", "2"],
        ["run", "--detector", "eyes"],
        ["run", "--size", "640"],
        ["run", "--timeout", "0"],
        ["run", "--threads", "99999999999"],
        ["run", "--smoothing", "-1"],
        ["run", "--search-every", "0"],
        ["run", "--backend", "torch"],
        ["models"],
        ["models", "pull"],
        ["demo", "--seconds", "-1"],
        ["demo", "--seconds", "inf"],
    ],
)
def test_a_wrong_command_line_is_exit_code_2(ferlite, arguments):
    complaint = ferlite(*arguments, code=2).stderr
    assert "usage: ferlite" in complaint
    assert "_" not in complaint.splitlines()[-1]  # no names of our functions


def test_demo_writes_a_clip(ferlite, tmp_path):
    done = ferlite("demo", "--seconds", 2)
    assert "frames per second" in done.stdout
    assert "p95" in done.stdout
    with VideoFile(tmp_path / "ferlite-demo.mp4") as video:
        assert len(list(video)) >= 55  # more where the pictures come more slowly: the clip lasts as long as they did


def test_bench_prints_tables(ferlite):
    done = ferlite("bench", "--quick", "--frames", 3, "--sizes", "320x240", "--faces", 0, 1, "--detector", "haar")
    assert "frames per second (320x240, one face, haar detector, one thread)" in done.stdout
    assert "XNNPACK" not in done.stderr


def test_bench_leaves_out_yunet_where_opencv_is_too_old_for_it(monkeypatch):
    monkeypatch.setattr(cv2, "__version__", "4.6.0")
    options = argparse.Namespace(detector=None, detector_model=None, min_face=0.08)
    assert list(bench._detectors(options)) == [name for name in detectors.NAMES if name != "yunet"]
    options.detector = ["yunet"]
    with pytest.raises(EngineError, match="too old for YuNet"):
        bench._detectors(options)


def test_bench_writes_three_files_that_can_be_compared(ferlite, tmp_path):
    sizes = "--quick", "--frames", 3, "--sizes", "320x240", "--detector", "haar"
    for name in ("a", "b"):
        written = ferlite("bench", *sizes, "--output", f"out/{name}").stdout.split()
        assert written == [f"out/{name}.json", f"out/{name}.md", f"out/{name}.html"]
    report = json.loads((tmp_path / "out/a.json").read_text())
    assert report["reference"] is False
    assert report["command"].startswith("ferlite bench --quick")
    assert (tmp_path / "out/a.html").read_text().startswith("<!DOCTYPE html>")
    assert "geometric mean" in ferlite("bench", "--compare", "out/a.json", "out/b.json").stdout
    damaged = json.loads((tmp_path / "out" / "a.json").read_text())
    damaged["steps"] = [{"size": 7}]
    (tmp_path / "damaged.json").write_text(json.dumps(damaged))
    said = ferlite("bench", "--compare", "damaged.json", "out/b.json", code=1).stderr
    assert "damaged.json and out/b.json: cannot be compared" in said
    ferlite("bench", "--compare", "out/a.json", "out/b.json", "--output", "out/ratios.md")
    assert "| geometric mean |" in (tmp_path / "out/ratios.md").read_text()


def test_bench_times_a_clip_and_prints_json(ferlite, tmp_path):
    moving = tmp_path / "moving.avi"
    writer = cv2.VideoWriter(str(moving), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 64))
    for grey in range(0, 200, 20):
        writer.write(np.full((64, 64, 3), grey, np.uint8))
    writer.release()
    report = json.loads(ferlite("bench", "--quick", "--source", moving, "--json").stdout)
    assert {row["with_a_face"] for row in report["steps"]} == {0.0}
    assert {row["size"] for row in report["steps"]} == {"64x64"}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_whole_files(tmp_path, number, code):
    process = subprocess.Popen(
        command("demo", "--seconds", 60),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # pytest itself may run where it is ignored, as in the background of a script
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    clip = tmp_path / "ferlite-demo.mp4"
    deadline = time.monotonic() + 60
    while not (clip.exists() and clip.stat().st_size > 50_000) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    assert "Traceback" not in err
    assert "frames per second" in out
    with VideoFile(clip) as video:
        assert len(list(video)) > 1


def test_an_interruption_while_modules_load_is_one_like_any_other(monkeypatch):
    class Interrupting(importlib.abc.MetaPathFinder):
        def find_spec(self, name, path, target=None):
            if name == "ferlite.cli":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "ferlite.cli", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupting(), *sys.meta_path])
    assert main() == 130


def test_nothing_but_results_and_errors_is_printed(ferlite, photo):
    assert ferlite("image", photo).stderr == ""


def test_a_reader_that_leaves_early_is_no_error(clip):
    arguments = command("run", "--source", clip, "--jsonl", "-")
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()
        assert process.wait(20) == 0
