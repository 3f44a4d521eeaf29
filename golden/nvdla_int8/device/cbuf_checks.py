"""Does a convolution fit the CBUF, and what earlier ones left there? (hardware.md section 4, reuse.md section 3)."""

from collections.abc import Iterator

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.cbuf_contents import FoundInCbuf
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.device.diagnostics import Diagnostic
from nvdla_int8.device.finder import Finder
from nvdla_int8.device.weight_ring import KeptWeights, loaded_entries, ring_entries

DATA_BANK, WEIGHT_BANK = "CDMA.D_BANK.DATA_BANK", "CDMA.D_BANK.WEIGHT_BANK"
HEIGHT, KERNELS = "CSC.D_DATAIN_SIZE_EXT_0.DATAIN_HEIGHT_EXT", "CSC.D_WEIGHT_SIZE_EXT_1.WEIGHT_KERNEL"
OLD_READ = "CSC takes old {what}, one layer late from then on"
CSC_FREED = "CDMA keeps {what} that CSC frees: it hangs"


class CbufChecks(Finder):
    """Checks of a convolution's place in the CBUF.

    Parameters
    ----------
    registers, build
        As of :class:`Finder`.
    found
        What the convolution finds in the CBUF.
    """

    def __init__(self, registers: LayerRegisters, build: Build, found: FoundInCbuf) -> None:
        super().__init__(registers, build)
        self._found = found
        self._layer = registers.decoded(ConvolutionLayer, build)

    def find(self) -> Iterator[Diagnostic]:
        """All findings; what stays from other layers only when CDMA and CSC agree about it."""
        disagreements = list(self._disagreements())
        yield from disagreements
        if disagreements:
            return
        if self._found.first:
            yield from self._sticky()
        yield from self._rows()
        yield from self._kernels()
        yield from self._banks()
        if self.build.name == "nv_small":  # only nv_small's CBUF is proven
            yield from self._capacity()
            yield from self._released()

    def _disagreements(self) -> Iterator[Diagnostic]:
        for name in ("DATA_BANK", "WEIGHT_BANK"):
            yield from self.agree(f"CDMA.D_BANK.{name}", f"CSC.D_BANK.{name}", symptom="it hangs")
        for name, what in (
            ("DATA_REUSE", "rows"), ("SKIP_DATA_RLS", "rows"),
            ("WEIGHT_REUSE", "weights"), ("SKIP_WEIGHT_RLS", "weights"),
        ):  # fmt: skip
            if name == "DATA_REUSE" and self._found.rows.partly_released:
                continue
            one, other = (f"{block}.D_MISC_CFG.{name}" for block in ("CDMA", "CSC"))
            symptom = CSC_FREED if self.registers.field(one) else OLD_READ
            yield from self.agree(one, other, symptom=symptom.format(what=what))

    def _sticky(self) -> Iterator[Diagnostic]:
        for name, what in (("DATA_REUSE", "rows"), ("WEIGHT_REUSE", "weights")):
            where = f"CSC.D_MISC_CFG.{name}"
            if self.registers.field(where):
                text = f"the first convolution since reset: takes {what} that an earlier program kept, if any"
                yield self.warning("reuse", where, text)

    def _rows(self) -> Iterator[Diagnostic]:
        """Rows that the layer wants, against those that are there."""
        layer, found = self._layer, self._found.rows
        if found.kept and not found.reused:
            text = f"{found.kept} rows that earlier layers kept and did not use stay in front: old rows would be read"
            yield self.error("reuse", "CSC.D_MISC_CFG.DATA_REUSE", text)
            return
        new = layer.fetched_height if found.fetches else 0
        waits, leaves = layer.height > found.kept + new, layer.height < found.kept + new
        if self.build.name == "nv_small":  # elsewhere reuse was not measured
            leaves = leaves and not self.registers.field("CSC.D_MISC_CFG.SKIP_DATA_RLS")
        symptom = "it hangs" if waits else "the rest stays in front, later layers read old rows"
        if not found.kept and found.fetches and (waits or leaves):
            yield from self.agree("CDMA.D_DATAIN_SIZE_0.DATAIN_HEIGHT", HEIGHT, symptom=symptom)
        elif waits or leaves:
            fetched = f"CDMA fetches {new} more" if found.fetches else "CDMA fetches none"
            text = f"takes {layer.height} rows, but the CBUF keeps {found.kept} and {fetched}: {symptom}"
            yield self.error("reuse", HEIGHT, text)
        if found.kept and found.rows.shape[1] != self.registers.size("CSC.D_ENTRY_PER_SLICE.ENTRIES"):
            text = f"the kept rows have {found.rows.shape[1]} entries each: wrong bytes, or it hangs"
            yield self.error("reuse", "CSC.D_ENTRY_PER_SLICE.ENTRIES", text)
        elif found.kept and layer.row_bytes > found.row_bytes:
            text = f"reads {layer.row_bytes} bytes a row, the kept rows have {found.row_bytes}"
            yield self.error("reuse", "CDMA.D_DATAIN_SIZE_0.DATAIN_WIDTH", text)

    def _kernels(self) -> Iterator[Diagnostic]:
        """Kernels that the layer wants, against those that are there."""
        kept, lost = self._found.weights.kept, self._found.misreleased
        if lost is not None:
            text = (
                f"frees {lost.freed_kernels} kernels of {lost.freed_entries:,} entries as the layer before used them, "
                f"but the CBUF keeps {lost.kernels} of {lost.entries:,}: stale weights or right ones, by timing"
            )
            yield self.error("reuse", "CSC.D_MISC_CFG.WEIGHT_REUSE", text)
        if kept is not None:
            yield from self._kept_kernels(kept)

    def _kept_kernels(self, kept: KeptWeights) -> Iterator[Diagnostic]:
        layer, kept_bytes = self._layer, len(kept.stream)
        ours, theirs = layer.weight_bytes // layer.kernels, kept_bytes // kept.kernels
        skips = self.registers.field("CSC.D_MISC_CFG.SKIP_WEIGHT_RLS")
        bytes_per_kernel = "CDMA.D_WEIGHT_SIZE_0.BYTE_PER_KERNEL"
        if layer.kernels > kept.kernels:
            text = f"waits for {layer.kernels} kernels, the CBUF keeps {kept.kernels}: it hangs"
            yield self.error("reuse", KERNELS, text)
        elif layer.kernels < kept.kernels and not skips:
            text = f"uses {layer.kernels} of the {kept.kernels} kernels that the CBUF keeps: later layers read the rest"
            yield self.error("reuse", KERNELS, text)
        if ours != theirs:
            text = f"the kept kernels have {theirs} bytes each, these {ours}: "
            if layer.weight_bytes > kept_bytes or not skips:
                yield self.error("reuse", bytes_per_kernel, text + "stale weights, or it hangs")
            else:
                text += "it takes the first bytes of all kernels together"
                yield self.warning("reuse", bytes_per_kernel, text)

    def _banks(self) -> Iterator[Diagnostic]:
        build = self.build
        data_banks, weight_banks = (self.registers.size(name) for name in (DATA_BANK, WEIGHT_BANK))
        if data_banks + weight_banks > build.cbuf_banks:
            text = f"{data_banks} data and {weight_banks} weight banks, the CBUF has {build.cbuf_banks}"
            make = self.error if build.name == "nv_small" else self.warning
            yield make("CBUF", "CDMA.D_BANK", text)

    def _capacity(self) -> Iterator[Diagnostic]:
        layer, build, found = self._layer, self.build, self._found.rows
        entries = layer.row_entries
        name = "CDMA.D_ENTRY_PER_SLICE.ENTRIES"
        if self.registers.size(name) != entries:
            yield self.error("CBUF", name, f"a slice has {entries} entries, ENTRIES is one less")
        rows = found.kept + (layer.fetched_height if found.fetches else 0)
        banks = self.registers.size(DATA_BANK)
        capacity = banks * build.cbuf_bank_entries
        if entries * rows > capacity:
            kept = f", {found.kept} of its {rows} rows kept" if found.kept else ""
            text = f"{entries * rows} entries of input{kept}, {banks} banks hold {capacity}"
            yield self.error("CBUF", DATA_BANK, text)
        group = min(layer.kernels, build.atomic_k) * (layer.weight_bytes // layer.kernels)
        banks = self.registers.size(WEIGHT_BANK)
        capacity = banks * build.cbuf_bank_bytes
        if group > capacity:
            text = f"one kernel group has {group} bytes, {banks} banks hold {capacity}"
            yield self.error("CBUF", WEIGHT_BANK, text)

    def _released(self) -> Iterator[Diagnostic]:
        """What stays in the CBUF when the layer ends."""
        name = "CSC.D_RELEASE.RLS_SLICES"
        released = self.registers.size(name)
        if released > self._layer.height and not self.registers.field("CSC.D_MISC_CFG.SKIP_DATA_RLS"):
            yield self.error("CBUF", name, f"frees {released} slices, the input has {self._layer.height}")
        loaded, ring = loaded_entries(self.registers, self.build), ring_entries(self.registers, self.build)
        name = "CDMA.D_MISC_CFG.SKIP_WEIGHT_RLS"
        if self.registers.field(name) and self._found.fetch.weights and loaded > ring:
            text = f"keeps {loaded:,} entries of weights, their banks hold {ring:,}: it hangs"
            yield self.error("CBUF", name, text)
