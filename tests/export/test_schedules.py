import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
pytest.importorskip("keras")

from export.config import Config  # noqa: E402
from export.schedules import Schedule  # noqa: E402


def rates(**settings):
    schedule = Schedule(Config(epochs=10, learning_rate=0.5, **settings), steps_per_epoch=10)
    return np.array([float(schedule(step)) for step in range(101)])


def test_cosine_falls_from_the_highest_to_nothing():
    found = rates(schedule="cosine")
    assert found[0] == pytest.approx(0.5)
    assert found[50] == pytest.approx(0.25)
    assert found[100] == pytest.approx(0, abs=1e-6)
    assert (np.diff(found) < 0).all()


def test_the_warm_up_rises_in_a_line():
    found = rates(schedule="cosine", warmup=2.0)
    assert found[:20] == pytest.approx(np.arange(1, 21) * 0.5 / 20)
    assert found.argmax() in (19, 20)


def test_one_cycle_rises_for_three_tenths():
    found = rates(schedule="one-cycle")
    assert found.argmax() in (29, 30)
    assert found[100] == pytest.approx(0, abs=1e-6)


def test_steps_fall_tenfold_at_the_half_and_three_quarters():
    found = rates(schedule="steps")
    assert found[[0, 49, 50, 74, 75, 99]] == pytest.approx([0.5, 0.5, 0.05, 0.05, 0.005, 0.005])


def test_constant_stays():
    assert rates(schedule="constant") == pytest.approx(np.full(101, 0.5))
