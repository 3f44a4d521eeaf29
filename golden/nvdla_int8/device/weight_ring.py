"""What convolutions since reset left in the CBUF's ring of weights, and in CDMA's count of it, on the public RTL.

The ring is WEIGHT_BANK + 1 banks. CDMA counts the entries that it loads; CSC frees entries and tells CDMA. E6, E7
and E10 are about entries that are never freed, or freed without CDMA's noticing (hardware.md section 5).
"""

from dataclasses import dataclass, replace

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import ConvolutionLayer


@dataclass(frozen=True)
class WeightRing:
    """The ring before a convolution; all in entries.

    Attributes
    ----------
    banks
        Data and weight banks of the convolution before; None after reset.
    stale
        Padding of earlier weights that was never freed: the next load comes behind it, E6.
    stale_from
        The register that loaded it.
    leaked
        What a change of banks dropped, though CDMA goes on counting it, E10.
    missed
        What CDMA may never learn was freed, because its clock was off, E7.
    """

    banks: tuple[int, int] | None = None
    stale: int = 0
    stale_from: str = ""
    leaked: int = 0
    missed: int = 0

    def before(self, registers: LayerRegisters) -> "WeightRing":
        """The ring as the next convolution finds it: a change of banks empties it."""
        if self.banks in (None, _banks(registers)):
            return self
        return replace(self, stale=0, stale_from="", leaked=self.leaked + self.stale)

    def after(self, registers: LayerRegisters, build: Build) -> "WeightRing":
        """The ring after this convolution.

        With SKIP_WEIGHT_RLS the next convolution frees what was loaded, padding included, while it loads itself,
        so that CDMA notices.
        """
        found = replace(self.before(registers), banks=_banks(registers))
        if registers.field("CSC.D_MISC_CFG.SKIP_WEIGHT_RLS"):
            return replace(found, stale_from=found.stale_from.replace(LAYER_BEFORE, EARLIER_LAYER))
        loaded = loaded_entries(registers, build)
        stale = loaded - _entries(ConvolutionLayer(registers, build).weight_bytes, build)
        where = found.stale_from.replace(LAYER_BEFORE, EARLIER_LAYER)
        if stale:
            where = f"CDMA.D_WEIGHT_BYTES = {registers.word('CDMA.D_WEIGHT_BYTES'):#x} {LAYER_BEFORE}"
        return replace(found, stale=found.stale + stale, stale_from=where, missed=found.missed + loaded)


LAYER_BEFORE, EARLIER_LAYER = "of the layer before", "of an earlier layer"


def ring_entries(registers: LayerRegisters, build: Build) -> int:
    """Entries of the ring."""
    return registers.size("CDMA.D_BANK.WEIGHT_BANK") * build.cbuf_bank_entries


def loaded_entries(registers: LayerRegisters, build: Build) -> int:
    """Entries that a convolution loads, the padding at the end included."""
    return _entries(registers.word("CDMA.D_WEIGHT_BYTES"), build)


def group_entries(registers: LayerRegisters, build: Build) -> int:
    """Entries of the first kernel group, which must be in the ring together."""
    layer = ConvolutionLayer(registers, build)
    return _entries(min(layer.kernels, build.atomic_k) * (layer.weight_bytes // layer.kernels), build)


def last_group_entries(registers: LayerRegisters, build: Build) -> int:
    """Entries of the last kernel group with the padding behind it."""
    layer = ConvolutionLayer(registers, build)
    before = (layer.kernels - 1) // build.atomic_k * build.atomic_k * (layer.weight_bytes // layer.kernels)
    return _entries(registers.word("CDMA.D_WEIGHT_BYTES") - before, build)


def _entries(size_bytes: int, build: Build) -> int:
    return -(-size_bytes // build.cbuf_entry_bytes)


def _banks(registers: LayerRegisters) -> tuple[int, int]:
    return registers.size("CDMA.D_BANK.DATA_BANK"), registers.size("CDMA.D_BANK.WEIGHT_BANK")
