"""The register program of a network of layer programs, pass by pass."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nvdla_int8.compiler.register_program import Kind, Operation, Region, RegisterProgram, Stretch
from nvdla_int8.device.convolution_layer import FetchedBytes
from nvdla_int8.device.interrupts import INTERRUPT_BITS
from nvdla_int8.registers.register_map import find_register

ENABLE_ORDER = (
    "PDP_RDMA", "PDP", "CDP_RDMA", "CDP", "SDP_RDMA", "SDP", "CACC", "CMAC_A", "CMAC_B", "CSC", "CDMA",
)  # fmt: skip
"""What comes later in the data's path is enabled before what feeds it (hardware.md section 4, pdp_cdp.md section 4)."""


@dataclass(frozen=True)
class PassProgram:
    """One pass of a layer, or of a convolution and the pooling behind it.

    Attributes
    ----------
    layer
        The layer's name; two with a plus between them when SDP hands its output to PDP.
    ends
        The blocks whose interrupts end the pass, each with its group, in the data's order.
    writes
        (``BLOCK.REGISTER``, value), pointers first.
    at_once
        Writes to registers that are not double-buffered: the pass before must have ended.
    enables
        The blocks' enables, in order.
    counts
        What registers that count hold afterwards; all of them belong to one block of ``ends``.
    output
        The layer's whole output if this is its last pass.
    fetched
        What CDMA reads for it, and what it need not because the CBUF has it; None unless it is a convolution.
    """

    layer: str
    ends: tuple[tuple[str, int], ...]
    writes: tuple[tuple[str, int], ...]
    at_once: tuple[tuple[str, int], ...]
    enables: tuple[tuple[str, int], ...]
    counts: tuple[tuple[str, int], ...]
    output: Region | None
    fetched: FetchedBytes | None = None

    @property
    def group(self) -> int:
        """The group of the block that writes the output."""
        return self.ends[-1][1]

    @property
    def interrupts(self) -> tuple[str, ...]:
        """The interrupts that end the pass."""
        return tuple(f"{block}_{group}" for block, group in self.ends)


@dataclass(frozen=True)
class NetworkProgram(RegisterProgram):
    """A network, or one layer, as a register program.

    Attributes
    ----------
    name, build, images
        As of every register program.
    passes
        The passes in order.
    tensor_bytes, tensor_bytes_apart
        Memory of the layers' outputs: what they take, and what they would take if none lay where another one has been.
    on_host
        The network's layers behind the program, by name, which the host has to compute.
    """

    name: str
    build: str
    images: tuple[Region, ...]
    passes: tuple[PassProgram, ...]
    tensor_bytes: int
    tensor_bytes_apart: int
    on_host: tuple[str, ...] = ()

    @property
    def fetched(self) -> FetchedBytes:
        """What CDMA reads in all passes."""
        return sum((part.fetched for part in self.passes if part.fetched), FetchedBytes())

    def stretches(self) -> Iterator[Stretch]:
        """What software does, a stretch for each pass and one before; each ends when its pass has.

        The other group is programmed while a pass runs. A pass is enabled only when the one before
        it has ended: it may read what that one writes. Interrupts that nobody waits for are masked:
        they would hold the interrupt line up.
        """
        waited_for = sum({1 << INTERRUPT_BITS[name] for part in self.passes for name in part.interrupts})
        masked = find_register("GLB.S_INTR_MASK").writable_mask & ~waited_for
        before = (
            Operation(Kind.WRITE, "GLB.S_INTR_MASK", masked),
            Operation(Kind.POLL, "CDMA.S_CBUF_FLUSH_STATUS", 1),
            *_as_writes(self.passes[0].writes),
        )
        yield Stretch(before)
        for part, following in zip(self.passes, (*self.passes[1:], None), strict=True):
            operations = (
                *_as_writes(part.at_once),
                *_as_writes(part.enables),
                *(_as_writes(following.writes) if following else ()),
                *(Operation(Kind.WAIT, "GLB.S_INTR_STATUS", 1 << INTERRUPT_BITS[name]) for name in part.interrupts),
                *_counts(part, last=following is None),
            )
            yield Stretch(operations, (part.output,) if part.output else ())


def _counts(part: PassProgram, *, last: bool) -> Iterator[Operation]:
    """Polls of the counters, the pointer on the pass's own group meanwhile if the next pass has moved it."""
    polls = [Operation(Kind.POLL, register, value) for register, value in part.counts]
    if last or not polls:
        yield from polls
        return
    block = polls[0].register.partition(".")[0]
    group = dict(part.ends)[block]
    yield Operation(Kind.WRITE, f"{block}.S_POINTER", group)
    yield from polls
    yield Operation(Kind.WRITE, f"{block}.S_POINTER", 1 - group)


def _as_writes(writes: Sequence[tuple[str, int]]) -> tuple[Operation, ...]:
    return tuple(Operation(Kind.WRITE, register, value) for register, value in writes)
