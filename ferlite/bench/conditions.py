"""Under which conditions a report came about: the machine's state all along, and what that says of the figures."""

import time
from collections.abc import Sequence
from typing import Any

from ferlite import device
from ferlite.device import State

EVERY = 2.0  # seconds between two looks at clock and temperature
BUSY = 0.5  # load per core before the run from which others clearly take part of the machine
HOT = 80.0  # °C: where a Raspberry Pi begins to slow down


class Watch:
    """Looks at the machine before, during and after a run."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._seen: list[tuple[float, State]] = [(0.0, device.state())]

    def look(self) -> None:
        """Note the machine's state, if that was not done just now."""
        now = time.monotonic() - self._began
        if now - self._seen[-1][0] >= EVERY:
            self._seen.append((now, device.state()))

    def end(self) -> list[State]:
        """The states so far, and the one now."""
        self._seen.append((time.monotonic() - self._began, device.state()))
        return [state for _, state in self._seen]

    def as_list(self) -> list[dict[str, Any]]:
        """The states as plain values, each with its time in seconds since the first."""
        return [{"at": round(at, 1), **state.as_dict()} for at, state in self._seen]


def verdict(states: Sequence[State], quick: bool) -> dict[str, Any]:
    """Whether the figures may be referred to, and why not; and what else one should know."""
    against = [f"the machine was slowed down: {reason}" for reason in device.slowed(states)]
    if quick:
        against.append("a quick run: too few frames and repetitions")
    return {"reference": not against, "reasons": against, "warnings": _warnings(states)}


def _warnings(states: Sequence[State]) -> list[str]:
    before, warnings = states[0], []
    if "powersave" in before.governors:
        warnings.append(
            "the powersave governor keeps the clock low on most boards; for full speed: "
            "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
        )
    if before.limits_since_boot and not device.slowed(states):
        warnings.append(f"since it was started the machine has been held back: {', '.join(before.limits_since_boot)}")
    hottest = max((state.temperature for state in states if state.temperature is not None), default=0.0)
    if hottest >= HOT:
        warnings.append(f"it was {hottest:.0f} °C hot; boards slow down from {HOT:.0f} °C on: cool it")
    cores = device.cores()
    if before.load is not None and before.load > BUSY * cores:
        warnings.append(f"other programs were at work: a load of {before.load:g} on {cores} cores before the run")
    return warnings
