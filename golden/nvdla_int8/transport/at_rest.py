"""Brings a device that is not fresh from its reset to what a trace begins with."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from nvdla_int8.registers.register_map import LAYER_BLOCKS, WORD_MASK, find_register, load_register_map, unpack
from nvdla_int8.trace.commands import Command, PollField, PollReg, RegReadExpected, RegWrite

REGISTER_ACCESSES = (RegWrite, RegReadExpected, PollReg, PollField)
"""Commands that reach a register."""


def used_blocks(commands: Iterable[Command]) -> tuple[str, ...]:
    """The blocks with two groups that a trace writes or reads, in the register map's order."""
    named = {one.register.partition(".")[0] for one in commands if isinstance(one, REGISTER_ACCESSES)}
    return tuple(block for block in LAYER_BLOCKS if block in named)


def unwritten_registers(commands: Iterable[Command]) -> Mapping[tuple[str, int], list[str]]:
    """By block and group that a trace uses: the registers that it leaves as they were, which it counts on to be reset.

    Those of the whole block, such as the settings of its tables, stand with the first group that is used.
    """
    producers: dict[str, int] = defaultdict(int)
    written: dict[tuple[str, int], set[str]] = {}
    whole: dict[str, set[str]] = defaultdict(set)
    for one in commands:
        if not isinstance(one, RegWrite):
            continue
        block, _, register = one.register.partition(".")
        if block not in LAYER_BLOCKS:
            continue
        whole[block].add(register)
        if register == "S_POINTER":
            producers[block] = unpack(one.register, one.value, "PRODUCER")
        elif register.startswith("D_"):
            written.setdefault((block, producers[block]), set()).add(register)
    left: dict[tuple[str, int], list[str]] = {}
    for (block, group), names in written.items():
        first = not any(known == block for known, _ in left)
        registers = load_register_map()[block].registers
        left[block, group] = [
            f"{block}.{name}"
            for name, register in registers.items()
            if register.writable_mask
            and name not in ("D_OP_ENABLE", "S_POINTER")
            and not name.startswith("S_LUT_ACCESS")
            and name not in (names if register.grouped else whole[block])
            and (register.grouped or first)
        ]
    return left


def reset_value(name: str) -> int:
    """What a register holds after reset, of the bits that software can write."""
    register = find_register(name)
    return register.reset & register.writable_mask & WORD_MASK
