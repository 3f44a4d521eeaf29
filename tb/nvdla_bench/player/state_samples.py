"""Which engine was at work in which state while which channel of the memory was stalled, as samples for the plan."""

from collections.abc import Iterator, Sequence
from itertools import product

from nvdla_bench.player.from_trace import run_begin
from nvdla_bench.player.layer_spans import at_work, layer_spans
from nvdla_bench.player.player_file import CHANNELS, STALLED, Event
from nvdla_bench.player.target import RtlTarget
from nvdla_int8.coverage.plan import Sample

SAMPLERS = ("stalled engine", "stalled device")


def state_samples(events: Sequence[Event], target: RtlTarget) -> Iterator[Sample]:
    """Of a run that was judged: each that was met once.

    Software's view: a layer is at work from the write that started it to its interrupt, and waits while an earlier one
    of its engine is.
    """
    spans = layer_spans(target)
    before = [0] * len(CHANNELS)
    engines: set[tuple[str, str, str]] = set()
    together: set[tuple[int, str]] = set()
    for event in events[run_begin(events) :]:
        if event.kind != STALLED:
            continue
        totals = [int(word) for word in event.words]
        stalled = [channel for channel, old, new in zip(CHANNELS, before, totals, strict=True) if new > old]
        before = totals
        layers = [span.engine for span in at_work(spans, event.cycle)]
        states = {(engine, "another waits" if layers.count(engine) > 1 else "alone") for engine in layers}
        engines |= {(engine, state, channel) for (engine, state), channel in product(states, stalled)}
        together |= {(len(states), channel) for channel in stalled}
    for engine, state, channel in sorted(engines):
        yield Sample("stalled engine", {"engine": engine, "state": state, "channel": channel})
    for count, channel in sorted(together):
        yield Sample("stalled device", {"engines": count, "channel": channel})
