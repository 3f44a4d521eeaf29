"""Windows of any size as layers of PDP, whose windows have up to 8 rows and columns (pdp_cdp.md section 2)."""

from typing import NamedTuple

import numpy as np

from nvdla_int8.errors import BenchError
from nvdla_int8.network.float_network import FloatPooling
from nvdla_int8.network.onnx_windows import Windows
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.pooling import MOST_KERNEL, Axis, Pooling, PoolingMethod, reciprocal_q16
from nvdla_int8.stages.pooling_program import PoolingProgram
from nvdla_int8.stages.widths import FEATURE, POOL_RECIPROCAL_FRACTION


class NotInPdp(BenchError):
    """PDP has no such windows, whatever layers they are made of."""


class Place(NamedTuple):
    """A pooling layer in its network: its name and its tensors."""

    name: str
    source: str
    output: str

    def before(self, what: str) -> "Place":
        """The place of a layer before this one that does a part of its work."""
        return Place(f"{self.name} ({what})", self.source, f"{self.output} ({what})")

    def behind(self, first: "Place") -> "Place":
        """Return the place with that layer before it."""
        return self._replace(source=first.output)


def pooling_layers(
    place: Place, method: PoolingMethod, windows: Windows, size: tuple[int, int], *, ceil: bool, counted: bool
) -> tuple[FloatPooling, ...]:
    """Pool by one layer, or by two where a window is larger than PDP's.

    Parameters
    ----------
    place
        Names.
    method
        Maximum or average.
    windows
        The windows.
    size
        Height and width of the input.
    ceil
        Whether a last window may reach beyond the padding.
    counted
        Whether an average counts padding.

    Raises
    ------
    NotInPdp
        With the reason.
    """
    if windows.dilations != (1, 1):
        raise NotInPdp(f"dilations = {list(windows.dilations)}, PDP's windows have none")
    axes = list(zip(_axes(windows), size, strict=True))
    ceil = ceil and any(axis.out_size(length, ceil=True) != axis.out_size(length) for axis, length in axes)
    padded, average = any(windows.pads), method is PoolingMethod.AVERAGE
    if average and counted and padded and ceil:
        raise NotInPdp("count_include_pad = 1 beside ceil_mode = 1 and pads: divisors that PDP does not have")
    if max(windows.kernel) <= MOST_KERNEL:
        program = PoolingProgram(
            name=place.name,
            window=_window(method, windows),
            ceil=ceil,
            exclude_padding=average and (ceil or (padded and not counted)),
        )
        kernel_h, kernel_w = windows.kernel
        return (FloatPooling(program, (place.source,), place.output, 1 / kernel_h, 1 / kernel_w),)
    if not average:
        return _maxima_of_maxima(place, windows, size, ceil=ceil)
    if not padded and not ceil and windows.kernel == size:
        return one_value(place, method, size)
    if not padded and not ceil and windows.strides == windows.kernel:
        return _averages_of_tiles(place, windows)
    raise NotInPdp(f"kernel_shape = {list(windows.kernel)}: PDP's windows have 1 to {MOST_KERNEL} rows and columns")


def one_value(place: Place, method: PoolingMethod, size: tuple[int, int]) -> tuple[FloatPooling, ...]:
    """One value of a whole channel: of tiles first, then of what they give, where one window is too small.

    An average's tiles are filled up with nothing, int8 zeros, and the second layer's factors make up for it: with
    a rows in each of the tiles, they divide by size / a. NotInPdp for more than two layers can reach over.
    """
    if max(size) > MOST_KERNEL**2:
        raise NotInPdp(
            f"its input is {size[0]} x {size[1]}, two of PDP's windows reach over {MOST_KERNEL**2} x {MOST_KERNEL**2}"
        )
    tile_h, tile_w = map(_tile, size)
    down, across = -(-size[0] // tile_h), -(-size[1] // tile_w)
    if (down, across) == (1, 1):
        program = PoolingProgram(name=place.name, window=_window(method, Windows(size)))
        return (FloatPooling(program, (place.source,), place.output, 1 / size[0], 1 / size[1]),)
    pads = (0, 0, down * tile_h - size[0], across * tile_w - size[1])
    tiles = _window(method, Windows((tile_h, tile_w), (tile_h, tile_w), pads=pads))
    rest = _window(method, Windows((down, across)))
    factor_h, factor_w = tile_h / size[0], tile_w / size[1]
    if method is PoolingMethod.AVERAGE:
        one = 1 << POOL_RECIPROCAL_FRACTION
        rest = rest.model_copy(
            update={"reciprocal_h_q16": round(one * factor_h), "reciprocal_w_q16": round(one * factor_w)}
        )
    first = place.before("tiles")
    program = PoolingProgram(name=first.name, window=tiles)
    # What the tiles give grows with every element, so that equal ones at the ends of int8 show the range.
    ends = (np.full((1, *size), end, np.int8) for end in signed_range(FEATURE))
    low, high = (int(program.run(cube).output.sum()) for cube in ends)
    of_tiles = FloatPooling(program, (first.source,), first.output, 1 / tile_h, 1 / tile_w, real_padding=False)
    of_rest = PoolingProgram(name=place.name, window=rest)
    return of_tiles, FloatPooling(
        of_rest, (first.output,), place.output, factor_h, factor_w, sum_range=(low, high), tiles=of_tiles
    )


def _averages_of_tiles(place: Place, windows: Windows) -> tuple[FloatPooling, ...]:
    """Averages side by side: of tiles first, then of what they give."""
    tile_h, tile_w = map(_tile, windows.kernel)
    rest = Windows((windows.kernel[0] // tile_h, windows.kernel[1] // tile_w))
    if (rest.kernel[0] * tile_h, rest.kernel[1] * tile_w) != windows.kernel or max(rest.kernel) > MOST_KERNEL:
        raise NotInPdp(f"kernel_shape = {list(windows.kernel)} has no factors up to {MOST_KERNEL}, PDP's largest")
    rest = rest._replace(strides=rest.kernel)
    tiles = Windows((tile_h, tile_w), (tile_h, tile_w))
    first = place.before("tiles")
    of_tiles, of_rest = (
        FloatPooling(
            PoolingProgram(name=at.name, window=_window(PoolingMethod.AVERAGE, one)),
            (at.source,),
            at.output,
            1 / one.kernel[0],
            1 / one.kernel[1],
            tiles=before,
        )
        for at, one, before in ((first, tiles, None), (place.behind(first), rest, None))
    )
    return of_tiles, of_rest


def _maxima_of_maxima(place: Place, windows: Windows, size: tuple[int, int], *, ceil: bool) -> tuple[FloatPooling, ...]:
    """Maxima of all windows of 8, then of as many of those as a large window has."""
    inner, outer = [], []
    for axis, length in zip(_axes(windows), size, strict=True):
        name, kernel, stride, before, after = axis
        if ceil:  # padding makes the last window a whole one
            after = max((axis.out_size(length, ceil=True) - 1) * stride + kernel - length - before, after)
        if kernel <= MOST_KERNEL:
            inner.append(Axis(name, 1, 1, 0, 0))
            outer.append(Axis(name, kernel, stride, before, after))
        else:
            most = MOST_KERNEL - 1
            inner.append(Axis(name, MOST_KERNEL, 1, min(before, most), min(after, most)))
            outer.append(Axis(name, kernel - most, stride, max(before - most, 0), max(after - most, 0)))
    first = place.before(f"windows of {' x '.join(str(axis.kernel) for axis in inner)}")
    program = PoolingProgram(name=first.name, window=_window(PoolingMethod.MAX, _of_axes(inner)))
    layer = FloatPooling(program, (first.source,), first.output)
    return layer, *pooling_layers(
        place.behind(first),
        PoolingMethod.MAX,
        _of_axes(outer),
        program.out_size(*size),
        ceil=False,
        counted=False,
    )


def _window(method: PoolingMethod, windows: Windows) -> Pooling:
    """Return the window with the usual reciprocals; PDP's limits are those of the fields."""
    reciprocals: dict[str, int] = {}
    (kernel_h, kernel_w), (stride_y, stride_x) = windows.kernel, windows.strides
    if method is PoolingMethod.AVERAGE:
        reciprocals = {"reciprocal_h_q16": reciprocal_q16(kernel_h), "reciprocal_w_q16": reciprocal_q16(kernel_w)}
    top, left, bottom, right = windows.pads
    try:
        return Pooling(
            method=method,
            kernel_h=kernel_h,
            kernel_w=kernel_w,
            stride_y=stride_y,
            stride_x=stride_x,
            pad_top=top,
            pad_left=left,
            pad_bottom=bottom,
            pad_right=right,
            **reciprocals,
        )
    except BenchError as error:
        raise NotInPdp(str(error)) from None


def _of_axes(axes: list[Axis]) -> Windows:
    rows, columns = axes
    return Windows(
        (rows.kernel, columns.kernel),
        (rows.stride, columns.stride),
        pads=(rows.before, columns.before, rows.after, columns.after),
    )


def _axes(windows: Windows) -> list[Axis]:
    top, left, bottom, right = windows.pads
    (kernel_h, kernel_w), (stride_y, stride_x) = windows.kernel, windows.strides
    return [Axis("height", kernel_h, stride_y, top, bottom), Axis("width", kernel_w, stride_x, left, right)]


def _tile(size: int) -> int:
    """Rows or columns of a tile: all of them if one window holds them, else a divisor if there is one."""
    if size <= MOST_KERNEL:
        return size
    least = -(-size // MOST_KERNEL)
    divisors = [tile for tile in range(least, MOST_KERNEL + 1) if size % tile == 0]
    return max(divisors, default=least)
