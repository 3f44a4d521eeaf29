"""Probes of registers and interrupts, without a layer as far as that goes."""

from collections.abc import Iterator

from nvdla_int8.build import NV_SMALL
from nvdla_int8.compiler.register_program import Kind, Operation, Stretch
from nvdla_int8.device.interrupts import INTERRUPT_BITS
from nvdla_int8.probe.build import GROUPS, layer_probe
from nvdla_int8.probe.layers import sdp
from nvdla_int8.probe.patterns import walking_ones
from nvdla_int8.probe.probe import Probe
from nvdla_int8.probe.space import Room
from nvdla_int8.probe.unit import Unit
from nvdla_int8.registers.register_map import LAYER_BLOCKS, WORD_MASK, Register, load_register_map

EVERY = sum(1 << bit for bit in INTERRUPT_BITS.values())
"""The interrupts of the units that are probed."""

STATUS, MASK, SET = "GLB.S_INTR_STATUS", "GLB.S_INTR_MASK", "GLB.S_INTR_SET"


def register_probes() -> Iterator[Probe]:
    """The probes of registers, in order."""

    def probe(name: str, shows: str, operations: list[Operation]) -> Probe:
        return Probe(f"registers_{name}", NV_SMALL.name, (), Unit.REGISTERS, shows, (Stretch(tuple(operations)),))

    yield probe("idle", "every block is idle, with group 0 next", [
        operation
        for block in LAYER_BLOCKS
        for operation in (
            _write(f"{block}.S_POINTER", 0), _poll(f"{block}.S_POINTER", 0), _poll(f"{block}.S_STATUS", 0)
        )
    ])  # fmt: skip
    for name, word in (("0x55555555", 0x55555555), ("0xaaaaaaaa", 0xAAAAAAAA)):
        yield probe(name, f"registers hold {name}, as far as they have bits", _held(word))
    yield probe("groups", "each group holds what was written to it", _groups())


def interrupt_probes(room: Room) -> Iterator[Probe]:
    """The probes of interrupts, in order."""

    def probe(name: str, shows: str, operations: list[Operation]) -> Probe:
        return Probe(f"interrupts_{name}", NV_SMALL.name, (), Unit.INTERRUPTS, shows, (Stretch(tuple(operations)),))

    yield probe("mask", "the mask holds every bit", [
        operation for bit in (*INTERRUPT_BITS.values(), None)
        for word in ((1 << bit) if bit is not None else EVERY,)
        for operation in (_write(MASK, word), _poll(MASK, word))
    ])  # fmt: skip
    yield probe("status", "each is set and cleared by software, alone", [
        _write(MASK, EVERY), _write(STATUS, EVERY), _poll(STATUS, 0),
        *(operation for bit in INTERRUPT_BITS.values() for operation in (
            _write(SET, 1 << bit), _poll(STATUS, 1 << bit), _write(STATUS, EVERY & ~(1 << bit)),
            _poll(STATUS, 1 << bit), _write(STATUS, 1 << bit), _poll(STATUS, 0),
        )),
    ])  # fmt: skip
    copied = layer_probe(room, Unit.INTERRUPTS, "interrupts_sdp", "SDP_0 and SDP_1 come, and are cleared",
                         [sdp(walking_ones())])  # fmt: skip
    yield _cleared_each_time(copied)


def _cleared_each_time(probe: Probe) -> Probe:
    """Look at the status behind every layer: nothing is to be left; the outputs are for the probes of memory."""
    before, *layers = probe.parts
    parts = [Stretch((_write(STATUS, EVERY), *before.operations))]
    parts += [Stretch((*layer.operations, _poll(STATUS, 0))) for layer in layers]
    return Probe(probe.name, probe.build, probe.images, probe.unit, probe.shows, tuple(parts))


def _held(word: int) -> list[Operation]:
    """Write the word to all registers of all blocks, read all, and leave them as they are after reset."""
    names = list(_plain_registers())
    return [
        *(_write(f"{block}.S_POINTER", 0) for block in LAYER_BLOCKS),
        *(_write(name, word & register.writable_mask) for name, register in names),
        *(_poll(name, word & register.writable_mask) for name, register in names),
        *(_write(name, register.reset) for name, register in names),
    ]


def _groups() -> list[Operation]:
    """One register of each block holds another word in each group."""
    chosen = {name.partition(".")[0]: (name, register) for name, register in _plain_registers()}
    words = [0x33333333, 0xCCCCCCCC]
    found: list[Operation] = []
    for what in (_write, _poll):
        for block, (name, register) in chosen.items():
            for group in range(GROUPS):
                found += [_write(f"{block}.S_POINTER", group), what(name, words[group] & register.writable_mask)]
    for block, (name, register) in chosen.items():
        for group in reversed(range(GROUPS)):
            found += [_write(f"{block}.S_POINTER", group), _write(name, register.reset)]
    return found


def _plain_registers() -> Iterator[tuple[str, Register]]:
    """Registers of layers that hold what is written, all of it, and do nothing until a layer starts."""
    for block in LAYER_BLOCKS:
        for name, register in load_register_map()[block].registers.items():
            used = not register.ignored and not any(field.ignored for field in register.fields.values())
            stored = register.writable_mask and register.writable_mask == register.readable_mask
            if register.grouped and name != "D_OP_ENABLE" and used and stored:
                yield f"{block}.{name}", register


def _write(register: str, value: int) -> Operation:
    return Operation(Kind.WRITE, register, value & WORD_MASK)


def _poll(register: str, value: int) -> Operation:
    return Operation(Kind.POLL, register, value)
