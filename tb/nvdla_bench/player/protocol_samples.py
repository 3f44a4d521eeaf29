"""What happened on a run's ports, from its record, as samples for the coverage plan."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from nvdla_bench.player.from_trace import run_begin
from nvdla_bench.player.layer_spans import LayerSpan, at_work, layer_spans
from nvdla_bench.player.player_file import (
    ANSWERED,
    CHANNEL,
    CHANNELS,
    DEPTHS,
    INTERRUPTED,
    OUTSTANDING,
    WRITTEN,
    Event,
    Settings,
)
from nvdla_bench.player.target import RtlTarget
from nvdla_int8.coverage.plan import Sample, Value

SAMPLERS = ("settings", "beats", "stalls", "answers", "depths", "interrupts", "accesses", "group", "reset")
LENGTHS = ("1 cycle", "2 to 3", "4 to 15", "16 and more")


def protocol_samples(events: Sequence[Event], target: RtlTarget, settings: Settings) -> Iterator[Sample]:
    """Of a run that was judged.

    Parameters
    ----------
    events
        The whole record.
    target
        What answered the judge from it.
    settings
        How memory and bus behaved.
    """
    heaviest = round(100 * max(settings.stall_rates))
    values = {
        "latency": settings.latency_cycles,
        "stalls in %": heaviest,
        "register writes": "nposted" if settings.nposted else "posted",
        "writes land on": settings.writes_land_on,
    }
    yield Sample("settings", values)
    begin = run_begin(events)
    yield from _memory_port(events)
    spans = layer_spans(target)
    yield from _interrupts(events[begin:], spans)
    yield Sample("accesses", {"access": _accesses(events[begin:], spans)})
    for index, span in enumerate(spans):
        queued = any(other.engine == span.engine for other in at_work(spans[:index], span.started))
        yield Sample("group", {"block": span.writer, "group": span.group, "queued": queued})
    for event in events[:begin]:
        if event.kind == OUTSTANDING:
            yield Sample("reset", _reset(event, settings))


def _memory_port(events: Sequence[Event]) -> Iterator[Sample]:
    for event in events:
        if event.kind == CHANNEL:
            number, beats, _, behind, *stalls = map(int, event.words)
            channel = CHANNELS[number]
            follows = channel if behind else None
            yield Sample("beats", {"channel": channel, "beats": beats, "right behind another": follows})
            for length, count in zip(LENGTHS, stalls, strict=True):
                if count:
                    yield Sample("stalls", {"channel": channel, "length": length})
        elif event.kind == DEPTHS:
            reads, writes, kept_b, kept_r = map(int, event.words)
            yield Sample("depths", {"reads": reads, "writes": writes})
            yield Sample("answers", {"kept waiting": {"b": kept_b, "r": kept_r}})


def _interrupts(events: Sequence[Event], spans: Sequence[LayerSpan]) -> Iterator[Sample]:
    for event in events:
        status = event.number() if event.kind == INTERRUPTED else None
        if status is not None:
            others = sum(span.ended != event.cycle for span in at_work(spans, event.cycle))
            yield Sample("interrupts", {"set at once": status.bit_count(), "others at work": others})


def _accesses(events: Sequence[Event], spans: Sequence[LayerSpan]) -> dict[str, int]:
    """Register accesses by what the device did meanwhile, as software knows it."""
    found: Counter[str] = Counter()
    for event in events:
        if event.kind in (WRITTEN, ANSWERED):
            access = "write" if event.kind == WRITTEN else "read"
            found[f"{access} while {'at work' if at_work(spans, event.cycle) else 'idle'}"] += 1
    return dict(found)


def _reset(event: Event, settings: Settings) -> Mapping[str, Value]:
    reads, *writes = (int(word) for word in event.words[:4])
    under_way = {"reads": reads, "writes": sum(writes), "nothing": int(not reads and not any(writes))}
    return {"under way": under_way, "cycles": settings.abort_after}
