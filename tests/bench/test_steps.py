import pytest

from ferlite import Recognizer, synthetic
from ferlite.bench import footage, steps
from ferlite.detectors import QUICK
from ferlite.detectors.haar import HaarDetector
from ferlite.images import recolor


@pytest.fixture(scope="module")
def recognizer():
    return Recognizer(detector=HaarDetector(QUICK))


@pytest.fixture(scope="module")
def frames():
    return footage.drawn((320, 240), 1, 0, 12)


@pytest.mark.parametrize("name", steps.STEPS)
def test_the_warm_up_is_left_out(recognizer, frames, name):
    timing = steps.STEPS[name](recognizer, frames, 5)
    assert len(timing.latencies) == len(timing.reported) == 7
    assert timing.throughput > 0
    assert timing.cpu_per_frame > 0
    assert timing.reported == [1] * 7


def test_stages_sum_to_the_latency(recognizer, frames):
    timing = steps.tracked(recognizer, frames, 0)
    for number, latency in enumerate(timing.latencies):
        assert sum(times[number] for times in timing.stages.values()) == pytest.approx(latency, abs=2e-4)


def test_a_tracked_face_is_mostly_looked_at_and_seldom_searched_for(recognizer, frames):
    stages = steps.tracked(recognizer, frames, 0).stages
    assert 1 <= sum(seconds > 0 for seconds in stages["search"]) < len(frames) / 2
    assert any(seconds > 0 for seconds in stages["look"])


def test_throughput_is_that_of_the_intervals(recognizer, frames):
    timing = steps.searching(recognizer, frames, 0)
    assert timing.throughput == pytest.approx((len(frames) - 1) / sum(timing.latencies[1:]), rel=0.5)


def test_the_classifier_takes_several_faces_at_once(recognizer):
    crop = recolor(synthetic.face("happy", synthetic.SKINS[0], synthetic.HAIRS[0])[:48, :48], "grey")
    times = steps.classifying(recognizer.classifier, crop, 3, 5)
    assert len(times) == 5
    assert min(times) > 0


def test_drawn_footage_goes_on_where_it_was_left_and_fits_into_memory():
    assert [frame.seq for frame in footage.drawn((320, 240), 0, 7, 3)] == [7, 8, 9]
    held = footage.drawn((1920, 1080), 0, 0, 1000)
    assert 3 < len(held) < 50
