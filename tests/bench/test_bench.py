import json

import cv2
import pytest

from ferlite.bench import Amount, Bench, files, plan
from ferlite.bench.steps import STEPS
from ferlite.capture.video import VideoFile
from ferlite.detectors import QUICK
from ferlite.detectors.haar import HaarDetector
from ferlite.errors import SourceError


def test_every_setting_is_measured_in_every_step(report):
    scenes = {(row["size"], row["faces"], row["threads"], row["step"]) for row in report["steps"]}
    wanted = {("640x480", 1, 1), ("640x480", 1, 2), ("320x240", 1, 1), ("640x480", 0, 1)}
    assert scenes == {(*scene, step) for scene in wanted for step in STEPS}


def test_faces_that_are_there_are_found(report):
    for row in report["steps"]:
        assert row["right_number"] == 1.0
        assert row["with_a_face"] == row["faces"]


def test_figures_fit_each_other(report):
    for row in report["steps"]:
        times = row["latency_ms"]
        assert 0 < times["p50"] <= times["p95"] <= times["p99"]
        assert row["fps_range"][0] <= row["fps"] <= row["fps_range"][1]
        assert row["frames"] == 2 * 4
        assert row["cpu_ms_per_frame"] > 0
        if row["step"] != "pipeline":
            assert sum(row["stages_ms"].values()) == pytest.approx(times["mean"], rel=0.5)


def test_the_classifier_is_timed_alone(report):
    assert {(row["threads"], row["faces"]) for row in report["classifier"]} == {
        (threads, faces) for threads in (1, 2) for faces in (1, 3, 7)
    }


def test_a_report_says_how_it_came_about(report):
    assert report["schema"] == 1
    assert report["source"]["kind"] == "synthetic"
    assert report["min_face"] == {"haar": QUICK}
    assert len(report["states"]) >= 2
    assert report["models"][0]["accuracy"]["test"] > 0.6
    assert report["reference"] is False
    assert "quick" in report["reasons"][0]


def test_a_report_is_plain_json(report):
    assert json.loads(files.as_json(report)) == report


def test_progress_is_told_as_often_as_was_said_and_opencv_keeps_its_threads():
    networks, _ = plan.networks([], [])
    bench = Bench(
        plan.around(networks[:1], [1], ["haar"], [(320, 240)], [0]),
        {"haar": HaarDetector(QUICK)},
        Amount(rounds=1, frames=3),
    )
    told = []
    before = cv2.getNumThreads()
    bench.measure(lambda what: told.append((what, bench.passes)))
    assert len(told) == told[0][1]
    assert cv2.getNumThreads() == before


def test_a_clip_has_the_size_and_faces_that_it_has(tmp_path, portrait):
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (256, 300))
    for shift in range(10):
        writer.write(cv2.resize(portrait[shift:, shift:], (256, 300)))
    writer.release()
    networks, _ = plan.networks([], [])
    settings = plan.around(networks[:1], [1], ["haar"], [None], [None])
    bench = Bench(settings, {"haar": HaarDetector(QUICK)}, Amount(1, 50), lambda: VideoFile(path), "clip.avi")
    report = bench.measure()
    assert report["source"] == {"name": "clip.avi", "kind": "file"}
    for row in report["steps"]:
        assert (row["size"], row["faces"], row["right_number"]) == ("256x300", None, None)
        assert row["with_a_face"] == 1.0
        assert row["frames"] == 10 - 6


def test_a_clip_of_one_picture_again_and_again_is_too_short(tmp_path, portrait):
    path = tmp_path / "still.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (512, 600))
    for _ in range(20):
        writer.write(portrait)
    writer.release()
    networks, _ = plan.networks([], [])
    settings = plan.around(networks[:1], [1], ["haar"], [None], [None])
    bench = Bench(settings, {"haar": HaarDetector(QUICK)}, Amount(1, 50), lambda: VideoFile(path), "still.avi")
    with pytest.raises(SourceError, match=r"still.avi: \d different frames are too few"):
        bench.measure()
