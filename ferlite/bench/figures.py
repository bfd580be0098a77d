"""Timings → the figures of a report: medians and percentiles, rounded; None where there is none, never NaN."""

import math
from collections.abc import Sequence
from statistics import fmean, median
from typing import Any

import numpy as np

from ferlite.bench.plan import Network, Setting
from ferlite.bench.steps import Timing


def number(value: float | None, digits: int) -> float | None:
    """The value rounded, None where it is none or not finite: JSON has no NaN."""
    return None if value is None or not math.isfinite(value) else round(value, digits)


def milliseconds(seconds: float) -> float | None:
    return number(seconds * 1000, 4)


def network(network: Network, threads: int) -> dict[str, Any]:
    return {"model": network.model, "engine": network.engine, "threads": threads}


def setting(setting: Setting, step: str) -> dict[str, Any]:
    """The part of a row by which rows of two reports are matched."""
    return network(setting.network, setting.threads) | {
        "detector": setting.detector,
        "size": None if setting.size is None else "{}x{}".format(*setting.size),
        "faces": setting.faces,
        "step": step,
    }


def timings(rounds: Sequence[Timing], faces: int | None) -> dict[str, Any]:
    """Percentiles over the frames of all rounds; of means, throughput and CPU time the median of the rounds."""
    latencies = [latency for timing in rounds for latency in timing.latencies]
    reported = [count for timing in rounds for count in timing.reported]
    throughputs = [timing.throughput for timing in rounds]
    figures = {
        "fps": number(median(throughputs), 1),
        "fps_range": [number(min(throughputs), 1), number(max(throughputs), 1)],
        "frames": len(latencies),
        "latency_ms": percentiles(latencies)
        | {"mean": milliseconds(median(fmean(timing.latencies) for timing in rounds))},
        "cpu_ms_per_frame": milliseconds(median(timing.cpu_per_frame for timing in rounds)),
        "with_a_face": number(fmean(count > 0 for count in reported), 4),
        "right_number": None if faces is None else number(fmean(count == faces for count in reported), 4),
    }
    if rounds[0].stages:
        figures["stages_ms"] = {
            stage: milliseconds(median(fmean(timing.stages[stage]) for timing in rounds)) for stage in rounds[0].stages
        }
    return figures


def percentiles(latencies: Sequence[float]) -> dict[str, float | None]:
    """p50, p95, p99 and the mean, in milliseconds."""
    by_name = {f"p{p}": float(np.percentile(latencies, p)) for p in (50, 95, 99)}
    return {name: milliseconds(value) for name, value in (by_name | {"mean": fmean(latencies)}).items()}
