"""Which corners a register program reaches, read back from its registers rather than from what was drawn."""

from collections.abc import Iterator, Sequence
from itertools import pairwise, permutations, product

from nvdla_int8.build import Build
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.sdp_layer import SdpLayer
from nvdla_int8.generator.lrn_coverage import known_lrn_features, lrn_features
from nvdla_int8.generator.pooling_coverage import known_pooling_features, pooling_features
from nvdla_int8.generator.reuse_coverage import known_reuse_features, reuse_features
from nvdla_int8.generator.sequence import Step
from nvdla_int8.stages.sdp import XStage
from nvdla_int8.stages.widths import ACC_FRACTION
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.operands import OperandUse
from nvdla_int8.surfaces.pixels import PIXEL_FORMATS, largest_x_offset

COUNTS = ("1", "atom - 1", "atom", "atom + 1", "2 atoms", "2 atoms + 1", "other")
STRIPE_ATOMS = 2
"""A stripe has this many atomic-K of pixels, unless it is the last."""


def features(layers: Sequence[LayerRun], steps: Sequence[Step], build: Build) -> set[str]:
    """Names, of those in :func:`known_features`, of what these layers do."""
    found: set[str] = set()
    for run in layers:
        if run.sdp is not None:
            found.update(_sdp(run, build))
        if run.convolution is not None:
            found.update(_convolution(run, build))
        if run.pooling is not None:
            found.update(pooling_features(run, build))
        if run.lrn is not None:
            found.update(lrn_features(run, build))
    convolutions = [run for run in layers if run.convolution is not None]
    found.update(_cbuf_of_several(convolutions, build))
    found.update(reuse_features(convolutions, build))
    for index, step in enumerate(steps[1:], start=1):
        found.add(f"layers: {'reads the one before' if step.waits_for == index else 'overlaps the one before'}")
    found.update(_engines_of_several(steps))
    return found


def _engines_of_several(steps: Sequence[Step]) -> Iterator[str]:
    """What the blocks of layers that follow one another have to do with one another."""
    for before, step in pairwise(steps):
        if before.writer != step.writer:
            yield f"layers: {step.writer} after {before.writer}"
        for reader, unit in (("SDP_RDMA", "SDP"), ("PDP_RDMA", "PDP")):
            if {reader, unit} <= step.groups.keys() and step.groups[reader] != step.groups[unit]:
                yield f"layers: {unit} and {reader} in different groups"
        if "CDP" in step.groups and not step.layer.tables:
            yield "LRN: tables of an LRN before"


def known_features() -> set[str]:
    """Every name that :func:`features` can give and that a few hundred programs on nv_small should reach."""
    stage = [
        f"{which}: {what}"
        for which in ("x1", "x2")
        for what in (
            "bypassed",
            *(f"ALU {name} {source}" for name in ("0", "1", "2", "3") for source in ("register", "memory")),
            *(f"MUL {source}" for source in ("register", "memory")),
            *(_flags_name(*flags) for flags in product((False, True), repeat=4)),
            *(
                f"operands {use} {size} {mode}"
                for use in OperandUse
                for size in (1, 2)
                for mode in ("per kernel", "per element")
            ),
            "ALU shift 0", "ALU shift 63", "MUL shift 0", "MUL shift 49 to 63", "MUL shift 64 and more",
        )
    ]  # fmt: skip
    sdp = [
        f"output: {what}"
        for what in (
            "INT16", "shift 0", "shift 49 to 63", "saturates", "saturation not counted", "1x1", "gaps after lines",
            "gaps after atoms", "across the atoms",
        )
    ]  # fmt: skip
    memory = [f"memory: channels {count}" for count in COUNTS]
    either = [
        f"{what}: {corner}"
        for what in ("convolution", "image")
        for corner in (
            "kernel 1x1", "window in padding", "padding asymmetric", "rows cropped", "strides differ", "stride 8",
            "output 1x1", "less than a stripe", "several stripes", "one row", "one column", "converted",
            "not converted", *(f"kernels {count}" for count in COUNTS),
        )
    ]  # fmt: skip
    convolution = [
        f"convolution: {what}"
        for what in (
            *(f"channels {count}" for count in COUNTS), "dilated", "line packed", "surface packed 1x1",
            "1x1 not packed", "gaps after lines", "gaps after atoms", "across the atoms",
        )
    ]  # fmt: skip
    image = [
        f"image: {what}"
        for what in (
            *(f"format {code:#04x}" for code in PIXEL_FORMATS), "signed", "unsigned", "mean", "X_OFFSET 0", "X_OFFSET",
            "largest X_OFFSET", "post-extension 1", "post-extension 2", "sides of another value", "dilation ignored",
        )
    ]  # fmt: skip
    accumulator = [f"CACC: truncate {what}" for what in ("0", "1 to 16", "17 and more")]
    cbuf = [f"CBUF: {what}" for what in ("data banks full", "weights stream", "all banks", "one bank each")]
    layers = [
        f"layers: {what}"
        for what in (
            "equal banks", "other banks", "input goes around its banks", "weights go around their banks",
            "reads the one before", "overlaps the one before",
            "SDP and SDP_RDMA in different groups", "PDP and PDP_RDMA in different groups",
            *(f"{one} after {other}" for one, other in permutations(("SDP", "PDP", "CDP"), 2)),
        )
    ]  # fmt: skip
    return {
        *stage, *sdp, *memory, *either, *convolution, *image, *accumulator, *cbuf, *layers,
        *known_pooling_features(), *known_lrn_features(), *known_reuse_features(),
    }  # fmt: skip


def _cbuf_of_several(convolutions: Sequence[LayerRun], build: Build) -> Iterator[str]:
    """Layers with the same banks go on where the one before ended, and around the end of the banks."""
    for before, after in pairwise(convolutions):
        equal = before.registers.word("CDMA.D_BANK") == after.registers.word("CDMA.D_BANK")
        yield f"layers: {'equal' if equal else 'other'} banks"
    ends = [0, 0]
    banks = 0
    for run in convolutions:
        if run.registers.word("CDMA.D_BANK") != banks:
            banks, ends = run.registers.word("CDMA.D_BANK"), [0, 0]
        for index, (entries, capacity) in enumerate(_cbuf_entries(run, build)):
            begin, ends[index] = ends[index], ends[index] + entries
            if begin // capacity < (ends[index] - 1) // capacity and begin % capacity:
                yield f"layers: {('input goes around its', 'weights go around their')[index]} banks"


def _cbuf_entries(run: LayerRun, build: Build) -> Iterator[tuple[int, int]]:
    """Entries of the input and of the weights that are loaded, each with those that its banks hold."""
    assert run.convolution is not None
    size, fetch = run.registers.size, run.convolution.fetch
    rows = size("CDMA.D_DATAIN_SIZE_0.DATAIN_HEIGHT") if fetch.data else 0
    yield size("CDMA.D_ENTRY_PER_SLICE.ENTRIES") * rows, size("CDMA.D_BANK.DATA_BANK") * build.cbuf_bank_entries
    weights = -(-run.registers.word("CDMA.D_WEIGHT_BYTES") // build.cbuf_entry_bytes) if fetch.weights else 0
    yield weights, size("CDMA.D_BANK.WEIGHT_BANK") * build.cbuf_bank_entries


def _count(number: int, atom: int) -> str:
    near = {1: 0, atom - 1: 1, atom: 2, atom + 1: 3, 2 * atom: 4, 2 * atom + 1: 5}
    return COUNTS[near.get(number, 6)]


def _flags_name(alu: bool, mul: bool, prelu: bool, relu: bool) -> str:
    named = zip(("ALU", "MUL", "PReLU", "ReLU"), (alu, mul, prelu, relu), strict=True)
    return f"with {', '.join(name for name, on in named if on) or 'nothing'}"


def _sdp(run: LayerRun, build: Build) -> Iterator[str]:
    sdp = SdpLayer(run.registers, build)
    for which, stage in sdp.stages.items():
        yield from (f"{which}: {what}" for what in _stage(which, stage, sdp, run))
    converter = sdp.output_converter
    corners = {
        "INT16": converter.int16,
        "shift 0": not converter.shift_bits,
        "shift 49 to 63": converter.shift_bits >= 49,
        "saturates": run.sdp is not None and run.sdp.hardware_saturation > 0,
        "saturation not counted": not sdp.counts_saturation,
        "1x1": (sdp.height, sdp.width) == (1, 1),
    }
    yield from (f"output: {what}" for what, reached in corners.items() if reached)
    if run.pooling is None:
        yield from (f"output: {what}" for what in _layout(run.destination))
    if not sdp.flying:
        yield f"memory: channels {_count(sdp.channels, build.memory_atom)}"


def _stage(which: str, stage: XStage, sdp: SdpLayer, run: LayerRun) -> Iterator[str]:
    if stage.bypass:
        yield "bypassed"
        return
    yield _flags_name(not stage.alu_bypass, not stage.mul_bypass, stage.prelu, stage.relu)
    prefix = {"x1": "BS", "x2": "BN"}[which]
    if not stage.alu_bypass:
        algo = run.registers.field(f"SDP.D_DP_{prefix}_CFG.{prefix}_ALU_ALGO")
        yield f"ALU {algo} {'memory' if stage.reads_alu else 'register'}"
        if stage.alu_shift_bits in (0, 63):
            yield f"ALU shift {stage.alu_shift_bits}"
    if not stage.mul_bypass:
        yield f"MUL {'memory' if stage.reads_mul else 'register'}"
    if not stage.mul_shift_bits:
        yield "MUL shift 0"
    elif stage.mul_shift_bits >= 49:
        yield f"MUL shift {'49 to 63' if stage.mul_shift_bits < 64 else '64 and more'}"
    if stage.reads_alu or stage.reads_mul:
        surface = sdp.operand_surface(which)
        mode = "per element" if surface.per_element else "per kernel"
        yield f"operands {surface.use} {surface.element_bytes} {mode}"


def _layout(surface: FeatureSurface) -> Iterator[str]:
    """How a feature cube with more than one line, or atom of channels, lies in memory."""
    line = surface.width * surface.memory_atom
    if surface.height > surface.packed_lines and surface.line_stride > line:
        across = surface.surfaces > 1 and surface.surface_stride == line and surface.height > 1
        yield "across the atoms" if across else "gaps after lines"
    if surface.surfaces > 1 and surface.surface_stride > surface.height * surface.line_stride:
        yield "gaps after atoms"


def _convolution(run: LayerRun, build: Build) -> Iterator[str]:
    layer, field, size = ConvolutionLayer(run.registers, build), run.registers.field, run.registers.size
    pixels, stripe = layer.out_height * layer.out_width, STRIPE_ATOMS * build.atomic_k
    reach_h, reach_w = layer.reach
    bottom, right = reach_h - layer.pad_top - layer.height, reach_w - layer.pad_left - layer.width
    kernel_h, kernel_w = (
        (taps - 1) * dilation + 1
        for taps, dilation in (
            (layer.kernel_h, layer.geometry.dilation_y),
            (layer.kernel_w, layer.geometry.dilation_x),
        )
    )
    truncate = layer.accumulator.truncate_bits
    what = "image" if layer.pixel else "convolution"
    corners = {
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
        f"kernels {_count(layer.kernels, build.atomic_k)}": True,
    }  # fmt: skip
    yield from (f"{what}: {corner}" for corner, reached in corners.items() if reached)
    yield from (f"{what}: {corner}" for corner in (_image if layer.pixel else _features)(layer, run, build))
    yield f"CACC: truncate {'0' if not truncate else '1 to 16' if truncate <= ACC_FRACTION else '17 and more'}"
    data_banks, weight_banks = size("CDMA.D_BANK.DATA_BANK"), size("CDMA.D_BANK.WEIGHT_BANK")
    entries = (field("CDMA.D_ENTRY_PER_SLICE.ENTRIES") + 1) * layer.height
    cbuf = {
        "data banks full": entries == data_banks * build.cbuf_bank_entries,
        "weights stream": layer.weight_bytes > weight_banks * build.cbuf_bank_bytes,
        "all banks": data_banks + weight_banks == build.cbuf_banks,
        "one bank each": data_banks == weight_banks == 1,
    }
    yield from (f"CBUF: {corner}" for corner, reached in cbuf.items() if reached)


def _features(layer: ConvolutionLayer, run: LayerRun, build: Build) -> Iterator[str]:
    yield f"channels {_count(layer.channels, build.atomic_c)}"
    if max(layer.geometry.dilation_y, layer.geometry.dilation_x) > 1:
        yield "dilated"
    if run.convolution is None or not run.convolution.fetch.data:  # it lies in the CBUF, wherever its address points
        return
    surface = layer.input_surface
    assert isinstance(surface, FeatureSurface)
    one_pixel = surface.height == surface.width == 1 and surface.surfaces > 1
    corners = {
        "line packed": surface.packed_lines > 1 and surface.height > 1,
        "surface packed 1x1": one_pixel and surface.packs_one_pixel,
        "1x1 not packed": one_pixel and not surface.packs_one_pixel,
    }
    yield from (corner for corner, reached in corners.items() if reached)
    yield from _layout(surface)


def _image(layer: ConvolutionLayer, run: LayerRun, build: Build) -> Iterator[str]:
    field = run.registers.field
    pixel_format = field("CDMA.D_DATAIN_FORMAT.PIXEL_FORMAT")
    x_offset = field("CDMA.D_PIXEL_OFFSET.PIXEL_X_OFFSET")
    padded = layer.pad_left or field("CDMA.D_ZERO_PADDING.PAD_RIGHT")
    corners = {
        f"format {pixel_format:#04x}": True,
        "unsigned" if layer.converter.unsigned else "signed": layer.converter.enabled,
        "mean": layer.converter.enabled and layer.converter.mean is not None,
        "X_OFFSET" if x_offset else "X_OFFSET 0": True,
        "largest X_OFFSET": x_offset == largest_x_offset(pixel_format, build.memory_atom),
        f"post-extension {layer.post_extension}": layer.post_extension > 0,
        "sides of another value": padded > 0 and layer.side_pad_value != layer.pad_value,
        "dilation ignored": run.registers.word("CSC.D_DILATION_EXT") != 0,
    }
    yield from (corner for corner, reached in corners.items() if reached)
