"""Which memory a trace touches: what the host writes, what the layers read and write."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nvdla_int8.device import Device
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.memory_reads import MemoryReads
from nvdla_int8.errors import BenchError
from nvdla_int8.trace.commands import CheckCrc, CheckFile, MemInit, MemLoad, Trace
from nvdla_int8.trace.dat import read_dat
from nvdla_int8.transport.window import Window


@dataclass(frozen=True)
class TouchedRange:
    """A range of memory: who touches it, whether it is written."""

    who: str
    range: Window
    written: bool


def touched_ranges(trace: Trace, golden: Device) -> Iterator[TouchedRange]:
    """Every range, as the golden device ran the trace; BenchError for a data file that cannot be read."""
    for command in trace.commands:
        line = f"line {command.line}"
        match command:
            case MemInit():
                yield TouchedRange(line, Window(command.base, command.size), written=True)
            case MemLoad():
                for offset, data in read_dat(trace.folder / command.file):
                    yield TouchedRange(line, Window(command.base + offset, len(data)), written=True)
            case CheckCrc() | CheckFile():
                yield TouchedRange(line, Window(command.base, command.size), written=False)
    for index, run in enumerate(golden.layers):
        base, end = run.destination.extent()
        yield TouchedRange(f"layer {index}", Window(base, end - base), written=True)
        for low, high in _read_by(run, golden):
            yield TouchedRange(f"layer {index}", Window(low, high - low), written=False)


def _read_by(run: LayerRun, golden: Device) -> Iterator[tuple[int, int]]:
    fetch = run.convolution.fetch if run.convolution else None
    for _, _, (starts, length) in MemoryReads(run.registers, golden.build, fetch).reads():
        yield int(starts.min()), int(starts.max()) + length


def check_ranges(ranges: Iterable[TouchedRange], window: Window) -> None:
    """Refuse a trace that touches what the transport does not reach: BenchError with the first such range."""
    for one in ranges:
        if one.range.size_bytes and not window.holds(one.range.base, one.range.size_bytes):
            verb = "writes" if one.written else "reads"
            raise BenchError(f"{one.who} {verb} memory {one.range}, the transport reaches {window}: nothing was run")


def joined(ranges: Iterable[Window]) -> list[Window]:
    """Ranges that touch as one, ascending."""
    found: list[Window] = []
    for one in sorted(ranges, key=lambda one: one.base):
        if not one.size_bytes:
            continue
        if found and one.base <= found[-1].end:
            last = found.pop()
            one = Window(last.base, max(last.end, one.end) - last.base)
        found.append(one)
    return found
