"""Waiting for what happens in other threads and processes."""

import time


def wait_until(holds, seconds=60):
    """Until `holds()` is true; fails when that takes longer."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
