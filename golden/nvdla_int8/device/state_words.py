"""What a device's status registers say, in words: for waits in vain."""

from collections.abc import Mapping

from nvdla_int8.device.blocks import IDLE, PENDING, RUNNING
from nvdla_int8.device.interrupts import INTERRUPT_BITS
from nvdla_int8.registers.register_map import unpack

STATES = {IDLE: "idle", RUNNING: "running", PENDING: "pending"}


def interrupts_in_words(status: int) -> str:
    """The interrupts that are set in a word of GLB.S_INTR_STATUS."""
    return ", ".join(name for name, bit in INTERRUPT_BITS.items() if status >> bit & 1) or "none"


def block_in_words(block: str, registers: Mapping[str, int | None], awaits: str = "") -> str:
    """What a block's groups are doing, by its S_STATUS and S_POINTER; unknown when one of them is.

    ``awaits``: what a running block is known to wait for.
    """
    status, pointer = registers.get(f"{block}.S_STATUS"), registers.get(f"{block}.S_POINTER")
    if status is None or pointer is None:
        return f"{block} unknown"
    groups = [unpack(f"{block}.S_STATUS", status, f"STATUS_{group}") for group in (0, 1)]
    consumer = unpack(f"{block}.S_POINTER", pointer, "CONSUMER")
    names = STATES | ({RUNNING: f"waiting for {awaits}"} if awaits else {})
    busy = [f"group {group} {names.get(state, state)}" for group, state in enumerate(groups) if state != IDLE]
    return f"{block} {' and '.join(busy) or 'idle'} (consumer {consumer})"
