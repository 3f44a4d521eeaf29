"""Errata of NVIDIA's public nv_small RTL (hardware.md section 5): programs that meet one give other bytes there."""

from collections.abc import Iterator

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.device.diagnostics import Diagnostic
from nvdla_int8.surfaces.pixels import largest_x_offset

CBUF_ENTRY = 8
WIDEST_PROVEN_PADDING = 9


def takes_wrong_taps(taps: int) -> bool:
    """E1, for the taps (S * Cimg) of an image kernel's line."""
    return taps % CBUF_ENTRY == 1 and taps >= 17


def spoils_last_column(taps: int, out_width: int) -> bool:
    """E2, for the taps (S * Cimg) of an image kernel's line and the output's width."""
    return out_width % 16 == 1 and taps > 24 and taps % CBUF_ENTRY != 0


def find_errata(
    registers: LayerRegisters, build: Build, previous: LayerRegisters | None, *, strict: bool
) -> list[Diagnostic]:
    """The errata a convolution meets; errors in strict mode, warnings otherwise.

    Parameters
    ----------
    registers
        The convolution's registers.
    build
        The build; its geometry, the errata are nv_small's.
    previous
        The convolution right before it, for E6; what one further back left is not followed.
    strict
        Whether meeting an erratum is an error.
    """
    layer = ConvolutionLayer(registers, build)
    found = list(_image_errata(layer, registers, build)) if layer.pixel else []
    if previous is not None and _banks(previous) & _banks(registers):
        found += _leftover_weights(previous, ConvolutionLayer(previous, build))
    return [Diagnostic(rule, where, text, error=strict) for rule, where, text in found]


def _image_errata(layer: ConvolutionLayer, registers: LayerRegisters, build: Build) -> Iterator[tuple[str, str, str]]:
    taps = layer.weight_channels
    where = f"CSC.D_WEIGHT_SIZE_EXT_1.WEIGHT_CHANNEL_EXT = {taps - 1}"
    if takes_wrong_taps(taps):
        yield "E1", where, f"{taps} image taps in a line (1 more than a multiple of 8): the hardware takes wrong taps"
    if spoils_last_column(taps, layer.out_width):
        yield "E2", where, f"with an output {layer.out_width} wide the hardware gets the last column wrong"
    extension = layer.post_extension
    if extension and layer.channels * layer.geometry.stride_x << extension > CBUF_ENTRY:
        where = f"CSC.D_POST_Y_EXTENSION.Y_EXTENSION = {extension}"
        step = f"{layer.channels} channels * stride {layer.geometry.stride_x} * {1 << extension}"
        yield "E3", where, f"{step} is more than 8: the hardware gives garbage"
    for side in ("LEFT", "RIGHT"):
        padding = registers.field(f"CDMA.D_ZERO_PADDING.PAD_{side}")
        if padding > WIDEST_PROVEN_PADDING:
            where = f"CDMA.D_ZERO_PADDING.PAD_{side} = {padding}"
            known = f"on the right 31 does, {WIDEST_PROVEN_PADDING} does not"
            yield "E4", where, f"image padding this wide can overrun the burst counters ({known})"
    limit = largest_x_offset(registers.field("CDMA.D_DATAIN_FORMAT.PIXEL_FORMAT"), build.memory_atom)
    x_offset = registers.field("CDMA.D_PIXEL_OFFSET.PIXEL_X_OFFSET")
    if x_offset > limit:
        where = f"CDMA.D_PIXEL_OFFSET.PIXEL_X_OFFSET = {x_offset}"
        yield "E5", where, f"this pixel format takes 0 to {limit}: the hardware gives garbage"


def _leftover_weights(previous: LayerRegisters, before: ConvolutionLayer) -> Iterator[tuple[str, str, str]]:
    rounded = -(-before.weight_bytes // CBUF_ENTRY) * CBUF_ENTRY
    loaded = previous.word("CDMA.D_WEIGHT_BYTES")
    if loaded <= rounded:
        return
    where = f"CDMA.D_WEIGHT_BYTES = {loaded:#x} of the layer before"
    yield "E6", where, f"{loaded - rounded} bytes beyond its {rounded} stay in shared banks and are read as weights"


def _banks(registers: LayerRegisters) -> set[int]:
    first = registers.size("CDMA.D_BANK.DATA_BANK")
    return set(range(first, first + registers.size("CDMA.D_BANK.WEIGHT_BANK")))
