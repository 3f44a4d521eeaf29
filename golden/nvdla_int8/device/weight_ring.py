"""The weights that convolutions leave in the CBUF, and CDMA's count of them, on the public RTL (reuse.md section 1).

The ring is WEIGHT_BANK + 1 banks. CDMA counts the entries that it loads; CSC frees entries and tells CDMA. E6, E7
and E10 are about entries that are never freed, or freed without CDMA's noticing (hardware.md section 5).
"""

from dataclasses import dataclass, replace

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import ConvolutionLayer

LAYER_BEFORE, EARLIER_LAYER = "of the layer before", "of an earlier layer"


@dataclass(frozen=True)
class KeptWeights:
    """Weights that a layer with SKIP_WEIGHT_RLS left.

    Attributes
    ----------
    stream
        Their bytes, without the padding at their end.
    entries
        Their entries, with the padding.
    kernels
        How many kernels they are.
    freed_entries, freed_kernels
        What CSC frees when the next layer does not reuse them: by the registers of the layer before.
    """

    stream: bytes
    entries: int
    kernels: int
    freed_entries: int
    freed_kernels: int


@dataclass(frozen=True)
class WeightRing:
    """The ring between two convolutions, or as one finds it; all in entries.

    Attributes
    ----------
    banks
        Data and weight banks of the convolution before; None after reset.
    kept
        The weights that the layer before left; None when it freed them, or they are not reused.
    stale
        Entries that were never freed, padding of earlier weights: the next load comes behind them, E6.
    stale_from
        The register that loaded them.
    leaked
        What a change of banks dropped, though CDMA goes on counting it, E10.
    missed
        What CDMA may never learn was freed, because its clock was off, E7.
    """

    banks: tuple[int, int] | None = None
    kept: KeptWeights | None = None
    stale: int = 0
    stale_from: str = ""
    leaked: int = 0
    missed: int = 0

    def found_by(self, registers: LayerRegisters) -> "WeightRing":
        """The ring as the next convolution finds it; ``kept`` is what it reuses."""
        if self.banks is None:
            return self
        reuses = registers.field("CSC.D_MISC_CFG.WEIGHT_REUSE") == 1
        there = self.stale + (self.kept.entries if self.kept else 0)
        if self.banks != _banks(registers):  # empties the ring, but what is not freed goes on being counted
            freed = self.kept.freed_entries if self.kept and not reuses else 0
            return replace(self, kept=None, stale=0, stale_from="", leaked=self.leaked + max(there - freed, 0))
        if self.kept is None or reuses:
            return self
        stale = there - self.kept.freed_entries
        where = self.stale_from if self.stale else f"CSC.D_WEIGHT_BYTES {LAYER_BEFORE}"
        return replace(self, kept=None, stale=max(stale, 0), stale_from=where if stale > 0 else "")

    def misreleased(self, registers: LayerRegisters) -> KeptWeights | None:
        """The kept weights of which CSC frees others than are there, because the layer before had other registers."""
        kept, reuses = self.kept, registers.field("CSC.D_MISC_CFG.WEIGHT_REUSE") == 1
        if kept is None or reuses or self.banks != _banks(registers):
            return None
        exact = kept.freed_kernels == kept.kernels and kept.freed_entries <= kept.entries
        return None if exact else kept

    def after(self, registers: LayerRegisters, build: Build, stream: bytes) -> "WeightRing":
        """The ring after this convolution, which ran with this stream of weights in it.

        With SKIP_WEIGHT_RLS the next convolution that loads weights frees what was loaded, padding included, while it
        loads itself, so that CDMA notices.
        """
        found = replace(self.found_by(registers), banks=_banks(registers))
        found = replace(found, stale_from=found.stale_from.replace(LAYER_BEFORE, EARLIER_LAYER))
        layer = registers.decoded(ConvolutionLayer, build)
        loaded = found.kept.entries if found.kept else loaded_entries(registers, build)
        if registers.field("CSC.D_MISC_CFG.SKIP_WEIGHT_RLS"):
            kernels = found.kept.kernels if found.kept else layer.kernels
            freed = _entries(registers.word("CSC.D_WEIGHT_BYTES"), build)
            return replace(found, kept=KeptWeights(stream, loaded, kernels, freed, layer.kernels))
        stale = loaded - _entries(layer.weight_bytes, build)
        where = found.stale_from
        if stale:
            where = f"CDMA.D_WEIGHT_BYTES = {registers.word('CDMA.D_WEIGHT_BYTES'):#x} {LAYER_BEFORE}"
        return replace(found, kept=None, stale=found.stale + stale, stale_from=where, missed=found.missed + loaded)


def ring_entries(registers: LayerRegisters, build: Build) -> int:
    """Entries of the ring."""
    return registers.size("CDMA.D_BANK.WEIGHT_BANK") * build.cbuf_bank_entries


def loaded_entries(registers: LayerRegisters, build: Build) -> int:
    """Entries that a convolution loads, the padding at the end included."""
    return _entries(registers.word("CDMA.D_WEIGHT_BYTES"), build)


def group_entries(registers: LayerRegisters, build: Build) -> int:
    """Entries of the first kernel group, which must be in the ring together."""
    layer = registers.decoded(ConvolutionLayer, build)
    return _entries(min(layer.kernels, build.atomic_k) * (layer.weight_bytes // layer.kernels), build)


def last_group_entries(registers: LayerRegisters, build: Build) -> int:
    """Entries of the last kernel group with the padding behind it."""
    layer = registers.decoded(ConvolutionLayer, build)
    before = (layer.kernels - 1) // build.atomic_k * build.atomic_k * (layer.weight_bytes // layer.kernels)
    return _entries(registers.word("CDMA.D_WEIGHT_BYTES") - before, build)


def _entries(size_bytes: int, build: Build) -> int:
    return -(-size_bytes // build.cbuf_entry_bytes)


def _banks(registers: LayerRegisters) -> tuple[int, int]:
    return registers.size("CDMA.D_BANK.DATA_BANK"), registers.size("CDMA.D_BANK.WEIGHT_BANK")
