"""What a convolution does (hardware.md sections 1 and 3)."""

from collections.abc import Iterator

from nvdla_int8.build import Build
from nvdla_int8.coverage.plan import Sample, Value
from nvdla_int8.coverage.samplers.counts import count_word
from nvdla_int8.coverage.samplers.layout import layout
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.pixels import largest_x_offset

SAMPLERS = ("convolution", "image", "features", "pixels", "cacc", "cbuf")

STRIPE_ATOMS = 2
"""A stripe has this many atomic-K of pixels, unless it is the last."""


def convolution_samples(run: LayerRun, build: Build) -> Iterator[Sample]:
    """Of the windows of a convolution or image, of its input, of CACC and of its place in the CBUF."""
    layer = ConvolutionLayer(run.registers, build)
    yield Sample("image" if layer.pixel else "convolution", _windows(layer, build))
    if layer.pixel:
        yield Sample("pixels", _pixels(layer, run, build))
    else:
        yield Sample("features", _features(layer, run, build))
    yield Sample("cacc", {"truncate": layer.accumulator.truncate_bits})
    yield Sample("cbuf", _cbuf(layer, run, build))


def _windows(layer: ConvolutionLayer, build: Build) -> dict[str, Value]:
    pixels, stripe = layer.out_height * layer.out_width, STRIPE_ATOMS * build.atomic_k
    reach_h, reach_w = layer.reach
    bottom, right = reach_h - layer.pad_top - layer.height, reach_w - layer.pad_left - layer.width
    kernel_h = (layer.kernel_h - 1) * layer.geometry.dilation_y + 1
    kernel_w = (layer.kernel_w - 1) * layer.geometry.dilation_x + 1
    return {
        "kernel 1x1": layer.kernel_h == layer.kernel_w == 1,
        "window in padding": layer.pad_top >= kernel_h or layer.pad_left >= kernel_w
        or bottom >= kernel_h or right >= kernel_w,
        "padding asymmetric": len({layer.pad_top, layer.pad_left, max(bottom, 0), max(right, 0)}) > 1,
        "rows cropped": bottom <= -layer.geometry.stride_y,
        "strides differ": layer.geometry.stride_y != layer.geometry.stride_x,
        "stride 8": 8 in (layer.geometry.stride_y, layer.geometry.stride_x),
        "output 1x1": pixels == 1,
        "less than a stripe": 1 < pixels < stripe,
        "several stripes": pixels >= 2 * stripe,
        "one row": layer.out_height == 1,
        "one column": layer.out_width == 1,
        "converted": layer.converter.enabled,
        "not converted": not layer.converter.enabled,
        "kernels": count_word(layer.kernels, build.atomic_k),
    }  # fmt: skip


def _features(layer: ConvolutionLayer, run: LayerRun, build: Build) -> dict[str, Value]:
    assert run.convolution is not None
    surface = layer.input_surface if run.convolution.fetch.data else None  # else it lies in the CBUF
    assert surface is None or isinstance(surface, FeatureSurface)
    one_pixel = surface is not None and surface.height == surface.width == 1 and surface.surfaces > 1
    packs = surface is not None and surface.packs_one_pixel
    return {
        "channels": count_word(layer.channels, build.atomic_c),
        "dilated": max(layer.geometry.dilation_y, layer.geometry.dilation_x) > 1,
        "lines together": surface.packed_lines if surface is not None and surface.height > 1 else 1,
        "surface packed 1x1": one_pixel and packs,
        "1x1 not packed": one_pixel and not packs,
        **layout(surface),
    }


def _pixels(layer: ConvolutionLayer, run: LayerRun, build: Build) -> dict[str, Value]:
    field = run.registers.field
    pixel_format = field("CDMA.D_DATAIN_FORMAT.PIXEL_FORMAT")
    x_offset = field("CDMA.D_PIXEL_OFFSET.PIXEL_X_OFFSET")
    padded = layer.pad_left or field("CDMA.D_ZERO_PADDING.PAD_RIGHT")
    converted = layer.converter.enabled
    return {
        "format": f"{pixel_format:#04x}",
        "unsigned": converted and layer.converter.unsigned,
        "signed": converted and not layer.converter.unsigned,
        "mean": converted and layer.converter.mean is not None,
        "X_OFFSET": x_offset,
        "largest X_OFFSET": x_offset == largest_x_offset(pixel_format, build.memory_atom),
        "post-extension": layer.post_extension,
        "sides of another value": padded > 0 and layer.side_pad_value != layer.pad_value,
        "dilation ignored": run.registers.word("CSC.D_DILATION_EXT") != 0,
    }


def _cbuf(layer: ConvolutionLayer, run: LayerRun, build: Build) -> dict[str, Value]:
    size = run.registers.size
    data_banks, weight_banks = size("CDMA.D_BANK.DATA_BANK"), size("CDMA.D_BANK.WEIGHT_BANK")
    entries = size("CDMA.D_ENTRY_PER_SLICE.ENTRIES") * layer.height
    return {
        "data banks full": entries == data_banks * build.cbuf_bank_entries,
        "weights stream": layer.weight_bytes > weight_banks * build.cbuf_bank_bytes,
        "all banks": data_banks + weight_banks == build.cbuf_banks,
        "one bank each": data_banks == weight_banks == 1,
    }
