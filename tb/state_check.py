"""What the registers hold when a trace has ended, on the device and on the golden device beside it.

A device whose description says ``compare_state`` is read out after each trace: GLB, then of every block the
state (enables, turns) and the registers of both groups, the counters that hardware writes included.
"""

from collections.abc import Callable, Iterator
from functools import cache

from golden.device import Device
from golden.device.blocks import LAYER_BLOCKS
from golden.registers import find_register, load_register_map
from tb.program_file import ProgramWriter

ReadBack = Callable[[str], int | None]
"""Gives what a register held; None when bits of it were unknown."""


@cache
def state_accesses() -> tuple[tuple[str, int | None], ...]:
    """Register names with the word to write, or None to read: all registers, of both groups."""
    registers = load_register_map()
    accesses: list[tuple[str, int | None]] = [(f"GLB.{name}", None) for name in registers["GLB"].registers]
    for block in LAYER_BLOCKS:
        names = registers[block].registers
        accesses += [(f"{block}.{name}", None) for name in names if name.startswith("S_")]
        for group in (0, 1):
            accesses.append((f"{block}.S_POINTER", group))
            accesses += [(f"{block}.{name}", None) for name in names if name.startswith("D_")]
    return tuple(accesses)


def write_state_accesses(writer: ProgramWriter) -> None:
    """Have the player carry out :func:`state_accesses`."""
    for name, word in state_accesses():
        address = find_register(name).address
        if word is None:
            writer.read(address)
        else:
            writer.write(address, word)


def compare_state(golden: Device, read: ReadBack, written: Callable[[str], None]) -> Iterator[str]:
    """What differs, with the first register that does; nothing when all agree.

    Parameters
    ----------
    golden
        The golden device, at the trace's end.
    read, written
        The device's accesses, in the order of :func:`state_accesses`.
    """
    wrong: list[str] = []
    group: dict[str, int] = {}
    for name, word in state_accesses():
        block, _, register = name.partition(".")
        if word is not None:
            written(name)
            golden.write(name, word)
            group[block] = word
            continue
        actual, expected = read(name), golden.read(name)
        if actual != expected:
            where = f"{name} of group {group[block]}" if register.startswith("D_") else name
            shown = "unknown" if actual is None else f"{actual:#x}"
            wrong.append(f"{where} is {shown}, expected {expected:#x}")
    if wrong:
        registers = "1 register differs" if len(wrong) == 1 else f"{len(wrong)} registers differ"
        yield f"{registers} from the golden device's at the end: {'; '.join(wrong[:3])}"
