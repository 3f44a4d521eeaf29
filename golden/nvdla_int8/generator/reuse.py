"""Random convolutions that keep rows and weights in the CBUF for one another (reuse.md sections 1 and 3)."""

from dataclasses import dataclass, replace

import numpy as np

from nvdla_int8.compiler.convolution_registers import PlacedConvolution
from nvdla_int8.compiler.passes import Pass
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.generator.cbuf_chain import (
    MOST_ROWS,
    Kept,
    Rows,
    RowSource,
    Start,
    WeightSource,
    draw_left_rows,
    draw_rows,
    draw_start,
)
from nvdla_int8.generator.draws import RejectedError
from nvdla_int8.generator.inputs import Input, draw_image, draw_input_converter, feature_surface, place_features
from nvdla_int8.generator.layers import (
    CLIP_TRUNCATES,
    Layer,
    Surroundings,
    convolution_geometry,
    place_stream,
    with_sdp,
)
from nvdla_int8.generator.registers import Values, convolution_registers
from nvdla_int8.generator.shapes import TRIES, ConvolutionShape, Pair
from nvdla_int8.registers.register_map import find_register, insert, pack
from nvdla_int8.stages.accumulator import Accumulator
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.widths import FEATURE
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.operands import OperandSurface
from nvdla_int8.surfaces.pixels import PIXEL_FORMATS, PixelSurface, format_channels, largest_x_offset
from nvdla_int8.surfaces.weights import from_image_form, to_image_form

MOST_CYCLES = 5000
WIDTHS = (1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 20, 31)
KERNELS = (1, 1, 2, 3, 3)
STRIDES = (1, 1, 1, 2, 3)


def reuse_layer(around: Surroundings, _there: FeatureSurface | None) -> Layer:
    """A convolution that goes on with what the one before kept, as far as that is legal, and keeps something itself."""
    return _ReuseDraw(around).layer()


@dataclass(frozen=True)
class _Stay:
    """What a layer leaves: rows, whether all by SKIP_DATA_RLS, and weights."""

    rows: int
    all_rows: bool
    weights: bool


class _ReuseDraw:
    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._draws, self._build, self._kept = around.draws, around.build, around.kept

    def layer(self) -> Layer:
        draws, around = self._draws, self._around
        start = draw_start(draws, self._kept)
        kept_weights = self._kept.weights if self._kept and start.keeps_weights else None
        source, new_source = self._source(start, kept_weights)
        rows = draw_rows(draws, self._build, source, start, self._kept)
        shape = self._shape(source, rows.used, kept_weights)
        program = self._program(shape, source, kept_weights)
        weights = kept_weights or self._place_weights(program, image=source.image)
        banks = self._banks(start, rows, shape)
        stay = self._stay(rows, shape, weights, banks)
        destination, outputs = around.destination((shape.kernels, *shape.output))
        part = Pass(
            first_kernel=0, kernels=shape.kernels, first_row=0, rows=shape.output[0], first_input_row=rows.first,
            input_rows=rows.used, pad_top=shape.padding[0], data_banks=banks[0], weight_banks=banks[1],
        )  # fmt: skip
        own = -(-shape.weight_bytes // self._build.cbuf_entry_bytes) * self._build.cbuf_entry_bytes
        weight_bytes = weights.weight_bytes if shape.kernels == weights.kernels else own

        def registers(program: LayerProgram, operands: dict[str, OperandSurface]) -> Values:
            placed = source.placed
            layer = PlacedConvolution(program, self._build, placed.source, destination, operands, weights.window.base)
            values = convolution_registers(draws, layer, part, shape, weight_bytes, placed.registers)
            return values | self._of_rows(source, rows.first, rows.used) | self._sides(source, values)

        alone = ConvolutionLayer(LayerRegisters(registers(program, {})), self._build)
        program, stages = with_sdp(around, program, alone.run(alone.load(around.memory)).delivered)
        surfaces, more = around.operands((shape.kernels, *shape.output), stages)
        plain = registers(program, surfaces)
        values = plain | self._reuse(plain, start, source, rows, stay)
        windows = (
            *(source.placed.windows if new_source else ()),
            *(() if kept_weights else (weights.window,)),
            *more,
        )
        kept = Kept(
            banks=banks, source=source, first=rows.first + (0 if stay.all_rows else rows.there - stay.rows),
            rows=stay.rows, left=rows.used if stay.all_rows else stay.rows, all_rows=stay.all_rows,
            weights=weights if stay.weights else None, used_kernels=shape.kernels,
        )  # fmt: skip
        return Layer(values, windows, outputs, destination, kept=kept, plain=plain)

    # ---- Input -----------------------------------------------------------------------------------

    def _source(self, start: Start, weights: WeightSource | None) -> tuple[RowSource, bool]:
        """Where the rows come from, and whether it is placed for this layer."""
        kept, draws = self._kept, self._draws
        if kept and (start.keeps_rows or draws.chance(0.3)):
            return kept.source, False
        if weights is None or kept is None:
            image = draws.chance(0.45)
            if kept and kept.rows and start.same_data_banks and draws.chance(0.5):
                image = not kept.source.image  # which cannot use the rows
            return self._new_source(image=image, channels=None), True
        channels, kernel_w = weights.stored.shape[1], weights.stored.shape[3]
        if not kept.source.image:
            if kernel_w == 1 and channels % 4 == 0 and draws.chance(0.7):  # the same bytes for another kind
                return self._new_source(image=True, channels=4), True
            return self._new_source(image=False, channels=channels), True
        if draws.chance(0.5):
            return self._new_source(image=False, channels=channels), True
        return self._new_source(image=True, channels=kept.source.shape.channels), True

    def _new_source(self, *, image: bool, channels: int | None) -> RowSource:
        draws, build = self._draws, self._build
        pixel_format = None
        if image:
            formats = [code for code in PIXEL_FORMATS if channels in (None, format_channels(code))]
            pixel_format = draws.pick(formats)
            channels = format_channels(pixel_format)
        elif channels is None:
            channels = draws.around((build.atomic_c, build.memory_atom), 3 * build.atomic_c)
        sides = (draws.between(0, 3), draws.between(0, 3)) if image else (0, 0)
        most_offset = 0 if pixel_format is None else largest_x_offset(pixel_format, build.memory_atom)
        shape = ConvolutionShape(
            channels=channels, size=(draws.between(2, MOST_ROWS), draws.pick(WIDTHS)), kernels=1, kernel=(1, 1),
            stride=(1, 1), dilation=(1, 1), padding=(0, sides[0], 0, sides[1]), output=(1, 1),
            pixel_format=pixel_format, x_offset=draws.between(0, most_offset),
        )  # fmt: skip
        placed = self._place_image(shape) if image else self._place_features(shape)
        return RowSource(shape, placed, draw_input_converter(draws, shape), draws.between(0, 0xFF))

    def _place_image(self, shape: ConvolutionShape) -> Input:
        around = self._around
        return draw_image(self._draws, around.places, around.memory, shape, self._build.memory_atom)

    def _place_features(self, shape: ConvolutionShape) -> Input:
        """A cube of which any rows are a cube."""
        draws, around, cube = self._draws, self._around, (shape.channels, *shape.size)
        surface = feature_surface(draws, cube, self._build.memory_atom, packs_one_pixel=False, far=around.places.far)
        surface, windows = place_features(draws, around.places, around.memory, surface)
        grains = pack("CDMA.D_FETCH_GRAIN", GRAINS=draws.pick((0, 0, 1, 3)))
        registers = {"CDMA.D_DAIN_MAP": 0, "CDMA.D_FETCH_GRAIN": grains}
        return Input(surface, surface.read(around.memory), registers, windows)

    # ---- Arithmetic ------------------------------------------------------------------------------

    def _shape(self, source: RowSource, height: int, weights: WeightSource | None) -> ConvolutionShape:
        for _ in range(TRIES):
            shape = self._try_shape(source, height, weights)
            if shape and (self._around.errata or shape.avoids_errata()) and shape.cycles(self._build) <= MOST_CYCLES:
                return shape
        raise RejectedError(f"no convolution over {height} rows of at most {MOST_CYCLES} cycles")

    def _try_shape(self, source: RowSource, height: int, weights: WeightSource | None) -> ConvolutionShape | None:
        draws, build, form = self._draws, self._build, source.shape
        if weights is None:
            kernel = draws.pick(KERNELS), draws.pick((*KERNELS, 5) if source.image else KERNELS)
            kernels = draws.around((build.atomic_k,), 4 * build.atomic_k)
        else:
            taps, lines, pixels = weights.stored.shape[1:]
            kernel = (lines, taps // form.channels) if source.image else (lines, pixels)
            if (kernel[1] if source.image else 1) * form.channels != taps:
                return None
            groups = (weights.kernels - 1) // build.atomic_k
            assert self._kept is not None
            fewer = groups and draws.chance(0.6 if self._kept.used_kernels == weights.kernels else 0.3)
            kernels = build.atomic_k * draws.between(1, groups) if fewer else weights.kernels
        stride, dilation = (draws.pick(STRIDES), draws.pick(STRIDES)), (1, 1)
        if not source.image and draws.chance(0.2):
            dilation = draws.between(1, 2), draws.between(1, 2)
        reach = [(taps - 1) * step + 1 for taps, step in zip(kernel, dilation, strict=True)]
        top, bottom = (draws.between(0, reach[0] - 1) for _ in range(2))
        left, right = (form.padding[1], form.padding[3]) if source.image else (
            draws.between(0, reach[1] - 1), draws.between(0, reach[1] - 1)
        )  # fmt: skip
        out_h = (top + height + bottom - reach[0]) // stride[0] + 1
        out_w = (left + form.size[1] + right - reach[1]) // stride[1] + 1
        if min(out_h, out_w) < 1 or top + height + bottom < reach[0] or left + form.size[1] + right < reach[1]:
            return None
        return replace(
            form, size=(height, form.size[1]), kernels=kernels, kernel=kernel, stride=stride, dilation=dilation,
            padding=(top, left, bottom, right), output=(out_h, out_w),
        )  # fmt: skip

    def _program(self, shape: ConvolutionShape, source: RowSource, weights: WeightSource | None) -> LayerProgram:
        draws = self._draws
        if weights is None:
            taken = draws.int8((shape.kernels, shape.channels, *shape.kernel))
        else:
            taken = weights.stored[: shape.kernels]
            taken = from_image_form(taken, shape.channels) if source.image else taken
        return LayerProgram(
            name="random",
            geometry=convolution_geometry(shape, draws.signed(FEATURE)),
            input_converter=source.converter,
            accumulator=Accumulator(truncate_bits=draws.pick(CLIP_TRUNCATES)),
            weights=taken,
        )

    def _place_weights(self, program: LayerProgram, *, image: bool) -> WeightSource:
        stored = to_image_form(program.weights) if image else program.weights
        window, weight_bytes = place_stream(self._around, stored, 0)
        return WeightSource(np.ascontiguousarray(stored), window, weight_bytes)

    # ---- The CBUF --------------------------------------------------------------------------------

    def _banks(self, start: Start, rows: Rows, shape: ConvolutionShape) -> Pair:
        """Banks as the start wants them: the same as before, or others."""
        draws, build, kept = self._draws, self._build, self._kept
        entries = rows.there * shape.line_entries(build)
        least_data, _ = replace(shape, size=(rows.there, shape.size[1])).least_banks(build)
        _, group = shape.least_banks(build)
        everything = -(-shape.weight_bytes // build.cbuf_bank_bytes)
        data = least_data + draws.pick((0, 0, 1))
        weights = draws.pick((everything, everything, everything + 1, group))
        if kept and start.change in ("none", "weights"):
            data = kept.banks[0]
        elif kept and data == kept.banks[0]:
            data += 1
        if kept and start.change in ("none", "data"):
            weights = kept.banks[1]
        elif kept and weights == kept.banks[1]:
            weights += 1
        if entries > data * build.cbuf_bank_entries or weights < group or data + weights > build.cbuf_banks:
            raise RejectedError("the layer does not fit its banks")
        return data, weights

    def _stay(self, rows: Rows, shape: ConvolutionShape, weights: WeightSource, banks: Pair) -> _Stay:
        left = draw_left_rows(self._draws, rows)
        fit = weights.weight_bytes <= banks[1] * self._build.cbuf_bank_bytes
        unused = shape.kernels < weights.kernels
        return _Stay(left, left == rows.there, fit and (unused or self._draws.chance(0.65)))

    def _of_rows(self, source: RowSource, first: int, count: int) -> Values:
        """Registers of rows that are fetched."""
        surface = source.placed.source
        size = {"DATAIN_WIDTH": surface.width - 1, "DATAIN_HEIGHT": count - 1}
        values = {
            "CDMA.D_DATAIN_SIZE_0": pack("CDMA.D_DATAIN_SIZE_0", **size),
            "CDMA.D_DAIN_ADDR_LOW_0": surface.base + first * surface.line_stride,
        }
        if isinstance(surface, PixelSurface):
            values["CDMA.D_DAIN_ADDR_LOW_1"] = surface.base1 + first * surface.uv_stride
        return values

    def _sides(self, source: RowSource, values: Values) -> Values:
        """What an image has left and right lies in the CBUF with its rows: the same for all layers over them."""
        if not source.image:
            return {}
        name = "CDMA.D_ZERO_PADDING_VALUE"
        return {name: pack(name, PAD_VALUE=source.side_value)}

    def _reuse(self, plain: Values, start: Start, source: RowSource, rows: Rows, stay: _Stay) -> Values:
        """The registers that make a plain layer one that reuses and keeps."""
        draws = self._draws
        data, weights = start.keeps_rows, start.keeps_weights
        in_vain = self._in_vain(start, source)
        data_bit = data or (in_vain[0] and draws.chance(0.65))
        weight_bit = weights or (in_vain[1] and draws.chance(0.3))
        bits = {
            "DATA_REUSE": int(data_bit), "WEIGHT_REUSE": int(weight_bit),
            "SKIP_DATA_RLS": int(stay.all_rows), "SKIP_WEIGHT_RLS": int(stay.weights),
        }  # fmt: skip
        values = {
            name: insert(name, plain[name], **bits) for name in ("CDMA.D_MISC_CFG", "CSC.D_MISC_CFG")
        } | self._of_rows(source, rows.first + rows.kept, rows.fetched or rows.used)
        if data and rows.fetched:  # after a partial release CDMA's bit has no effect
            name = "CDMA.D_MISC_CFG"
            values[name] = insert(name, values[name], DATA_REUSE=int(draws.chance(0.5)))
        released = draws.between(1, 1 << 12) if stay.all_rows else rows.used - stay.rows
        values["CSC.D_RELEASE"] = pack("CSC.D_RELEASE", RLS_SLICES=released - 1)
        names = ["CDMA.D_DATAIN_SIZE_EXT_0"] if draws.chance(0.3) else []  # ignored
        names += ["CDMA.D_DAIN_ADDR_LOW_0", "CDMA.D_DAIN_ADDR_LOW_1"] if not rows.fetched and draws.chance(0.6) else []
        names += ["CDMA.D_WEIGHT_ADDR_LOW"] if weights and draws.chance(0.6) else []
        return values | {name: draws.between(0, 2**32 - 1) & find_register(name).writable_mask for name in names}

    def _in_vain(self, start: Start, source: RowSource) -> tuple[bool, bool]:
        """Whether the reuse of rows, and of weights, could be asked for without effect."""
        kept = self._kept
        if kept is None:
            return False, False
        gone = not kept.rows or not start.same_data_banks or kept.source.image != source.image
        return gone and not start.keeps_rows, kept.weights is None
