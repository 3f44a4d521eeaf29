"""Explains a trace: what it does, layer by layer, and what its checks prove."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from nvdla_int8.device import Device, Diagnostic
from nvdla_int8.device.convolution_layer import Fetch
from nvdla_int8.device.device import PendingLayer
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.memory_reads import MemoryReads
from nvdla_int8.errors import BenchError
from nvdla_int8.explain.lrn_curve import LrnCurve, lrn_curve
from nvdla_int8.explain.observed import (
    Distribution,
    Saturation,
    byte_counts,
    clipped_counts,
    distribution_of,
    saturations_of,
)
from nvdla_int8.explain.words import Words, put_into_words
from nvdla_int8.trace.commands import (
    CheckCrc,
    CheckFile,
    CheckNothing,
    PollField,
    PollReg,
    RegReadExpected,
    Trace,
    read_commands,
)
from nvdla_int8.trace.coverage import spans
from nvdla_int8.trace.judge import PROVES_NOTHING
from nvdla_int8.trace.replay import find_traces, play, play_registers
from nvdla_int8.trace.result import TraceResult, Verdict

RAN, NOT_COMPUTED, DID_NOT_RUN = "ran", "not computed", "did not run"


@dataclass(frozen=True)
class ExplainedLayer:
    """One layer.

    Attributes
    ----------
    state
        Whether it ran, ran without the trace's data so that its values mean nothing, or did not run.
    group
        Ping-pong group of the block that writes the output.
    waits
        What a layer that did not run waits for, unless it was refused.
    words
        What its registers say.
    saturations, constant_input, output
        What came out, and the one value that all elements have after the input converter, if they have
        one; empty and None unless it ran.
    diagnostics
        What the device had to say.
    curve
        What CDP's tables make of the sums that came, of an LRN that ran.
    """

    state: str
    group: int
    waits: str
    words: Words
    saturations: tuple[Saturation, ...]
    constant_input: int | None
    output: Distribution | None
    diagnostics: tuple[Diagnostic, ...]
    curve: LrnCurve | None = None


@dataclass(frozen=True)
class ExplainedCheck:
    """A check of the trace; ``layers`` are those whose whole output it compares as they left it."""

    line: int
    words: str
    layers: tuple[int, ...]
    agrees: bool | None


@dataclass(frozen=True)
class Explanation:
    """A trace explained.

    ``proves_nothing`` says what its checks do not prove and why, ``notes`` what to know beside it; one sentence each.
    """

    result: TraceResult
    layers: tuple[ExplainedLayer, ...]
    checks: tuple[ExplainedCheck, ...]
    proves_nothing: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)


def explain(path: Path, build: str = "nv_small", read: Callable[[Path], Trace] = read_commands) -> Explanation:
    """Explain a trace, passed or not.

    Parameters
    ----------
    path
        The ``.cfg`` file, or a folder that holds exactly one.
    build
        The build to replay it on.
    read
        Reads the file, which may be something else than a ``.cfg``.

    Raises
    ------
    BenchError
        No such build, nothing at ``path``, or more than one trace.
    """
    found = list(find_traces(path))
    if len(found) > 1:
        raise BenchError(f"{path}: holds {len(found)} traces, explain takes one")
    cfg = found[0]
    layers: list[ExplainedLayer] = []

    def observe(device: Device, run: LayerRun) -> None:
        layers.append(_ran(device, run))

    replayed = play(cfg, build, observe=observe, read=read)
    device, trace = replayed.device, replayed.trace
    loaded = replayed.result.verdict not in (Verdict.MISSING, Verdict.UNREADABLE, Verdict.UNSUPPORTED)
    if not loaded:
        layers.clear()
        device = play_registers(cfg, build, lambda device, run: layers.append(_not_computed(device, run)))
    pending = device.pending_layer()
    if pending is not None:
        layers.append(_did_not_run(device, pending, replayed.result, loaded))
    checks = tuple(_checks(trace, replayed.result)) if trace is not None else ()
    proves_nothing = tuple(_proves_nothing(layers, checks, trace, device))
    return Explanation(replayed.result, tuple(layers), checks, proves_nothing, tuple(_notes(device)) if loaded else ())


def _ran(device: Device, run: LayerRun) -> ExplainedLayer:
    words = put_into_words(run.registers, device.build, device.memory, _fetch(run))
    channels = run.destination.channels
    output = distribution_of(byte_counts(run.output[:channels]))
    constant = None
    if run.convolution is not None:
        values = np.unique(run.convolution.converted)  # none when the CBUF kept the whole input
        constant = int(values[0]) if len(values) == 1 else None
    saturations = saturations_of(clipped_counts(run, device.build))
    curve = lrn_curve(run) if run.lrn is not None else None
    return ExplainedLayer(RAN, run.group, "", words, saturations, constant, output, run.diagnostics, curve)


def _fetch(run: LayerRun) -> Fetch | None:
    """What CDMA fetched for a convolution."""
    return run.convolution.fetch if run.convolution else None


def _not_computed(device: Device, run: LayerRun) -> ExplainedLayer:
    words = put_into_words(run.registers, device.build, None, _fetch(run))
    return ExplainedLayer(NOT_COMPUTED, run.group, "", words, (), None, None, run.diagnostics)


def _did_not_run(device: Device, pending: PendingLayer, result: TraceResult, loaded: bool) -> ExplainedLayer:
    words = put_into_words(pending.registers, device.build, device.memory if loaded else None)
    waits = "" if result.errors else device.waiting()
    return ExplainedLayer(DID_NOT_RUN, pending.group, waits, words, (), None, None, tuple(result.errors))


def _checks(trace: Trace, result: TraceResult) -> list[ExplainedCheck]:
    wrong = {difference.line for difference in result.differences}
    judged = result.verdict in (Verdict.PASSED, Verdict.FAILED, Verdict.INCOMPLETE)
    found = []
    for command in trace.commands:
        covered: tuple[int, ...] = ()
        match command:
            case CheckCrc() | CheckFile():
                covered = result.covered_layers.get(command.line, ())
                what = f"the file {command.file}" if isinstance(command, CheckFile) else f"checksum {command.crc:#010x}"
                words = f"{command.size:,} bytes from {command.base:#x} against {what}"
            case CheckNothing():
                words = "nothing is compared"
            case RegReadExpected():
                words = f"{command.register} is {command.value:#x}"
            case PollReg() | PollField() if command.register != PROVES_NOTHING:
                name = command.register + (f".{command.field}" if isinstance(command, PollField) else "")
                words = f"{name} becomes {command.value:#x}"
            case _:
                continue
        agrees = command.line not in wrong if judged else None
        found.append(ExplainedCheck(command.line, words, covered, agrees))
    return found


def _notes(device: Device) -> Iterator[str]:
    """Where E8 matters: a layer reads what the one before it has just written."""
    readers = []
    for index, (before, run) in enumerate(pairwise(device.layers), start=1):
        if before.writer != "SDP":
            continue
        low, high = before.destination.extent()
        for _, _, (starts, length) in MemoryReads(run.registers, device.build, _fetch(run)).reads():
            if int(starts.min()) < high and low < int(starts.max()) + length:
                readers.append(str(index))
                break
    if readers:
        read = "reads" if len(readers) == 1 else "read"
        yield (
            f"layer {', '.join(readers)} {read} the output of the layer before: SDP's interrupt can come before the "
            "last writes have landed, and on a memory that answers writes late the bytes may be old (E8)"
        )


def _proves_nothing(
    layers: list[ExplainedLayer], checks: tuple[ExplainedCheck, ...], trace: Trace | None, device: Device
) -> Iterator[str]:
    comparisons = [one for one in trace.commands if isinstance(one, CheckCrc | CheckFile)] if trace is not None else []
    if trace is not None and not comparisons:
        yield "the trace proves nothing: it has neither check_file nor check_crc, no output is compared"
    if comparisons and not layers:
        yield "the trace proves nothing: no layer was started"
    seen = {layer for check in checks for layer in check.layers}
    for index, layer in enumerate(layers):
        output = layer.output
        if comparisons and layer.state == DID_NOT_RUN:
            yield f"layer {index} is not proven: it did not run"
        if output is None:
            continue
        if comparisons and index not in seen:
            destination = device.layers[index].destination
            lines = [str(one.line) for one in comparisons if spans(one.base, one.size, destination)]
            why = "no check covers its whole output"
            if lines:
                why = f"compared at line {', '.join(lines)} only before it ran or after something else wrote there"
            yield f"layer {index} is not proven: {why}"
        if output.distinct == 1:
            yield f"layer {index} proves nothing: all {output.elements:,} output bytes are {output.minimum}"
        elif output.at_minus_128 + output.at_127 == output.elements:
            yield f"layer {index} proves nothing: all {output.elements:,} output bytes are saturated, -128 or 127"
        elif output.distinct == 2:
            both = f"{output.minimum} or {output.maximum}"
            yield f"layer {index} proves little: its output bytes are {both}, nothing else"
        elif layer.constant_input is not None:
            yield f"layer {index} proves little: all its inputs are {layer.constant_input} after the input converter"
        if not layer.words.requantises:
            yield (
                f"layer {index} proves nothing about requantisation: X1 and X2 pass values on, "
                "the output converter is the identity"
            )
