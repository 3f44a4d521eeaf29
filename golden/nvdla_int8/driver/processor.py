"""A processor of the hardware as the driver sees it: its blocks, its two register groups, its interrupts."""

from collections.abc import Mapping
from dataclasses import dataclass

from nvdla_int8.driver.register_writes import lut_index, needs_rdma
from nvdla_int8.driver.target import Target
from nvdla_int8.errors import BenchError, located
from nvdla_int8.loadable.descriptors import OperationType
from nvdla_int8.loadable.tasks import HardwareOperation
from nvdla_int8.registers.register_map import insert, pack, unpack

MOST_POLLS = 1 << 16
"""Reads of CDMA.S_CBUF_FLUSH_STATUS before the driver gives up: the CBUF is clear thousands of cycles after reset."""


@dataclass(frozen=True)
class ProcessorBlocks:
    """The register blocks of a processor.

    Attributes
    ----------
    blocks
        In the order in which the driver writes their S_POINTER and enables them; the first one's says whose turn it is.
    rdma
        The block that has groups of its own and takes part only when it is needed; empty for none.
    interrupts
        What the processor raises, the end of an operation last.
    own_mask
        The driver unmasks the interrupts whenever it programs the processor.
    """

    blocks: tuple[str, ...]
    rdma: str
    interrupts: tuple[str, ...]
    own_mask: bool = True


PROCESSORS = {
    OperationType.CONV: ProcessorBlocks(
        ("CACC", "CMAC_A", "CMAC_B", "CSC", "CDMA"), "", ("CDMA_WT", "CDMA_DAT", "CACC"), own_mask=False
    ),
    OperationType.SDP: ProcessorBlocks(("SDP",), "SDP_RDMA", ("SDP",)),
    OperationType.PDP: ProcessorBlocks(("PDP",), "PDP_RDMA", ("PDP",)),
    OperationType.CDP: ProcessorBlocks(("CDP",), "CDP_RDMA", ("CDP",)),
}
"""The processors of nv_small, in the driver's order."""


class Slot:
    """A register group with an operation.

    Attributes
    ----------
    operation
        The operation.
    group, rdma_group
        Register groups of the processor and of its RDMA, which counts only with ``needs_rdma``.
    programming, programmed, active
        What became of it: its registers are being written, they are written, it is enabled.
    lut
        Which table was loaded for it; None for none.
    """

    def __init__(self, operation: HardwareOperation, group: int, rdma_group: int) -> None:
        self.operation = operation
        self.group = group
        self.rdma_group = rdma_group
        self.needs_rdma = needs_rdma(operation)
        self.programming = False
        self.programmed = False
        self.active = False
        self.lut: int | None = None


class Processor:
    """One processor: at most two operations, in the order in which the hardware takes them.

    Parameters
    ----------
    kind
        Which processor.
    target
        The hardware.

    Attributes
    ----------
    slots
        The oldest first.
    """

    def __init__(self, kind: OperationType, target: Target) -> None:
        self.kind = kind
        self.slots: list[Slot] = []
        self._blocks = PROCESSORS[kind]
        self._target = target

    @property
    def full(self) -> bool:
        """Both groups have an operation."""
        return len(self.slots) == 2

    def take(self, operation: HardwareOperation) -> Slot:
        """Give an operation a register group of a processor that is not full."""
        rdma = self._blocks.rdma
        group = self._consumer(self._blocks.blocks[0])
        rdma_group = self._consumer(rdma) if rdma else 0
        if self.slots:
            group = 1 - self.slots[0].group
        using_rdma = [slot for slot in self.slots if slot.needs_rdma]
        if using_rdma:
            rdma_group = 1 - using_rdma[0].rdma_group
        slot = Slot(operation, group, rdma_group)
        self.slots.append(slot)
        return slot

    def _consumer(self, block: str) -> int:
        """The group whose turn it is."""
        register = f"{block}.S_POINTER"
        return unpack(register, self._target.read(register), "CONSUMER")

    def point(self, slot: Slot) -> None:
        """Let the blocks' registers be those of a slot's groups."""
        for block in self._blocks.blocks:
            self._target.write(f"{block}.S_POINTER", pack(f"{block}.S_POINTER", PRODUCER=slot.group))
        if rdma := self._blocks.rdma:
            # CDP_RDMA has the group of CDP.
            group = slot.group if self.kind is OperationType.CDP else slot.rdma_group
            self._target.write(f"{rdma}.S_POINTER", pack(f"{rdma}.S_POINTER", PRODUCER=group))

    def program(self, slot: Slot, writes: tuple[tuple[str, int], ...]) -> None:
        """Write an operation's registers; BenchError when the hardware still works in the slot's group."""
        self.point(slot)
        if self._blocks.own_mask:
            self._unmask()
        else:
            for block in self._blocks.blocks:
                self._check_idle(block, slot)
        for register, word in writes:
            self._target.write(register, word)
        slot.lut = lut_index(slot.operation)

    def _unmask(self) -> None:
        mask = self._target.read("GLB.S_INTR_MASK")
        fields = {f"{self._blocks.interrupts[-1]}_DONE_MASK{group}": 0 for group in (0, 1)}
        self._target.write("GLB.S_INTR_MASK", insert("GLB.S_INTR_MASK", mask, **fields))

    def _check_idle(self, block: str, slot: Slot) -> None:
        register = f"{block}.S_STATUS"
        status = unpack(register, self._target.read(register), f"STATUS_{slot.group}")
        if status:
            raise BenchError(f"{register}.STATUS_{slot.group} = {status}: the group is to be idle")

    def enable(self, slot: Slot) -> None:
        """Hand a programmed operation over to the hardware.

        BenchError when the CBUF is never clear, or with the operation when a device finds it illegal.
        """
        self.point(slot)
        if self.kind is OperationType.CONV:
            self._await_clear_cbuf()
        blocks = (self._blocks.rdma, *self._blocks.blocks) if slot.needs_rdma else self._blocks.blocks
        with located(slot.operation.name):
            for block in blocks:
                self._target.write(f"{block}.D_OP_ENABLE", pack(f"{block}.D_OP_ENABLE", OP_EN="ENABLE"))
        slot.active = True

    def _await_clear_cbuf(self) -> None:
        register = "CDMA.S_CBUF_FLUSH_STATUS"
        for _ in range(MOST_POLLS):
            if unpack(register, self._target.read(register), "FLUSH_DONE"):
                return
        raise BenchError(f"{register}.FLUSH_DONE stays 0")

    def raised(self, slot: Slot, status: int) -> dict[str, int]:
        """The bits of GLB.S_INTR_STATUS that are up for a slot, by the interrupt's name, in the driver's order."""
        fields = {name: f"{name}_DONE_STATUS{slot.group}" for name in self._blocks.interrupts}
        return {
            name: insert("GLB.S_INTR_STATUS", 0, **{field: 1})
            for name, field in fields.items()
            if unpack("GLB.S_INTR_STATUS", status, field)
        }

    def ended(self, slot: Slot, status: int) -> bool:
        """Whether an enabled operation's end is among what is up."""
        return slot.active and self._blocks.interrupts[-1] in self.raised(slot, status)

    def can_take_lut(self, slot: Slot) -> bool:
        """Whether the slot's table may be loaded: both groups share one."""
        wanted = lut_index(slot.operation)
        others = [other for other in self.slots if other is not slot]
        if wanted is None or not others or others[0].lut == wanted:
            return True
        return others[0].lut is None and not others[0].active


def make_processors(target: Target) -> dict[OperationType, Processor]:
    """The processors of a target, idle."""
    return {kind: Processor(kind, target) for kind in PROCESSORS}


def find_processor(processors: Mapping[OperationType, Processor], operation: HardwareOperation) -> Processor:
    """The processor that carries out an operation; BenchError for one that nv_small does not have."""
    if operation.type not in processors:
        raise BenchError(f"{operation.name}: nv_small has no {operation.type.name}")
    return processors[operation.type]
