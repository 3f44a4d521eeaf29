"""Random pooling layers: from memory, and behind SDP (pdp_cdp.md sections 2 to 5)."""

from nvdla_int8.generator.cubes import place_registers, place_source
from nvdla_int8.generator.draws import Draws, RejectedError
from nvdla_int8.generator.large_shapes import LARGE_UNITS, draw_large_cube
from nvdla_int8.generator.layers import (
    Layer,
    Make,
    Surroundings,
    convolution_layer,
    image_layer,
    memory_layer,
    requantised_layer,
)
from nvdla_int8.generator.pooling_shapes import (
    KERNELS,
    MOST_UNUSED_COLUMNS,
    Windows,
    buffered_columns,
    draw_split,
    draw_wide_windows,
    draw_windows,
)
from nvdla_int8.generator.registers import Values
from nvdla_int8.registers.pooling import encode_pooling
from nvdla_int8.registers.register_map import find_register, insert, pack
from nvdla_int8.stages.pooling import Pooling, PoolingMethod, reciprocal_q16
from nvdla_int8.stages.pooling_split import WidthSplit
from nvdla_int8.stages.widths import FEATURE, POOL_PAD_VALUE, POOL_RECIPROCAL
from nvdla_int8.surfaces.feature import FeatureSurface

MOST_UNITS = 4000
"""Atoms of an input, and of an output."""

MOST_UNUSED = 15
"""Rows or columns that no window uses, where they may lose an interrupt or spoil the next layer (P5, P6)."""

BEFORE_FLYING: tuple[Make, ...] = (convolution_layer, convolution_layer, image_layer, memory_layer, requantised_layer)
"""What SDP hands to PDP."""

IGNORED = (
    "PDP.D_SRC_BASE_ADDR_LOW", "PDP.D_SRC_LINE_STRIDE", "PDP.D_SRC_SURFACE_STRIDE", "PDP.D_NAN_FLUSH_TO_ZERO",
    "PDP.D_DATA_FORMAT", "PDP.D_CYA", "PDP_RDMA.D_FLYING_MODE", "PDP_RDMA.D_DATA_FORMAT",
    "PDP_RDMA.D_POOLING_PADDING_CFG", "PDP_RDMA.D_CYA",
)  # fmt: skip
"""Registers that nv_small does not look at."""


def pooling_layer(around: Surroundings, there: FeatureSurface | None) -> Layer:
    """PDP from memory to memory."""
    draws, atom = around.draws, around.build.memory_atom
    cube = None if there is None else (there.channels, there.height, there.width)
    if around.extent == "large":
        cube = draw_large_cube(draws, atom)
    wide = cube is None and draws.chance(0.3)
    one_row = wide and draws.chance(0.4)  # then the line buffer holds most columns
    rows = draw_windows(
        draws, "height", cube[1] if cube else None, most_unused=MOST_UNUSED * around.errata,
        kernels=(1,) if one_row else KERNELS,
    )  # fmt: skip
    room = buffered_columns(rows.axis)
    if wide:
        columns = draw_wide_windows(draws, room)
    else:
        columns = draw_windows(
            draws, "width", cube[2] if cube else None,
            most_unused=MOST_UNUSED if around.errata else MOST_UNUSED_COLUMNS,
        )  # fmt: skip
    channels = cube[0] if cube else draws.around((atom,), _most_surfaces(rows, columns) * atom)
    _check_work(channels, rows, columns, atom, LARGE_UNITS if around.extent == "large" else MOST_UNITS)
    splits = columns.out_size > room or (columns.out_size > 1 and draws.chance(0.2))
    split = draw_split(draws, columns, room) if splits else None
    source, windows = place_source(around, (channels, rows.size, columns.size), there)
    values = _pdp(draws, rows, columns, channels, flying=False, split=split)
    values |= {
        "PDP_RDMA.D_DATA_CUBE_IN_WIDTH": values["PDP.D_DATA_CUBE_IN_WIDTH"],
        "PDP_RDMA.D_DATA_CUBE_IN_HEIGHT": rows.size - 1,
        "PDP_RDMA.D_DATA_CUBE_IN_CHANNEL": channels - 1,
        "PDP_RDMA.D_SRC_RAM_CFG": pack("PDP_RDMA.D_SRC_RAM_CFG", SRC_RAM_TYPE="MC"),
        "PDP_RDMA.D_PERF_ENABLE": draws.between(0, 1),
        **place_registers("PDP_RDMA.D_SRC", source),
    }
    destination, outputs = around.destination((channels, rows.out_size, columns.out_size), packs_one_pixel=False)
    return Layer(_complete(draws, values, destination), windows, outputs, destination)


def fused_layer(around: Surroundings, there: FeatureSurface | None) -> Layer:
    """A convolution, or SDP from memory, whose output PDP takes as it comes."""
    return _behind(around.draws.pick(BEFORE_FLYING)(around, there), around)


def fused_memory_layer(around: Surroundings, there: FeatureSurface | None) -> Layer:
    """SDP from memory whose output PDP takes as it comes."""
    return _behind(memory_layer(around, there), around)


def _behind(before: Layer, around: Surroundings) -> Layer:
    """PDP behind a layer of SDP."""
    draws, atom = around.draws, around.build.memory_atom
    cube = before.destination
    rows = draw_windows(draws, "height", cube.height, most_unused=0)
    columns = draw_windows(draws, "width", cube.width, most_unused=MOST_UNUSED_COLUMNS)
    if columns.out_size > buffered_columns(rows.axis):
        raise RejectedError("the line buffer is too short, and a flying layer is not split")
    _check_work(cube.channels, rows, columns, atom)
    values = _pdp(draws, rows, columns, cube.channels, flying=True)
    values["PDP.D_DATA_CUBE_IN_CHANNEL"] = cube.channels - 1
    values |= _handed_over(before.values)
    destination, outputs = around.destination((cube.channels, rows.out_size, columns.out_size), packs_one_pixel=False)
    # Loaded like an input, and found unchanged: nothing is written where SDP's own registers point.
    windows = (*before.windows, *before.outputs)
    return Layer(_complete(draws, values, destination), windows, outputs, destination)


def _most_surfaces(rows: Windows, columns: Windows) -> int:
    """Atoms of channels that are not too much work, 1 to 4."""
    area = max(rows.size * columns.size, rows.out_size * columns.out_size)
    return max(1, min(4, MOST_UNITS // area))


def _check_work(channels: int, rows: Windows, columns: Windows, atom: int, most: int = MOST_UNITS) -> None:
    if -(-channels // atom) * max(rows.size * columns.size, rows.out_size * columns.out_size) > most:
        raise RejectedError(f"a cube of {channels} x {rows.size} x {columns.size}")


def _pdp(
    draws: Draws, rows: Windows, columns: Windows, channels: int, *, flying: bool, split: WidthSplit | None = None
) -> Values:
    """PDP's registers but its destination, with PDP_RDMA's copies."""
    in_width, out_width = columns.size - 1, columns.out_size - 1
    if split is not None and draws.chance(0.5):  # then the widths of the whole do not matter
        in_width, out_width = draws.between(0, 8191), draws.between(0, 8191)
    return encode_pooling(draw_pooling(draws, rows, columns), flying=flying, split=split) | {
        "PDP.D_DATA_CUBE_IN_WIDTH": in_width,
        "PDP.D_DATA_CUBE_IN_HEIGHT": rows.size - 1,
        "PDP.D_DATA_CUBE_OUT_WIDTH": out_width,
        "PDP.D_DATA_CUBE_OUT_HEIGHT": rows.out_size - 1,
        "PDP.D_DATA_CUBE_OUT_CHANNEL": channels - 1,
        "PDP.D_PERF_ENABLE": draws.between(0, 1),
    }


def draw_pooling(draws: Draws, rows: Windows, columns: Windows) -> Pooling:
    """The arithmetic: averages as they should be, and with any numbers."""
    usual = draws.chance(0.6)
    zero = draws.pick((0, 0, draws.signed(FEATURE)))
    reciprocals = [
        reciprocal_q16(axis.kernel) if usual or draws.chance(0.5) else draws.between(0, (1 << POOL_RECIPROCAL) - 1)
        for axis in (rows.axis, columns.axis)
    ]
    return Pooling(
        method=draws.pick((*PoolingMethod, PoolingMethod.AVERAGE, PoolingMethod.AVERAGE)),
        kernel_h=rows.axis.kernel,
        kernel_w=columns.axis.kernel,
        stride_y=rows.axis.stride,
        stride_x=columns.axis.stride,
        pad_top=rows.axis.before,
        pad_bottom=rows.axis.after,
        pad_left=columns.axis.before,
        pad_right=columns.axis.after,
        pad_values=tuple(
            missing * zero if usual else draws.pick((draws.signed(POOL_PAD_VALUE), draws.signed(FEATURE)))
            for missing in range(1, 8)
        ),
        reciprocal_h_q16=reciprocals[0],
        reciprocal_w_q16=reciprocals[1],
    )


def _complete(draws: Draws, values: Values, destination: FeatureSurface) -> Values:
    """With the destination, and with anything in registers that do not count."""
    values |= {
        "PDP.D_DST_RAM_CFG": pack("PDP.D_DST_RAM_CFG", DST_RAM_TYPE="MC"),
        **place_registers("PDP.D_DST", destination),
    }
    blocks = {name.partition(".")[0] for name in values}
    if draws.chance(0.3):
        values |= {
            name: draws.between(0, 2**32 - 1) & find_register(name).writable_mask
            for name in IGNORED
            if name.partition(".")[0] in blocks
        }
    return values


def _handed_over(values: Values) -> Values:
    """SDP's registers with its output going to PDP, as bytes."""
    mode, formats = "SDP.D_FEATURE_MODE_CFG", ("SDP.D_DATA_FORMAT", "SDP_RDMA.D_FEATURE_MODE_CFG")
    values = {**values, mode: insert(mode, values[mode], OUTPUT_DST="PDP")}
    return values | {name: insert(name, values[name], OUT_PRECISION="INT8") for name in formats if name in values}
