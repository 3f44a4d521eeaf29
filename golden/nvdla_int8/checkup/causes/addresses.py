"""Addresses that are not the layer's: bits cut off, or an output in another place."""

from collections.abc import Iterator, Mapping
from functools import partial

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.points import Point, Written

ADDRESS_BITS = (32, 31, 30, 29, 28)
"""How many bits of an address are left when upper ones are cut."""

LOW, HIGH = "ADDR_LOW", "ADDR_HIGH"


def suggest_addresses(scene: Scene) -> Iterator[Cause]:
    """Cut addresses, then an output beside its place."""
    yield from _cut(scene)
    yield from _elsewhere(scene)


def _cut(scene: Scene) -> Iterator[Cause]:
    values = scene.registers.values
    lows = [name for name in values if LOW in name]
    for bits in ADDRESS_BITS:
        cut = {low: kept for low in lows if (kept := _kept(values, low, bits))}
        if len(cut) > 1:
            every = {name: word for kept in cut.values() for name, word in kept.items()}
            yield _cut_cause(f"only {bits} bits of every address arrive", "the driver", bits, every, everywhere=True)
        for low, kept in cut.items():
            words = f"only {bits} bits of the address in {low} arrive"
            yield _cut_cause(words, low.partition(".")[0], bits, kept, everywhere=False)


def _kept(values: Mapping[str, int], low: str, bits: int) -> dict[str, int]:
    """The registers of one address that change when only so many bits are left."""
    high = low.replace(LOW, HIGH)
    address = values.get(high, 0) << 32 | values[low]
    left = address & ((1 << bits) - 1)
    kept = {high: left >> 32, low: left & 0xFFFFFFFF}
    return {name: word for name, word in kept.items() if values.get(name, word) != word}


def _cut_cause(words: str, unit: str, bits: int, registers: dict[str, int], *, everywhere: bool) -> Cause:
    change = Change(Point.REGISTERS, partial(_all_cut, bits) if everywhere else partial(_with, registers))
    advice = "Check the width of addresses from the driver's types to the bus, and where the device sees memory."
    return Cause("address-cut", Family.CONTROL, unit, words, advice, (change,), everywhere=everywhere)


def _with(registers: dict[str, int], layer: LayerRegisters, _: Scene) -> LayerRegisters:
    return layer.with_words(registers)


def _all_cut(bits: int, layer: LayerRegisters, _: Scene) -> LayerRegisters:
    values = dict(layer.values)
    for low in [name for name in values if LOW in name]:
        values |= _kept(values, low, bits)
    return LayerRegisters(values)


def _elsewhere(scene: Scene) -> Iterator[Cause]:
    destination = scene.layer.run.destination
    atom = destination.unit_bytes
    steps = {
        "one atom": atom,
        "two atoms": 2 * atom,
        "32 bytes": 32,
        "64 bytes": 64,
        "one line": destination.line_stride,
        "one surface": destination.surface_stride,
        "4 KiB": 4096,
    }
    offsets = {offset * sign: (what, sign) for what, offset in steps.items() if offset for sign in (1, -1)}
    for offset, (what, sign) in offsets.items():
        where = "behind" if sign > 0 else "before"
        if destination.base + offset >= 0:
            yield Cause(
                "output-elsewhere",
                Family.CONTROL,
                "the driver",
                f"the output went {what} ({abs(offset)} bytes) {where} its place",
                "Compare the destination's base address with the address that the dump was taken from.",
                (Change(Point.WRITTEN, partial(_moved, offset)),),
            )


def _moved(offset: int, written: Written, scene: Scene) -> Written:
    starts = written.starts + offset
    before = scene.state.memory.read(starts, written.units.shape[-1])
    return Written(starts, written.units, before)
