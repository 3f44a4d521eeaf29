"""Which layers took more cycles than they need."""

from collections.abc import Iterable
from pathlib import Path

from nvdla_bench.player.trace_replay import RtlResult

MOST = 1.25
"""Cycles for each of the least."""

BIG = 500
"""Least cycles from which on a layer is judged: below, it is latency of memory and pipeline that counts."""


def slow_layers(results: Iterable[RtlResult]) -> list[str]:
    """A line for each layer above MOST of its least cycles."""
    return [
        f"{Path(result.path).parent.name}, layer {number}: {time.cycles:,} cycles, {time.ratio:.2f} of {time.least}"
        for result in results
        for number, time in enumerate(result.layer_times)
        if time.least.cycles >= BIG and time.ratio > MOST
    ]
