"""The device's control: register accesses, layers that start when all their blocks are enabled, interrupts.

Layers run whole and at once, in the order in which the hardware would take them; what the hardware
would leave hanging stays pending and :meth:`Device.waiting` says what it waits for.
"""

import operator
from collections.abc import Container, Iterable
from typing import NamedTuple

from nvdla_int8.build import Build, find_build
from nvdla_int8.device.all_blocks import Blocks
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.diagnostics import Diagnostic, IllegalProgramError
from nvdla_int8.device.engine import Engine
from nvdla_int8.device.interrupts import INTERRUPT_BITS, Interrupts
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.lrn_engine import LrnEngine
from nvdla_int8.device.memory_reads import MemoryReads
from nvdla_int8.device.pooling_engine import PoolingEngine
from nvdla_int8.device.sdp_engine import SdpEngine
from nvdla_int8.errors import BenchError
from nvdla_int8.registers.register_map import check_write, find_register, name_at, unpack
from nvdla_int8.registers.symbolic import SymbolicBlock, SymbolicDevice
from nvdla_int8.surfaces.written_ranges import RememberingMemory

OWN_ATTRIBUTES = ("build", "memory", "layers", "diagnostics")
"""What a device has beside the register blocks."""

ENGINES: tuple[type[Engine], ...] = (SdpEngine, PoolingEngine, LrnEngine)
"""What runs the layers."""


class PendingLayer(NamedTuple):
    """A layer that has not run though blocks of it are enabled: its group, the registers of the engine's blocks."""

    group: int
    registers: LayerRegisters


class Device:
    """A register-level model of one NVDLA build.

    Each block is an attribute in lower case: ``device.cdma.d_cvt_cfg.cvt_en``, see
    :class:`nvdla_int8.registers.symbolic.SymbolicDevice`.

    Parameters
    ----------
    build
        Name of the build, see :func:`nvdla_int8.build.find_build`.
    strict
        Refuse errata and lost writes, which otherwise are warnings.
    tolerated
        Errata, by their numbers, that stay warnings in strict mode.

    Attributes
    ----------
    memory
        The device's memory.
    layers
        The layers that ran, in order.
    diagnostics
        Warnings so far.
    """

    def __init__(self, build: str = "nv_small", *, strict: bool = False, tolerated: Container[str] = ()) -> None:
        self.build: Build = find_build(build)
        self.memory = RememberingMemory()
        self.layers: list[LayerRun] = []
        self.diagnostics: list[Diagnostic] = []
        self._strict = strict
        self._blocks = Blocks()
        self._interrupts = Interrupts()
        self._engines: tuple[Engine, ...] = tuple(
            engine(self._blocks, self.build, strict=strict, tolerated=tolerated) for engine in ENGINES
        )
        self._engine_of = {block: engine for engine in self._engines for block in engine.own}

    def __getattr__(self, name: str) -> SymbolicBlock:
        block: SymbolicBlock = getattr(SymbolicDevice(self), name)
        return block

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith("_") or name in OWN_ATTRIBUTES:
            object.__setattr__(self, name, value)
        else:  # a block, or a typing error: says which
            setattr(SymbolicDevice(self), name, value)

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *dir(SymbolicDevice(self))]

    @property
    def golden(self) -> "Device":
        """The device itself, as :class:`nvdla_int8.trace.judge.Target` asks: a run on RTL has it beside."""
        return self

    # ---- CSB ----------------------------------------------------------------------------------

    def write(self, name: str, word: int) -> None:
        """Write a register by ``BLOCK.REGISTER`` name; layers that can start run before this returns.

        Raises
        ------
        BenchError
            No such register, or a word that is no integer or beyond 32 bits.
        IllegalProgramError
            The write starts a layer that the hardware would not run as meant, or in strict mode
            does something the hardware ignores.
        """
        try:
            word = operator.index(word)  # NumPy's unsigned integers know no negative masks
        except TypeError:
            raise BenchError(f"{name} = {word!r} is not an integer") from None
        if not 0 <= word < 1 << 32:
            raise BenchError(f"{name} = {word:#x}: a register holds 32 bits")
        if not find_register(name).takes(word):
            self._note([Diagnostic("write", name, text, error=False) for text in check_write(name, word)])
        block_name, _, register = name.partition(".")
        if block_name == "GLB":
            self._glb_seen(register)
            self._interrupts.write(register, word)
            return
        self._note(self._engine_of[block_name].about_write(name, word))
        block = self._blocks[block_name]
        if not block.write(register, word):
            text = f"group {block.producer} is enabled, the write of {word:#x} is lost"
            self._note([Diagnostic("lost write", name, text, error=self._strict)])
        if register == "D_OP_ENABLE":
            self._run_ready_layers()

    def read(self, name: str) -> int:
        """Read a register by name.

        Raises
        ------
        BenchError
            There is no such register.
        IllegalProgramError
            In strict mode, a count that the last layer did not make.
        """
        find_register(name)
        block_name, _, register = name.partition(".")
        if name == "CDMA.S_CBUF_FLUSH_STATUS":
            return 1
        if block_name == "GLB":
            self._glb_seen(register)
            return self._interrupts.read(register)
        block = self._blocks[block_name]
        for engine in self._engines:
            self._note(engine.about_read(name))
        return block.read(register)

    def read_field(self, name: str, field: str) -> int:
        """Read one field of a register, unsigned."""
        return unpack(name, self.read(name), field)

    def poll(self, name: str, mask: int, value: int) -> int:
        """Read a register for a wait that has nothing to wait for: layers have run when a write returns."""
        return self.read(name)

    def csb_write(self, address: int, word: int) -> None:
        """Write by byte address; errors as :meth:`write`."""
        self.write(name_at(address), word)

    def csb_read(self, address: int) -> int:
        """Read by byte address."""
        return self.read(name_at(address))

    # ---- Interrupts ---------------------------------------------------------------------------

    @property
    def interrupt(self) -> bool:
        """The interrupt line: any status bit that is not masked."""
        return self._interrupts.line

    def raised(self, interrupt: str) -> bool:
        """The status bit of an interrupt such as ``SDP_0``; BenchError for an unknown name."""
        raised = self._interrupts.raised(interrupt)
        if raised:
            self._seen([interrupt])
        return raised

    def masked(self, interrupt: str) -> bool:
        """Whether GLB.S_INTR_MASK keeps an interrupt from the line; BenchError for an unknown name."""
        return self._interrupts.masked(interrupt)

    def clear(self, interrupt: str) -> None:
        """Clear an interrupt's status bit; BenchError for an unknown name."""
        self._interrupts.clear(interrupt)
        self._seen([interrupt])

    def _glb_seen(self, register: str) -> None:
        """Software has read or cleared what is raised."""
        if register == "S_INTR_STATUS":
            self._seen(filter(self._interrupts.raised, INTERRUPT_BITS))

    def _seen(self, interrupts: Iterable[str]) -> None:
        for interrupt in interrupts:
            for engine in self._engines:
                engine.interrupt_seen(interrupt)

    def waiting(self) -> str:
        """What keeps the device from running on: which enabled block waits for which other one."""
        return "; ".join(filter(None, (engine.waiting() for engine in self._engines))) or "no block is enabled"

    def pending_layer(self) -> PendingLayer | None:
        """The first layer that has not run though a block of it is enabled whose turn it is; None if there is none."""
        for engine in self._engines:
            if engine.pending():
                return PendingLayer(self._blocks[engine.leader].consumer, self._blocks.layer(engine.described_by()))
        return None

    # ---- Layers -------------------------------------------------------------------------------

    def _run_ready_layers(self) -> None:
        while any(engine.end_idle() or self._run_next_layer(engine) for engine in self._engines):
            pass

    def _run_next_layer(self, engine: Engine) -> bool:
        names = engine.ready()
        if not names:
            return False
        registers = self._blocks.layer(names)
        findings = engine.check(registers)
        self._note(findings)
        unwritten = list(MemoryReads(registers, self.build, engine.fetch(registers)).find(self.memory.written))
        self._note(unwritten)
        run = engine.run(registers, self.memory, (*findings, *unwritten))
        self.layers.append(run)
        for name, count in run.counters.items():
            block, _, register = name.partition(".")
            self._blocks[block].report(self._blocks[block].consumer, register, count)
        for name in names:
            self._interrupts.layer_ended(name, self._blocks[name].finish())
        return True

    def _note(self, findings: list[Diagnostic]) -> None:
        if not findings:
            return
        errors = [finding for finding in findings if finding.error]
        if errors:
            raise IllegalProgramError(errors)
        self.diagnostics.extend(findings)
