import math

import pytest

from ferlite.stats import Stats


def test_throughput_is_over_intervals_not_results():
    stats = Stats()
    for number in range(31):
        stats.add(0.01, now=100 + number / 30)
    assert stats.count == 31
    assert stats.throughput == pytest.approx(30)


def test_percentiles():
    stats = Stats()
    for latency in range(1, 102):
        stats.add(latency, now=latency)
    assert [stats.latency(p) for p in (0, 50, 95, 100)] == [1, 51, 96, 101]


def test_without_enough_results_there_is_no_figure():
    stats = Stats()
    assert math.isnan(stats.throughput)
    assert math.isnan(stats.latency(50))
    stats.add(0.5)
    assert math.isnan(stats.throughput)
    assert stats.latency(99) == 0.5


def test_memory_is_bounded_and_the_window_is_the_newest():
    stats = Stats(window=10)
    for latency in range(100):
        stats.add(latency, now=latency)
    assert stats.count == 100
    assert stats.latency(0) == 90
