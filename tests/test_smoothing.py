import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferlite import SettingError, Smoother

HAPPY, SAD = np.array([0.9, 0.1], np.float32), np.array([0.1, 0.9], np.float32)
FPS = 30.0


def labels(smoother, rows, fps=FPS):
    return [smoother(1, row, number / fps).label for number, row in enumerate(rows)]


def test_the_first_frame_counts_at_once():
    steady = Smoother()(1, SAD, 0.0)
    assert steady.label == 1
    assert np.allclose(steady.probabilities, SAD)
    assert steady.probabilities.dtype == np.float32


def test_what_does_not_last_changes_nothing():
    rows = [HAPPY] * 30 + [SAD] * 4 + [HAPPY] * 30 + [SAD] * 2 + [HAPPY] * 30
    assert set(labels(Smoother(), rows)) == {0}


def test_a_label_on_the_edge_does_not_flicker():
    rng = np.random.default_rng(0)
    first = 0.5 + rng.normal(0, 0.2, 600).clip(-0.5, 0.5)
    rows = np.stack([first, 1 - first], axis=1).astype(np.float32)
    raw = np.count_nonzero(np.diff(rows.argmax(axis=1)))
    steady = np.count_nonzero(np.diff(labels(Smoother(), rows)))
    assert steady * 10 < raw


@pytest.mark.parametrize("fps", [5.0, 15.0, 30.0, 60.0])
def test_a_true_change_is_followed_within_half_a_second_at_any_rate(fps):
    before = round(3 * fps)
    found = labels(Smoother(), [HAPPY] * before + [SAD] * before, fps)
    assert 0 < (found.index(1) - before) / fps <= 0.5


def test_a_label_is_held_for_its_time():
    smoother = Smoother(seconds=0, margin=0, hold=1.0)
    rows = [HAPPY, SAD] * 60  # flickers with every frame
    found = labels(smoother, rows)
    changes = [number / FPS for number in range(1, len(found)) if found[number] != found[number - 1]]
    assert all(b - a >= 1.0 - 1e-9 for a, b in itertools.pairwise(changes))
    assert len(changes) == 3  # in four seconds


def test_without_smoothing_every_frame_speaks_for_itself():
    rows = [HAPPY, SAD, SAD, HAPPY]
    assert labels(Smoother(seconds=0, margin=0, hold=0), rows) == [0, 1, 1, 0]


def test_a_clock_that_falls_is_no_time_at_all():
    smoother = Smoother()
    smoother(1, HAPPY, 1e6)
    assert smoother(1, SAD, 0.0).label == 0


def test_faces_do_not_mix_and_can_be_forgotten():
    smoother = Smoother()
    for number in range(30):
        smoother(1, HAPPY, number / FPS)
        steady = smoother(2, SAD, number / FPS)
    assert steady.label == 1
    smoother.keep([2])
    assert smoother(1, SAD, 1.0).label == 1  # a new face under an old number starts from nothing
    assert smoother(2, HAPPY, 1.0).label == 1
    smoother.reset()
    assert smoother(2, HAPPY, 1.1).label == 0


@given(
    st.lists(
        st.tuples(st.floats(0, 5, allow_subnormal=False), st.lists(st.floats(0.01, 1), min_size=3, max_size=3)),
        min_size=1,
        max_size=40,
    )
)
def test_means_stay_probabilities(steps):
    smoother, now = Smoother(), 0.0
    for pause, values in steps:
        now += pause
        row = np.array(values, np.float32)
        steady = smoother(1, row / row.sum(), now)
        assert math.isclose(float(steady.probabilities.sum()), 1, abs_tol=1e-5)
        assert np.all(steady.probabilities >= 0)
        assert 0 <= steady.label < 3


@pytest.mark.parametrize(
    "settings", [{"seconds": -1}, {"seconds": math.nan}, {"seconds": math.inf}, {"margin": 1}, {"hold": -0.1}]
)
def test_bad_settings_are_said(settings):
    (name,) = settings
    with pytest.raises(SettingError, match=f"{name} is"):
        Smoother(**settings)
