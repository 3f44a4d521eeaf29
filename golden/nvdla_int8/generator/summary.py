"""Random programs in one line, for logs."""

from collections.abc import Sequence

from nvdla_int8.build import Build
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.lrn_layer import LrnLayer
from nvdla_int8.device.pooling_layer import PoolingLayer
from nvdla_int8.device.sdp_layer import RDMA_NAMES, SdpLayer
from nvdla_int8.generator.sequence import Step
from nvdla_int8.registers.lrn import LutEntries, decode_lrn


def summarise(kind: str, layers: Sequence[LayerRun], steps: Sequence[Step], build: Build) -> str:
    """``kind: layer; layer``, each with its sizes and what is special; ``steps`` of the layers, if it is known."""
    parts = []
    for index, run in enumerate(layers):
        reads = " of the layer before" if index and steps and steps[index].waits_for == index else ""
        parts.append(f"{_layer(run, build, reads)}")
    return f"{kind}: {'; '.join(parts)}"


def _layer(run: LayerRun, build: Build, reads: str) -> str:
    parts: list[str] = []
    if run.sdp is not None:
        parts += _sdp(run, build, reads)
    if run.pooling is not None:
        parts += _pooling(run, build, "" if parts else reads)
    if run.lrn is not None:
        parts += _lrn(run, build, reads)
    return ", ".join(part for part in parts if part)


def _sdp(run: LayerRun, build: Build, reads: str) -> list[str]:
    sdp = SdpLayer(run.registers, build)
    out = f"{sdp.channels}x{sdp.height}x{sdp.width}"
    words = [f"memory{reads} {out}"] if run.convolution is None else _convolution(run, build, reads, out)
    words += [_stage(which, sdp, run) for which in sdp.stages]
    converter = sdp.output_converter
    return [*words, f"out {converter.scale} >> {converter.shift_bits}{' int16' if converter.int16 else ''}"]


def _pooling(run: LayerRun, build: Build, reads: str) -> list[str]:
    layer = PoolingLayer(run.registers, build)
    pooling = layer.pooling
    words = [
        f"{pooling.method.name.lower()} pooling{reads} {layer.channels}x{layer.height}x{layer.width} "
        f"by {pooling.kernel_h}x{pooling.kernel_w} to {layer.out_height}x{layer.out_width}",
        f"stride {pooling.stride_y},{pooling.stride_x}",
    ]
    padding = (pooling.pad_top, pooling.pad_left, pooling.pad_bottom, pooling.pad_right)
    words += [f"padding {','.join(map(str, padding))}"] if any(padding) else []
    return [*words, f"{len(layer.parts)} parts" if len(layer.parts) > 1 else ""]


def _lrn(run: LayerRun, build: Build, reads: str) -> list[str]:
    layer, lrn = LrnLayer(run.registers, build), decode_lrn(run.registers.values, run.lut or LutEntries())
    return [
        f"LRN{reads} {layer.channels}x{layer.height}x{layer.width} of {2 * lrn.normalize_length + 3} channels",
        "without the sum of squares" if lrn.square_sum_bypass else "",
        "without the multiplier" if lrn.multiply_bypass else "",
        f"LE {'exponent' if lrn.le.exponent else 'linear'}",
        f"out {lrn.out_scale} >> {lrn.out_shift_bits}",
    ]


def _convolution(run: LayerRun, build: Build, reads: str, out: str) -> list[str]:
    layer, field, size = ConvolutionLayer(run.registers, build), run.registers.field, run.registers.size
    what = f"image {field('CDMA.D_DATAIN_FORMAT.PIXEL_FORMAT'):#04x}" if layer.pixel else "convolution"
    geometry = layer.geometry
    words = [
        f"{what}{reads} {layer.channels}x{layer.height}x{layer.width} "
        f"by {layer.kernels}x{layer.kernel_h}x{layer.kernel_w} to {out}"
    ]
    for name, pair, usual in (
        ("stride", (geometry.stride_y, geometry.stride_x), (1, 1)),
        ("dilation", (geometry.dilation_y, geometry.dilation_x), (1, 1)),
        ("top left padding", (layer.pad_top, layer.pad_left), (0, 0)),
    ):
        if pair != usual:
            words.append(f"{name} {pair[0]},{pair[1]}")
    if layer.post_extension:
        words.append(f"post-extension {layer.post_extension}")
    words.append(f"banks {size('CDMA.D_BANK.DATA_BANK')}+{size('CDMA.D_BANK.WEIGHT_BANK')}")
    assert run.convolution is not None
    fetch = run.convolution.fetch
    words += [f"kept rows {fetch.kept_rows}"] if fetch.kept_rows else []
    words += [] if fetch.weights else ["kept weights"]
    return words


def _stage(which: str, sdp: SdpLayer, run: LayerRun) -> str:
    stage = sdp.stages[which]
    if stage.bypass:
        return ""
    words = [which]
    if not stage.alu_bypass:
        words.append(f"{stage.alu_algo} {_source(which, sdp, run, stage.reads_alu)}")
    if not stage.mul_bypass:
        words.append(f"MUL {_source(which, sdp, run, stage.reads_mul)}")
    words += [name for name, on in (("PReLU", stage.prelu), ("ReLU", stage.relu)) if on]
    return " ".join(words)


def _source(which: str, sdp: SdpLayer, run: LayerRun, reads: bool) -> str:
    if not reads:
        return "register"
    surface = sdp.operand_surface(which)
    assert which in RDMA_NAMES
    return f"{surface.element_bytes}B/{'element' if surface.per_element else 'kernel'}"
