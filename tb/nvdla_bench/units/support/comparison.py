"""Compares a unit's outputs with the model's, and words the report of a mismatch."""

import os
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from cocotb.triggers import Timer
from numpy.typing import ArrayLike, NDArray

from nvdla_bench.simulator.compiled import run_seed
from nvdla_bench.units.support.streams import Beat


def unit_name() -> str:
    """Name of the unit under test."""
    return os.environ["UNIT"]


def _show(names: Mapping[str, int], widths: Mapping[str, int]) -> str:
    return ", ".join(f"{name}={value} (0x{value & _mask(widths[name]):x})" for name, value in names.items())


def _mask(width: int) -> int:
    return (1 << width) - 1


def report(what: str) -> str:
    """One report: the unit, what is wrong, the seed, and the line that reproduces it."""
    return f"{unit_name()}: {what}; seed {run_seed()!r}; reproduce: {os.environ['REPRODUCE']}"


class Comparison:
    """Counts what was compared and fails at the first mismatch."""

    def __init__(self) -> None:
        self.compared = 0

    def check(
        self,
        inputs: Mapping[str, int],
        expected: Mapping[str, int],
        actual: Mapping[str, int] | Mapping[str, int | None],
        widths: Mapping[str, int],
    ) -> None:
        """Compare one vector; ``actual`` is None where the unit shows X."""
        for name, value in expected.items():
            seen = actual[name]
            if seen is None or (seen ^ value) & _mask(widths[name]):
                shown = f"{name} is X" if seen is None else _show({name: _like(value, seen, widths[name])}, widths)
                raise AssertionError(
                    report(
                        f"vector {self.compared}: {_show(inputs, widths)}: "
                        f"expected {_show({name: value}, widths)}, actual {shown}"
                    )
                )
        self.compared += 1

    def finish(self) -> None:
        """Fail when nothing was compared."""
        assert self.compared, report("nothing was compared")


def _like(expected: int, seen: int, width: int) -> int:
    """``seen`` read as signed, unless the model's value cannot be."""
    signed = width > 1 and -(1 << (width - 1)) <= expected < 1 << (width - 1)
    return seen - (1 << width) if signed and seen >> (width - 1) else seen


def resolved(handle: Any) -> int | None:
    """The unsigned value of a signal, None when any bit is X or Z."""
    value = handle.value
    return int(value) if value.is_resolvable else None


def known(handle: Any) -> int:
    """The unsigned value of a signal that must have one: a report when any bit is X or Z."""
    value = handle.value
    assert value.is_resolvable, report(f"{handle._name} is {value}")
    return int(value)


def assert_resolved(dut: Any, names: Sequence[str]) -> None:
    """Fail when one of these signals shows X or Z."""
    for name in names:
        value = getattr(dut, name).value
        assert value.is_resolvable, report(f"{name} is {value} after reset")


Lanes = tuple[NDArray[np.generic], int]
"""(B, lanes) values of one stream's signal, and its bits a lane."""


def check_beats(
    comparison: Comparison, inputs: Mapping[str, Lanes], expected: Mapping[str, Lanes], actual: Sequence[Beat]
) -> None:
    """Compare the beats of a stream with the model's, lane by lane.

    ``expected`` is in the order of the stream's payload signals; ``inputs`` are only for the report.
    """
    given = [_by_lane(name, *lanes) for name, lanes in inputs.items()]
    wanted = [_by_lane(name, *lanes) for name, lanes in expected.items()]
    widths = {
        f"{name}[{lane}]": width
        for name, (values, width) in (*inputs.items(), *expected.items())
        for lane in range(values.shape[1])
    }
    for index, beat in enumerate(actual):
        seen = {
            f"{name}[{lane}]": (vector >> (lane * width)) & _mask(width)
            for vector, (name, (values, width)) in zip(beat, expected.items(), strict=True)
            for lane in range(values.shape[1])
        }
        comparison.check(_row(given, index), _row(wanted, index), seen, widths)


def compare_layers(
    dut: Any,
    comparison: Comparison,
    stream: str,
    payload: Sequence[str],
    expected: Sequence[Sequence[Beat]],
    actual: Sequence[Beat],
) -> None:
    """Compare a stream beat by beat; the report names the layer and the beat's place in it.

    ``expected`` holds each layer's beats, in the order of the stream's payload signals.
    """
    places = [(layer, index, beat) for layer, beats in enumerate(expected) for index, beat in enumerate(beats)]
    names = [f"{stream}_{signal}" for signal in payload]
    widths = {"layer": 32, "beat": 32} | {name: len(getattr(dut, name)) for name in names}
    assert len(actual) == len(places), report(f"{stream} gave {len(actual)} beats, {len(places)} were expected")
    for (layer, index, wanted), seen in zip(places, actual, strict=True):
        comparison.check(
            {"layer": layer, "beat": index},
            dict(zip(names, wanted, strict=True)),
            dict(zip(names, seen, strict=True)),
            widths,
        )


def check_without_gaps(stream: str, cycles: Sequence[int], counts: Sequence[int]) -> None:
    """Fail unless a stream moved so many beats of each layer in consecutive cycles, and no others."""
    for layer, (count, end) in enumerate(zip(counts, accumulate(counts), strict=True)):
        of_layer = cycles[end - count : end]
        spent = of_layer[-1] - of_layer[0] + 1 if of_layer else 0
        assert spent == count, report(f"layer {layer}: {count} beats of {stream} took {spent} cycles")
    assert len(cycles) == sum(counts) > 0, report(f"{stream} gave {len(cycles)} beats, {sum(counts)} were expected")


def _by_lane(name: str, values: NDArray[np.generic], _width: int) -> list[dict[str, int]]:
    return [{f"{name}[{lane}]": int(value) for lane, value in enumerate(row)} for row in values.tolist()]


def _row(columns: Sequence[Sequence[Mapping[str, int]]], index: int) -> dict[str, int]:
    return {name: value for column in columns for name, value in column[index].items()}


async def compare_vectors(
    dut: Any,
    comparison: Comparison,
    inputs: Mapping[str, ArrayLike],
    expected: Mapping[str, ArrayLike],
) -> None:
    """Drive a combinational unit with vectors and compare its outputs.

    Parameters
    ----------
    dut, comparison
        The unit, and the count to add to.
    inputs, expected
        By port name; shapes broadcast against each other to (vectors,).
    """
    names = [*inputs, *expected]
    columns = np.broadcast_arrays(*(np.asarray(column) for column in (*inputs.values(), *expected.values())))
    handles = {name: getattr(dut, name) for name in names}
    widths = {name: len(handle) for name, handle in handles.items()}
    driven: dict[str, int] = {}
    settle = Timer(1, "ns")
    for row in zip(*(np.atleast_1d(column).tolist() for column in columns), strict=True):
        vector = {name: int(value) for name, value in zip(names, row, strict=True)}
        given = {name: vector[name] for name in inputs}
        for name, value in given.items():
            if driven.get(name) != value:
                handles[name].value = value & _mask(widths[name])
        driven = given
        await settle
        comparison.check(
            given,
            {name: vector[name] for name in expected},
            {name: resolved(handles[name]) for name in expected},
            widths,
        )
