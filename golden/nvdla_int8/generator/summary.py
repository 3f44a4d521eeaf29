"""Random programs in one line, for logs."""

from collections.abc import Sequence

from nvdla_int8.build import Build
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.sdp_layer import RDMA_NAMES, SdpLayer
from nvdla_int8.generator.sequence import Step


def summarise(kind: str, layers: Sequence[LayerRun], steps: Sequence[Step], build: Build) -> str:
    """``kind: layer; layer``, each with its sizes and what is special."""
    parts = []
    for index, (run, step) in enumerate(zip(layers, steps, strict=True)):
        reads = " of the layer before" if index and step.waits_for == index else ""
        parts.append(f"{_layer(run, build, reads)}")
    return f"{kind}: {'; '.join(parts)}"


def _layer(run: LayerRun, build: Build, reads: str) -> str:
    sdp = SdpLayer(run.registers, build)
    out = f"{sdp.channels}x{sdp.height}x{sdp.width}"
    words = [f"memory{reads} {out}"] if run.convolution is None else _convolution(run, build, reads, out)
    words += [_stage(which, sdp, run) for which in sdp.stages]
    converter = sdp.output_converter
    words.append(f"out {converter.scale} >> {converter.shift_bits}{' int16' if converter.int16 else ''}")
    return ", ".join(word for word in words if word)


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
