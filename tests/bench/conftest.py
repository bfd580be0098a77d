"""A small report, measured once for all tests that only read it."""

import copy
from typing import Any

import pytest

from ferlite.bench import Amount, Bench, plan
from ferlite.detectors import QUICK
from ferlite.detectors.haar import HaarDetector

SMALL = Amount(rounds=2, frames=4, seconds=0.5, quick=True)


@pytest.fixture(scope="session")
def measured() -> dict[str, Any]:
    networks, _ = plan.networks([], [])
    settings = plan.around(networks[:1], [1, 2], ["haar"], [(640, 480), (320, 240)], [1, 0])
    report = Bench(settings, {"haar": HaarDetector(QUICK)}, SMALL).measure()
    return report | {"commit": "0123abc", "command": "ferlite bench"}


@pytest.fixture
def report(measured: dict[str, Any]) -> dict[str, Any]:
    """A copy that a test may change."""
    return copy.deepcopy(measured)
