"""Are a pooling layer's registers legal? Rules P0 to P7 of pdp_cdp.md section 5, and where its cubes lie."""

from collections.abc import Container, Iterator
from typing import NamedTuple

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.cube_places import used_strides
from nvdla_int8.device.diagnostics import UNMODELLED, Diagnostic
from nvdla_int8.device.finder import LARGEST_CUBE, Finder
from nvdla_int8.device.pooling_layer import METHOD, PoolingLayer
from nvdla_int8.registers.pooling import decode_kernel_size
from nvdla_int8.stages.convolution import LARGEST_CUBE as LARGEST_SIDE
from nvdla_int8.stages.pooling import Axis
from nvdla_int8.stages.pooling_split import MOST_PART_WIDTH, line_buffer_columns

FLYING, SPLIT = "PDP.D_OPERATION_MODE_CFG.FLYING_MODE", "PDP.D_OPERATION_MODE_CFG.SPLIT_NUM"
KERNEL, PADDING = "PDP.D_POOLING_KERNEL_CFG.KERNEL_", "PDP.D_POOLING_PADDING_CFG.PAD_"
HEIGHT, WIDTH = "PDP.D_DATA_CUBE_IN_HEIGHT.CUBE_IN_HEIGHT", "PDP.D_DATA_CUBE_IN_WIDTH.CUBE_IN_WIDTH"
OUT_HEIGHT, OUT_WIDTH = "PDP.D_DATA_CUBE_OUT_HEIGHT.CUBE_OUT_HEIGHT", "PDP.D_DATA_CUBE_OUT_WIDTH.CUBE_OUT_WIDTH"
PART_IN, PART_OUT = "D_PARTIAL_WIDTH_IN.PARTIAL_WIDTH_IN_", "D_PARTIAL_WIDTH_OUT.PARTIAL_WIDTH_OUT_"

COLUMNS_THAT_LOSE_AN_INTERRUPT = 4
"""Fewer unused columns have no consequence (P6)."""


class _Direction(NamedTuple):
    """Rows, or the columns of a part: size in and out, with the registers that hold what is found."""

    axis: Axis
    size: int
    out_size: int
    kernel: str
    before: str
    after: str
    in_name: str
    out_name: str
    what: str

    @property
    def unused(self) -> int:
        """Rows or columns at the end that no window uses."""
        return self.size - ((self.out_size - 1) * self.axis.stride - self.axis.before + self.axis.kernel)


class PoolingChecks(Finder):
    """Checks of PDP and PDP_RDMA, and of SDP as far as PDP takes its output.

    Parameters
    ----------
    registers
        The layer's registers, of all the blocks it uses.
    build
        The build it runs on.
    strict
        Make errata errors.
    tolerated
        Errata that stay warnings in strict mode.
    """

    def __init__(self, registers: LayerRegisters, build: Build, *, strict: bool, tolerated: Container[str]) -> None:
        super().__init__(registers, build)
        self._layer = registers.decoded(PoolingLayer, build)
        self._strict = strict
        self._tolerated = tolerated

    def find(self) -> Iterator[Diagnostic]:
        """All findings."""
        if self.build.name != "nv_small":
            yield self.error(UNMODELLED, METHOD, f"PDP of {self.build.name} is not modelled")
            return
        if not self._layer.known_method:
            yield self.error("P0", METHOD, "this method is reserved: the hardware gives 0 for nearly everything")
            return
        found = list(self._sizes())
        if found:
            yield from found
            return
        found = list(self._partners()) or list(self._split_rules()) or list(self._windows())
        yield from found
        yield from self._places()
        if not any(finding.error for finding in found):
            yield from self._errata()

    def _sizes(self) -> Iterator[Diagnostic]:
        layer = self._layer
        lanes = -(-layer.channels // self.build.memory_atom) * self.build.memory_atom
        elements = max(layer.width * layer.height, layer.out_width * layer.out_height) * lanes
        if elements > LARGEST_CUBE:
            name = "PDP.D_DATA_CUBE_OUT_CHANNEL.CUBE_OUT_CHANNEL"
            yield self.error("size", name, f"a cube of {elements:,} elements is beyond this model")
        widest = max(layer.width, layer.out_width)
        if widest > LARGEST_SIDE:  # only parts add up to more
            text = f"parts of {widest:,} columns together are beyond this model, which takes {LARGEST_SIDE:,}"
            yield self.error("size", SPLIT, text)
        if layer.flying and layer.split is not None:
            yield self.error("P0", SPLIT, f"with {self.describe(FLYING)}, behind SDP, the width cannot be split")

    # ---- Who delivers -------------------------------------------------------------------------

    def _partners(self) -> Iterator[Diagnostic]:
        out_channel = "PDP.D_DATA_CUBE_OUT_CHANNEL.CUBE_OUT_CHANNEL"
        if self._layer.flying:
            for part in ("WIDTH", "HEIGHT", "CHANNEL"):
                name = f"PDP.D_DATA_CUBE_IN_{part}.CUBE_IN_{part}"
                yield from self.agree(name, f"SDP.D_DATA_CUBE_{part}.{part}")
            yield from self.agree("PDP.D_DATA_CUBE_IN_CHANNEL.CUBE_IN_CHANNEL", out_channel, "P0")
            return
        pairs = [(f"{one}", one.replace("PDP.", "PDP_RDMA.")) for one in self._copied()]
        pairs += [(out_channel, "PDP_RDMA.D_DATA_CUBE_IN_CHANNEL.CUBE_IN_CHANNEL")]
        pairs += [(SPLIT, "PDP_RDMA.D_OPERATION_MODE_CFG.SPLIT_NUM")]
        for one, other in pairs:
            yield from self.agree(one, other, "P0")
        if self._layer.split is not None:
            other = "PDP_RDMA.D_POOLING_KERNEL_CFG"
            width = decode_kernel_size(self.registers.values, other, "KERNEL_WIDTH")
            if width != self._layer.pooling.kernel_w:
                yield self.error("P0", f"{KERNEL}WIDTH", f"but {self.describe(f'{other}.KERNEL_WIDTH')}")
            yield from self.agree(f"{KERNEL}STRIDE_WIDTH", f"{other}.KERNEL_STRIDE_WIDTH", "P0")

    def _copied(self) -> list[str]:
        """Fields that PDP_RDMA has under the same names and that count."""
        split = self._layer.split
        if split is None:
            return [HEIGHT, WIDTH]
        return [
            HEIGHT,
            *(f"PDP.{PART_IN}{part}" for part in ("FIRST", "MID", "LAST") if part != "MID" or split.parts > 2),
        ]

    # ---- Windows ------------------------------------------------------------------------------

    def _split_rules(self) -> Iterator[Diagnostic]:
        """What makes the parts fit together: widths of all but the last part, and where they start."""
        layer, split = self._layer, self._layer.split
        if split is None:
            return
        pooling = layer.pooling
        first = (split.out_first - 1) * pooling.stride_x - pooling.pad_left + pooling.kernel_w
        if split.in_first != first:
            text = f"{split.out_first} output columns take {first} in the first part, the field is one less"
            yield self.error("P0", f"PDP.{PART_IN}FIRST", text)
        if split.parts > 2 and split.in_mid != split.out_mid * pooling.stride_x:
            text = f"{split.out_mid} output columns take {split.out_mid * pooling.stride_x} more, the field is one less"
            yield self.error("P0", f"PDP.{PART_IN}MID", text)
        overlap = pooling.kernel_w - pooling.stride_x
        if split.in_first < overlap:
            text = f"the next part begins {overlap} columns before the end of this one, left of the cube"
            yield self.error("P0", f"PDP.{PART_IN}FIRST", text)
        last = split.in_last + overlap
        if not 1 <= last <= MOST_PART_WIDTH:
            text = f"the last part has {last} columns, a part has 1 to {MOST_PART_WIDTH}"
            yield self.error("P0", f"PDP.{PART_IN}LAST", text)

    def _rows(self) -> _Direction:
        layer = self._layer
        names = (f"{KERNEL}HEIGHT", f"{PADDING}TOP", f"{PADDING}BOTTOM", HEIGHT, OUT_HEIGHT)
        return _Direction(layer.pooling.rows, layer.height, layer.out_height, *names, "rows")

    def _columns(self) -> Iterator[_Direction]:
        """The columns of each part, of equal ones in the middle once."""
        layer = self._layer
        in_names, out_names = [WIDTH], [OUT_WIDTH]
        parts = layer.parts
        if layer.split is not None:
            which = _used_parts(len(parts))
            parts = (*parts[: len(which) - 1], parts[-1])
            in_names, out_names = [[f"PDP.{name}{one}" for one in which] for name in (PART_IN, PART_OUT)]
        for part, in_name, out_name in zip(parts, in_names, out_names, strict=True):
            names = (f"{KERNEL}WIDTH", f"{PADDING}LEFT", f"{PADDING}RIGHT", in_name, out_name)
            axis = part.pooling(layer.pooling).columns
            yield _Direction(axis, part.width, part.out_width, *names, "columns")

    def _windows(self) -> Iterator[Diagnostic]:
        """P0 to P4, of rows and of the columns of each part; the parts fit together."""
        rows, columns = self._rows(), list(self._columns())
        for direction in (rows, *columns):
            yield from self._direction(direction)
        pooling = self._layer.pooling
        most = line_buffer_columns(pooling.kernel_h, pooling.stride_y)
        for part in columns:
            if part.out_size > most:
                text = (
                    f"windows of {pooling.kernel_h} rows with stride {pooling.stride_y} leave the line buffer room for"
                )
                yield self.error("P3", part.out_name, f"{text} {most} columns, {part.out_size} are asked for")
        if pooling.pad_top // pooling.stride_y + 1 > self._layer.out_height:
            text = f"with stride {pooling.stride_y} it fills more windows than {self.describe(OUT_HEIGHT)} has"
            yield self.error("P4", f"{PADDING}TOP", f"{text}: wrong data or a hang")

    def _direction(self, direction: _Direction) -> Iterator[Diagnostic]:
        axis, size, out_size = direction.axis, direction.size, direction.out_size
        fits = f"{size} {direction.what} with padding of {axis.before} and {axis.after}"
        if size + axis.before + axis.after < axis.kernel:
            yield self.error("P0", direction.kernel, f"a window of {axis.kernel} does not fit {fits}")
            return
        windows = axis.out_size(size)
        if out_size != windows:
            end = "wrong data" if out_size < windows else "it hangs"
            text = f"{windows} windows of {axis.kernel} with stride {axis.stride} fit {fits}, not {out_size}: {end}"
            yield self.error("P0", direction.out_name, text)
        for name, padding in ((direction.before, axis.before), (direction.after, axis.after)):
            if padding >= axis.kernel:
                text = f"a window of {axis.kernel} would hold nothing but padding: wrong data or a hang"
                yield self.error("P1", name, text)
        rest = (size + axis.before + axis.after - axis.kernel) % axis.stride
        if axis.after >= axis.stride:
            if axis.after % axis.stride < rest:
                text = f"stride {axis.stride} leaves {rest} {direction.what} over, with {fits}: wrong data or a hang"
                yield self.error("P2", direction.after, text)
            elif size + axis.before < axis.kernel and rest and out_size > 1:
                text = f"the first window reaches beyond the input, and {rest} {direction.what} are left over"
                yield self.error("P2", direction.after, f"{text}, with {fits}: wrong data or a hang")

    # ---- Memory -------------------------------------------------------------------------------

    def _places(self) -> Iterator[Diagnostic]:
        layer = self._layer
        shape = (layer.channels, layer.out_height, layer.out_width)
        ram_types = ["PDP.D_DST_RAM_CFG.DST_RAM_TYPE"]
        upper = ["PDP.D_DST_BASE_ADDR_HIGH"]
        base = "PDP.D_DST_BASE_ADDR_LOW"
        found = list(self.written(base, used_strides("PDP.D_DST", self.build, shape), layer.destination_surface))
        if not layer.flying:
            ram_types.append("PDP_RDMA.D_SRC_RAM_CFG.SRC_RAM_TYPE")
            upper.append("PDP_RDMA.D_SRC_BASE_ADDR_HIGH")
            strides = used_strides("PDP_RDMA.D_SRC", self.build, (layer.channels, layer.height, layer.width))
            found += self.placed({"PDP_RDMA.D_SRC_BASE_ADDR_LOW": strides}, lambda: layer.source_surface().extents())
            if not found:
                source, destination = layer.source_surface(), layer.destination_surface()
                found += self.apart(base, source, destination, in_place=layer.split is None)
        yield from found
        yield from self.one_memory(ram_types, "P7")
        yield from self.ignored_upper(upper)

    # ---- Errata -------------------------------------------------------------------------------

    def _errata(self) -> Iterator[Diagnostic]:
        rows = self._rows()
        if rows.unused > 0:
            flying = "; SDP can hang in this layer" if self._layer.flying else ""
            count = f"{rows.unused} rows" if rows.unused > 1 else "row"
            text = (
                f"no window uses the last {count}: this layer's bytes are right, but it ends too early, and "
                f"the next PDP layer, even if started after the interrupt, is wrong or hangs{flying}; "
                f"way out: a height without them"
            )
            yield self._erratum("P5", HEIGHT, text)
        *_, last = self._columns()
        if last.unused >= COLUMNS_THAT_LOSE_AN_INTERRUPT:
            text = (
                f"no window uses the last {last.unused} columns: this layer's bytes and later layers are right, "
                "but with one latency of the memory the interrupt is lost; way out: a width without them"
            )
            yield self._erratum("P6", last.in_name, text)

    def _erratum(self, rule: str, name: str, text: str) -> Diagnostic:
        make = self.error if self._strict and rule not in self._tolerated else self.warning
        return make(rule, name, text)


def _used_parts(parts: int) -> tuple[str, ...]:
    """What the registers call the parts; two do without the middle."""
    return ("FIRST", "LAST") if parts == 2 else ("FIRST", "MID", "LAST")
