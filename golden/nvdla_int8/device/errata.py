"""Errata of NVIDIA's public nv_small RTL (hardware.md section 5): a program that meets one goes wrong there.

E1 to E5 spoil the bytes of an image layer by itself. E6, E7 and E10 need several convolutions since reset, see
:mod:`nvdla_int8.device.weight_ring`: E6 gives wrong bytes, E7 and E10 hang. E7 depends on the clock gating that the
integration chose, which a program cannot see; with ``global_clk_ovr_on`` or ``tmc2slcg_disable_clock_gating`` at 1
it does not happen. E9, a counter that is not cleared, is in :mod:`nvdla_int8.device.device`, where it is read.

E8 is not a finding of this module: SDP's interrupt can come before its last writes have landed, so that software,
or the next layer, reads old bytes on a memory that answers writes late. Every program meets it that uses an output
right at the interrupt, which is what outputs are for; whether bytes are old depends on the memory alone. A
warning on every trace would hide the others. ``explain`` notes it where one layer reads another's output.
"""

from collections.abc import Container, Iterator
from typing import NamedTuple

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.cbuf_contents import FoundInCbuf
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.device.diagnostics import Diagnostic
from nvdla_int8.device.weight_ring import WeightRing, group_entries, last_group_entries, loaded_entries, ring_entries
from nvdla_int8.surfaces.pixels import largest_x_offset

CBUF_ENTRY = 8
WAY_OUT_OF_E7 = (
    "global_clk_ovr_on or tmc2slcg_disable_clock_gating at 1, more weight banks, SKIP_WEIGHT_RLS, or a reset between"
)


class _Met(NamedTuple):
    rule: str
    where: str
    text: str
    certain_hang: bool = False


def takes_wrong_taps(taps: int) -> bool:
    """E1, for the taps (S * Cimg) of an image kernel's line."""
    return taps % CBUF_ENTRY == 1 and taps >= 17


def spoils_last_column(taps: int, out_width: int) -> bool:
    """E2, for the taps (S * Cimg) of an image kernel's line and the output's width."""
    return out_width % 16 == 1 and taps > 24 and taps % CBUF_ENTRY != 0


def wraps_burst_counter(width: int, pad_right: int, pixel_bytes: int) -> bool:
    """E4, for an image's width with its left padding, its right padding, and the bytes of a pixel in the CBUF."""
    without, padded = (-(-columns * pixel_bytes // CBUF_ENTRY) for columns in (width, width + pad_right))
    return (padded - without) % 16 == 15


def find_errata(
    registers: LayerRegisters, build: Build, found: FoundInCbuf, *, strict: bool, tolerated: Container[str] = ()
) -> list[Diagnostic]:
    """The errata a convolution meets; errors in strict mode, E10 also where it hangs for certain, otherwise warnings.

    Parameters
    ----------
    registers
        The convolution's registers.
    build
        The build; its geometry, the errata are nv_small's.
    found
        What the convolution finds in the CBUF; E4 and E5 are of input that is fetched, E6, E7 and E10 of weights that
        earlier ones left.
    strict
        Whether meeting an erratum is an error.
    tolerated
        Errata that stay warnings in strict mode.
    """
    layer = registers.decoded(ConvolutionLayer, build)
    met = list(_image_errata(layer, registers)) if layer.pixel else []
    met += _fetched_image_errata(layer, registers, build) if layer.pixel and found.fetch.data else []
    met += _ring_errata(registers, build, found.weights)
    return [
        Diagnostic(one.rule, one.where, one.text, error=one.certain_hang or (strict and one.rule not in tolerated))
        for one in met
    ]


def _image_errata(layer: ConvolutionLayer, registers: LayerRegisters) -> Iterator[_Met]:
    taps = layer.weight_channels
    where = f"CSC.D_WEIGHT_SIZE_EXT_1.WEIGHT_CHANNEL_EXT = {taps - 1}"
    if takes_wrong_taps(taps):
        text = f"{taps} image taps in a line (1 more than a multiple of 8): the hardware takes wrong taps"
        yield _Met("E1", where, text)
    if spoils_last_column(taps, layer.out_width):
        text = f"with an output {layer.out_width} wide the hardware gets the last column wrong"
        yield _Met("E2", where, text)
    extension = layer.post_extension
    if extension and layer.channels * layer.geometry.stride_x << extension > CBUF_ENTRY:
        where = f"CSC.D_POST_Y_EXTENSION.Y_EXTENSION = {extension}"
        step = f"{layer.channels} channels * stride {layer.geometry.stride_x} * {1 << extension}"
        yield _Met("E3", where, f"{step} is more than 8: the hardware gives garbage")


def _fetched_image_errata(layer: ConvolutionLayer, registers: LayerRegisters, build: Build) -> Iterator[_Met]:
    pad_right = registers.field("CDMA.D_ZERO_PADDING.PAD_RIGHT")
    width = layer.pad_left + layer.width
    if wraps_burst_counter(width, pad_right, layer.channels):
        where = f"CDMA.D_ZERO_PADDING.PAD_RIGHT = {pad_right}"
        text = f"behind {width} columns of {layer.channels} bytes this padding wraps a counter: garbage"
        yield _Met("E4", where, text)
    limit = largest_x_offset(registers.field("CDMA.D_DATAIN_FORMAT.PIXEL_FORMAT"), build.memory_atom)
    x_offset = registers.field("CDMA.D_PIXEL_OFFSET.PIXEL_X_OFFSET")
    if x_offset > limit:
        where = f"CDMA.D_PIXEL_OFFSET.PIXEL_X_OFFSET = {x_offset}"
        yield _Met("E5", where, f"this pixel format takes 0 to {limit}: the hardware gives garbage")


def _ring_errata(registers: LayerRegisters, build: Build, ring: WeightRing) -> Iterator[_Met]:
    size, group = ring_entries(registers, build), group_entries(registers, build)
    loaded = loaded_entries(registers, build)
    load = min(loaded, size)
    where = f"CDMA.D_BANK.WEIGHT_BANK = {registers.field('CDMA.D_BANK.WEIGHT_BANK')}"
    if ring.stale:
        together = registers.field("CSC.D_MISC_CFG.SKIP_WEIGHT_RLS")
        most = loaded if together else max(group, last_group_entries(registers, build))
        what = "its weights have" if together else "a kernel group has"
        room = "" if ring.kept or ring.stale + most <= size else f"; {what} no room beside them: it hangs"
        text = f"{ring.stale} entries of padding stay in the same banks and are read as weights{room}"
        yield _Met("E6", ring.stale_from, text)
    if ring.kept:  # nothing is loaded that would want room
        return
    if ring.missed and min(ring.missed, size) + load > size:
        text = (
            f"with clock gating CDMA may have missed that {ring.missed:,} entries of earlier weights were freed; with "
            f"the {load:,} of this layer they exceed the {size:,} of its banks, it may hang for good; "
            f"ways out: {WAY_OUT_OF_E7}"
        )
        yield _Met("E7", where, text)
    if ring.leaked and ring.leaked + load > size:
        certain = ring.leaked + group > size
        text = (
            f"changes of banks dropped {ring.leaked:,} entries that were not freed and that CDMA counts until reset; "
            f"with the {load:,} of this layer they exceed the {size:,} of its banks: "
            f"{'it hangs' if certain else 'it may hang'}"
        )
        yield _Met("E10", where, text, certain)
