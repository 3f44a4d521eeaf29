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
    registers: LayerRegisters, build: Build, ring: WeightRing, *, strict: bool, tolerated: Container[str] = ()
) -> list[Diagnostic]:
    """The errata a convolution meets; errors in strict mode, warnings otherwise.

    Parameters
    ----------
    registers
        The convolution's registers.
    build
        The build; its geometry, the errata are nv_small's.
    ring
        What the convolutions since reset left, for E6, E7 and E10.
    strict
        Whether meeting an erratum is an error.
    tolerated
        Errata that stay warnings in strict mode.
    """
    layer = ConvolutionLayer(registers, build)
    found = list(_image_errata(layer, registers, build)) if layer.pixel else []
    found += _ring_errata(registers, build, ring.before(registers))
    return [Diagnostic(*one, error=strict and one.rule not in tolerated) for one in found]


def _image_errata(layer: ConvolutionLayer, registers: LayerRegisters, build: Build) -> Iterator[_Met]:
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
    load = min(loaded_entries(registers, build), size)
    where = f"CDMA.D_BANK.WEIGHT_BANK = {registers.field('CDMA.D_BANK.WEIGHT_BANK')}"
    if ring.stale:
        most = max(group, last_group_entries(registers, build))
        room = "" if ring.stale + most <= size else "; a kernel group has no room beside them: it hangs"
        text = f"{ring.stale} entries of padding stay in the same banks and are read as weights{room}"
        yield _Met("E6", ring.stale_from, text)
    if ring.missed and min(ring.missed, size) + load > size:
        text = (
            f"with clock gating CDMA may have missed that {ring.missed:,} entries of earlier weights were freed; with "
            f"the {load:,} of this layer they exceed the {size:,} of its banks, it may hang for good; "
            f"ways out: {WAY_OUT_OF_E7}"
        )
        yield _Met("E7", where, text)
    if ring.leaked and ring.leaked + load > size:
        certain = "it hangs" if ring.leaked + group > size else "it may hang"
        text = (
            f"changes of banks dropped {ring.leaked:,} entries of padding that CDMA counts until reset; with "
            f"the {load:,} of this layer they exceed the {size:,} of its banks: {certain}"
        )
        yield _Met("E10", where, text)
