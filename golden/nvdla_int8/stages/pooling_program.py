"""A pooling layer's program: its windows, and how PDP computes them for an input's size (pdp_cdp.md sections 2, 5)."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.parameters import Flag
from nvdla_int8.stages.named_stages import NamedStages
from nvdla_int8.stages.pooling import Axis, Pooling, reciprocal_q16
from nvdla_int8.stages.unweighted_program import OneInputProgram


class Run(NamedTuple):
    """Windows in one direction that PDP takes together, and the input that they use, to its last element.

    ``before`` and ``after`` are the padding that they reach over.
    """

    kernel: int
    before: int
    after: int
    first: int
    size: int
    out_first: int
    out_size: int


class PoolingRegion(NamedTuple):
    """A part of the output that is one pooling problem: its parameters, its rows and its columns."""

    pooling: Pooling
    rows: Run
    columns: Run


class PoolingProgram(OneInputProgram):
    """Everything one pooling layer needs.

    Attributes
    ----------
    window
        The arithmetic, with the padding around the whole input.
    ceil
        A last window may reach beyond the padding, if it begins before it; otherwise only whole windows count.
    exclude_padding
        An average is that of the elements inside the input. PDP divides by the whole window, so that windows at the
        borders become pooling problems of their own, without padding and with smaller windows.
    """

    format: Literal["nvdla-int8 pooling program 1"] = "nvdla-int8 pooling program 1"
    window: Pooling
    ceil: Flag = False
    exclude_padding: Flag = False

    def model_post_init(self, _context: object) -> None:
        """Refuse windows that would hold nothing but padding (P1)."""
        for axis in (self.window.rows, self.window.columns):
            if max(axis.before, axis.after) >= axis.kernel:
                raise BenchError(
                    f"layer {self.name}: padding {axis.before} and {axis.after} of the {axis.name} must be less than "
                    f"its windows' {axis.kernel}"
                )

    def out_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the output; BenchError when no window fits."""
        sizes = [self._windows(axis, size) for axis, size in ((self.window.rows, height), (self.window.columns, width))]
        return sizes[0], sizes[1]

    def regions(self, height: int, width: int) -> tuple[PoolingRegion, ...]:
        """The pooling problems of an input of this size, from the top and from the left; mostly one.

        None of them leaves a row or column at its end unused (P2, P5 and P6 of pdp_cdp.md section 5).
        """
        rows, columns = self._runs(self.window.rows, height), self._runs(self.window.columns, width)
        return tuple(PoolingRegion(self._pooling(row, column), row, column) for row in rows for column in columns)

    def _run(self, data: NDArray[np.int8]) -> NamedStages:
        *_, height, width = data.shape
        planes = data.reshape(-1, height, width)
        out_height, out_width = self.out_size(height, width)
        vertical = np.empty((len(planes), out_height, out_width), np.int16)
        output = np.empty(vertical.shape, np.int8)
        for pooling, rows, columns in self.regions(height, width):
            part = planes[:, rows.first : rows.first + rows.size, columns.first : columns.first + columns.size]
            stages = pooling.apply(part, rows.out_size, columns.out_size)
            place = (
                slice(None),
                slice(rows.out_first, rows.out_first + rows.out_size),
                slice(columns.out_first, columns.out_first + columns.out_size),
            )
            vertical[place], output[place] = stages.vertical, stages.output
        shape = (*data.shape[:-2], out_height, out_width)
        return NamedStages({"vertical": vertical.reshape(shape), "output": output.reshape(shape)}, {})

    def _windows(self, axis: Axis, size: int) -> int:
        count = axis.out_size(size, ceil=self.ceil)
        if count < 1:
            raise BenchError(
                f"windows of {axis.kernel} do not fit {axis.name} {size} with padding {axis.before} and {axis.after}"
            )
        return count

    def _runs(self, axis: Axis, size: int) -> list[Run]:
        count = self._windows(axis, size)
        if not self.exclude_padding:
            reach = (count - 1) * axis.stride - axis.before + axis.kernel
            return [Run(axis.kernel, axis.before, max(reach - size, 0), 0, min(reach, size), 0, count)]
        runs: list[Run] = []
        for window in range(count):
            start = window * axis.stride - axis.before
            begin, end = max(start, 0), min(start + axis.kernel, size)
            whole = end - begin == axis.kernel
            if whole and runs and runs[-1].kernel == axis.kernel:
                last = runs[-1]
                runs[-1] = last._replace(size=end - last.first, out_size=last.out_size + 1)
            else:
                runs.append(Run(end - begin, 0, 0, begin, end - begin, window, 1))
        return runs

    def _pooling(self, rows: Run, columns: Run) -> Pooling:
        pooling = self.window.model_copy(
            update={
                "kernel_h": rows.kernel,
                "kernel_w": columns.kernel,
                "pad_top": rows.before,
                "pad_bottom": rows.after,
                "pad_left": columns.before,
                "pad_right": columns.after,
            }
        )
        if not self.exclude_padding:
            return pooling
        by_height, by_width = reciprocal_q16(rows.kernel), reciprocal_q16(columns.kernel)
        return pooling.model_copy(update={"reciprocal_h_q16": by_height, "reciprocal_w_q16": by_width})
