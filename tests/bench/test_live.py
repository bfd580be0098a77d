import cv2
import pytest

from benchmarks.mjpeg import MjpegServer
from ferlite import synthetic
from ferlite.bench import Amount, Bench, plan, text
from ferlite.capture import open_source
from ferlite.detectors import QUICK
from ferlite.detectors.haar import HaarDetector
from ferlite.errors import SourceError


@pytest.fixture
def live(request):
    """A bench on a stream of 25 pictures a second, each of which is sent `request.param` times."""
    jpegs = [cv2.imencode(".jpg", synthetic.scene(n / 25, 1, (320, 240)))[1].tobytes() for n in range(20)]
    server = MjpegServer(lambda number: jpegs[number // request.param % len(jpegs)], fps=25)
    networks, _ = plan.networks([], [])
    settings = plan.around(networks[:1], [1], ["haar"], [None], [None])
    amount = Amount(rounds=1, frames=3, seconds=0.8)
    yield Bench(settings, {"haar": HaarDetector(QUICK)}, amount, lambda: open_source(server.url), server.url)
    server.kill()


@pytest.mark.parametrize("live", [2], indirect=True)
def test_only_pictures_that_differ_count(live):
    report = live.measure()
    capture, (row,) = report["capture"], report["steps"]
    assert report["source"]["kind"] == "live"
    assert capture["size"] == row["size"] == "320x240"
    assert capture["repeated"] > 0
    assert capture["fps"] < 20  # of 25, every second one is new
    assert row["fps"] < 20
    assert row["with_a_face"] == 1.0
    assert row["seen"] >= row["frames"]
    assert 0 < row["latency_ms"]["p50"] <= row["latency_ms"]["p99"]
    assert "results per second, live" in text.plain(report | {"commit": None, "command": ""})


@pytest.mark.parametrize("live", [1_000_000], indirect=True)
def test_a_still_picture_has_no_rate(live):
    with pytest.raises(SourceError, match="still picture"):
        live.measure()
