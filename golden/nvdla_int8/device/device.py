"""The device's control: register accesses, layers that start when all their blocks are enabled, interrupts.

Layers run whole and at once, in the order in which the hardware would take them; what the hardware
would leave hanging stays pending and :meth:`Device.waiting` says what it waits for.
"""

import operator
from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import SupportsIndex

from nvdla_int8.build import Build, find_build
from nvdla_int8.device.blocks import LayerBlock, LayerRegisters
from nvdla_int8.device.checks import check_layer
from nvdla_int8.device.convolution_layer import ConvolutionLayer, ConvolutionResult
from nvdla_int8.device.diagnostics import Diagnostic, IllegalProgramError
from nvdla_int8.device.memory_reads import MemoryReads
from nvdla_int8.device.sdp_layer import SdpLayer, SdpResult
from nvdla_int8.device.weight_ring import WeightRing
from nvdla_int8.errors import BenchError
from nvdla_int8.registers.register_map import LAYER_BLOCKS, check_write, find_register, name_at, unpack
from nvdla_int8.registers.symbolic import SymbolicBlock, SymbolicDevice
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.written_ranges import RememberingMemory

SATURATION_COUNT = "D_PERF_OUT_SATURATION"
CONVOLUTION_BLOCKS = ("CDMA", "CSC", "CMAC_A", "CMAC_B", "CACC")

INTERRUPT_BITS = {
    "SDP_0": 0, "SDP_1": 1, "CDMA_DAT_0": 16, "CDMA_DAT_1": 17, "CDMA_WT_0": 18, "CDMA_WT_1": 19,
    "CACC_0": 20, "CACC_1": 21,
}  # fmt: skip
"""Bits of GLB.S_INTR_STATUS, S_INTR_MASK and S_INTR_SET by the names that traces use."""

INTERRUPTS_OF = {"CDMA": ("CDMA_DAT", "CDMA_WT"), "CACC": ("CACC",), "SDP": ("SDP",)}
"""The interrupts that a block raises when its layer ends."""


OWN_ATTRIBUTES = ("build", "memory", "layers", "diagnostics")
"""What a device has beside the register blocks."""


@dataclass(frozen=True)
class LayerRun:
    """One layer that ran: its registers, where its output went, its stages, what was said of it.

    ``group`` is SDP's; ``macs`` counts the multiplications of a convolution.
    """

    group: int
    registers: LayerRegisters
    destination: FeatureSurface
    macs: int
    convolution: ConvolutionResult | None
    sdp: SdpResult
    diagnostics: tuple[Diagnostic, ...]


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
        self._tolerated = tolerated
        self._weight_ring = WeightRing()
        self._uncounted: set[int] = set()
        self._blocks = {name: LayerBlock(name) for name in LAYER_BLOCKS}
        self._status = 0
        self._mask = find_register("GLB.S_INTR_MASK").reset

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
        if not isinstance(word, SupportsIndex):
            raise BenchError(f"{name} = {word!r} is not an integer")
        word = operator.index(word)  # NumPy's unsigned integers know no negative masks
        if not 0 <= word < 1 << 32:
            raise BenchError(f"{name} = {word:#x}: a register holds 32 bits")
        find_register(name)
        problems = check_write(name, word)
        self._note([Diagnostic("write", name, text, error=False) for text in problems])
        block_name, _, register = name.partition(".")
        if block_name == "GLB":
            self._write_glb(register, word)
            return
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
            return {"S_INTR_STATUS": self._status, "S_INTR_MASK": self._mask}.get(register, find_register(name).reset)
        block = self._blocks[block_name]
        if name == f"SDP.{SATURATION_COUNT}":
            self._warn_of_stale_count(block.producer)
        return block.read(register)

    def read_field(self, name: str, field: str) -> int:
        """Read one field of a register, unsigned."""
        return unpack(name, self.read(name), field)

    def csb_write(self, address: int, word: int) -> None:
        """Write by byte address; errors as :meth:`write`."""
        self.write(name_at(address), word)

    def csb_read(self, address: int) -> int:
        """Read by byte address."""
        return self.read(name_at(address))

    def _write_glb(self, register: str, word: int) -> None:
        word &= find_register(f"GLB.{register}").writable_mask
        if register == "S_INTR_MASK":
            self._mask = word
        elif register == "S_INTR_SET":
            self._status |= word
        elif register == "S_INTR_STATUS":
            self._status &= ~word

    # ---- Interrupts ---------------------------------------------------------------------------

    @property
    def interrupt(self) -> bool:
        """The interrupt line: any status bit that is not masked."""
        return self._status & ~self._mask != 0

    def raised(self, interrupt: str) -> bool:
        """The status bit of an interrupt such as ``SDP_0``; BenchError for an unknown name."""
        return self._status & _interrupt_mask(interrupt) != 0

    def masked(self, interrupt: str) -> bool:
        """Whether GLB.S_INTR_MASK keeps an interrupt from the line; BenchError for an unknown name."""
        return self._mask & _interrupt_mask(interrupt) != 0

    def clear(self, interrupt: str) -> None:
        """Clear an interrupt's status bit; BenchError for an unknown name."""
        self._status &= ~_interrupt_mask(interrupt)

    def waiting(self) -> str:
        """What keeps the device from running on: which enabled block waits for which other one."""
        enabled = [
            f"{block.name} group {group}" for block in self._blocks.values() for group in (0, 1) if block.enabled(group)
        ]
        if not enabled:
            return "no block is enabled"
        sdp = self._blocks["SDP"]
        if not sdp.enabled(sdp.consumer):
            return f"{', '.join(enabled)} enabled, but SDP group {sdp.consumer} was never enabled"
        missing = self._missing_blocks(SdpLayer(self._layer_registers(("SDP",)), self.build))
        if not missing:
            return f"{', '.join(enabled)} enabled, but the layer was refused"
        never = ", ".join(f"{name} group {self._blocks[name].consumer}" for name in missing)
        return f"{', '.join(enabled)} enabled, but {never} was never enabled"

    def pending_layer(self) -> LayerRegisters | None:
        """Registers, of all blocks, of a layer that has not run though SDP or a convolution block is enabled."""
        if not any(self._enabled(name) for name in ("SDP", *CONVOLUTION_BLOCKS)):
            return None
        return self._layer_registers(LAYER_BLOCKS)

    # ---- Layers -------------------------------------------------------------------------------

    def _missing_blocks(self, sdp: SdpLayer) -> list[str]:
        needed = [*(CONVOLUTION_BLOCKS if sdp.flying else ()), *(("SDP_RDMA",) if sdp.reads_memory else ())]
        return [name for name in needed if not self._enabled(name)]

    def _enabled(self, name: str) -> bool:
        return self._blocks[name].enabled(self._blocks[name].consumer)

    def _layer_registers(self, blocks: tuple[str, ...]) -> LayerRegisters:
        return LayerRegisters({name: word for block in blocks for name, word in self._blocks[block].layer().items()})

    def _run_ready_layers(self) -> None:
        while self._finish_idle_rdma() or self._run_next_layer():
            pass

    def _finish_idle_rdma(self) -> bool:
        """SDP_RDMA with nothing to fetch ends its layer by itself."""
        if not self._enabled("SDP_RDMA"):
            return False
        field = self._layer_registers(("SDP_RDMA",)).field
        flying = field("SDP_RDMA.D_FEATURE_MODE_CFG.FLYING_MODE")
        streams = any(not field(f"SDP_RDMA.D_{dma}_CFG.{dma}_DISABLE") for dma in ("BRDMA", "NRDMA"))
        if not flying or streams:
            return False
        self._blocks["SDP_RDMA"].finish()
        return True

    def _run_next_layer(self) -> bool:
        if not self._enabled("SDP"):
            return False
        sdp = SdpLayer(self._layer_registers(("SDP",)), self.build)
        if self._missing_blocks(sdp):
            return False
        blocks = ("SDP", *(CONVOLUTION_BLOCKS if sdp.flying else ()), *(("SDP_RDMA",) if sdp.reads_memory else ()))
        registers = self._layer_registers(blocks)
        findings = check_layer(registers, self.build, self._weight_ring, strict=self._strict, tolerated=self._tolerated)
        self._note(findings)
        unwritten = list(MemoryReads(registers, self.build).find(self.memory.written))
        self._note(unwritten)
        sdp = SdpLayer(registers, self.build)
        layer = ConvolutionLayer(registers, self.build) if sdp.flying else None
        convolution = layer.run(self.memory) if layer else None
        result = sdp.run(self.memory, convolution.delivered if convolution else None)
        group = self._blocks["SDP"].consumer
        self._report_saturation(group, sdp, result)
        if layer is not None:
            self._weight_ring = self._weight_ring.after(registers, self.build)
        macs = layer.macs if layer else 0
        destination = sdp.destination_surface()
        self.layers.append(LayerRun(group, registers, destination, macs, convolution, result, (*findings, *unwritten)))
        self._end_layer(blocks)
        return True

    def _report_saturation(self, group: int, sdp: SdpLayer, result: SdpResult) -> None:
        """A layer that does not count leaves what an earlier one of its group counted, E9."""
        if sdp.counts_saturation:
            self._blocks["SDP"].report(group, SATURATION_COUNT, result.hardware_saturation)
            self._uncounted.discard(group)
        else:
            self._uncounted.add(group)

    def _warn_of_stale_count(self, group: int) -> None:
        if group in self._uncounted and self.build.name == "nv_small":
            text = (
                f"the last layer of group {group} did not count (PERF_SAT_EN = 0): "
                "the hardware keeps what an earlier one of this group counted"
            )
            error = self._strict and "E9" not in self._tolerated
            self._note([Diagnostic("E9", f"SDP.{SATURATION_COUNT}", text, error=error)])

    def _end_layer(self, blocks: tuple[str, ...]) -> None:
        for name in blocks:
            group = self._blocks[name].finish()
            for interrupt in INTERRUPTS_OF.get(name, ()):
                self._status |= _interrupt_mask(f"{interrupt}_{group}")

    def _note(self, findings: list[Diagnostic]) -> None:
        errors = [finding for finding in findings if finding.error]
        if errors:
            raise IllegalProgramError(errors)
        self.diagnostics.extend(findings)


def _interrupt_mask(interrupt: str) -> int:
    if interrupt not in INTERRUPT_BITS:
        raise BenchError(f"interrupt {interrupt} does not exist; there are {', '.join(INTERRUPT_BITS)}")
    return 1 << INTERRUPT_BITS[interrupt]
