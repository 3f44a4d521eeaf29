"""What the registers hold when a trace has ended, on the device and on the golden device beside it.

A device whose description says ``compare_state`` is read out after each trace: GLB, then of every block the
state (enables, turns) and the registers of both groups, the counters that hardware writes included, and CDP's tables
when the trace filled them. At last the interrupts are tried: masked, set by software, cleared. Counters of stalls and
latencies must read 0: they depend on the memory, and neither the core nor the golden device counts them.
"""

from collections.abc import Callable, Iterator
from functools import cache

from nvdla_bench.player.player_file import PlayerFileWriter
from nvdla_int8.device import Device
from nvdla_int8.registers.register_map import LAYER_BLOCKS, find_register, load_register_map, pack
from nvdla_int8.stages.lut import LE_ENTRIES, LO_ENTRIES
from nvdla_int8.trace.commands import RegWrite, Trace

ReadBack = Callable[[str], tuple[int | None, str]]
"""Gives what a register held, None when bits of it were unknown, and dla_intr then: 0, 1, x or z."""


INTERRUPT_WRITES = (
    ("GLB.S_INTR_MASK", 0x003F_03FF),
    ("GLB.S_INTR_SET", 0x0015_0001),
    ("GLB.S_INTR_MASK", 0x003F_03FE),
    ("GLB.S_INTR_STATUS", 0x0000_0001),
    ("GLB.S_INTR_MASK", 0),
    ("GLB.S_INTR_STATUS", 0x003F_03FF),
)
"""All masked; some set; one alone seen; that one cleared, which leaves the others; none masked; all cleared."""


LUT_ACCESS, LUT_DATA = "CDP.S_LUT_ACCESS_CFG", "CDP.S_LUT_ACCESS_DATA"


def fills_tables(trace: Trace) -> bool:
    """Whether a trace writes entries of CDP's tables."""
    return any(isinstance(one, RegWrite) and one.register == LUT_DATA for one in trace.commands)


@cache
def state_accesses(*, tables: bool) -> tuple[tuple[str, int | None], ...]:
    """Register names with the word to write, or None to read.

    All registers, of both groups; with ``tables`` every entry of CDP's tables, otherwise the first one.
    """
    registers = load_register_map()
    accesses: list[tuple[str, int | None]] = [(f"GLB.{name}", None) for name in registers["GLB"].registers]
    for block in LAYER_BLOCKS:
        names = registers[block].registers
        # An entry of the tables is read behind a write of its address only.
        shared = [f"{block}.{name}" for name in names if name.startswith("S_")]
        accesses += [(name, None) for name in shared if name != LUT_DATA]
        for group in (0, 1):
            accesses.append((f"{block}.S_POINTER", group))
            accesses += [(f"{block}.{name}", None) for name in names if name.startswith("D_")]
    for table, entries in enumerate((LE_ENTRIES, LO_ENTRIES)):
        accesses.append((LUT_ACCESS, pack(LUT_ACCESS, LUT_TABLE_ID=table)))
        accesses += [(LUT_DATA, None)] * (entries if tables else 1)
    for write in INTERRUPT_WRITES:
        accesses += [write, ("GLB.S_INTR_STATUS", None), ("GLB.S_INTR_MASK", None)]
    return tuple(accesses)


def write_state_accesses(writer: PlayerFileWriter, *, tables: bool) -> None:
    """Have the player carry out :func:`state_accesses`."""
    for name, word in state_accesses(tables=tables):
        address = find_register(name).address
        if word is None:
            writer.read(address)
        else:
            writer.write(address, word)


def compare_state(golden: Device, read: ReadBack, written: Callable[[str], None], *, tables: bool) -> Iterator[str]:
    """What differs, with the first register that does; nothing when all agree.

    Parameters
    ----------
    golden
        The golden device, at the trace's end.
    read, written
        The device's accesses, in the order of :func:`state_accesses`.
    tables
        CDP's tables are read out whole.
    """
    wrong: list[str] = []
    group: dict[str, int] = {}
    for name, word in state_accesses(tables=tables):
        block, _, register = name.partition(".")
        if word is not None:
            written(name)
            golden.write(name, word)
            group[block] = word
            continue
        actual, line = read(name)
        expected = golden.read(name)
        if block == "GLB" and line != str(int(golden.interrupt)):
            wrong.append(f"dla_intr is {line} when {name} is read, expected {int(golden.interrupt)}")
        if actual != expected:
            where = f"{name} of group {group[block]}" if register.startswith("D_") else name
            shown = "unknown" if actual is None else f"{actual:#x}"
            wrong.append(f"{where} is {shown}, expected {expected:#x}")
    if wrong:
        yield f"{len(wrong)} of the registers' reads differ from the golden device's: {'; '.join(wrong[:3])}"
