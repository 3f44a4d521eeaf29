"""Cuts a convolution into passes that fit the CBUF: groups, bands of output rows, of kernels if it must.

The CBUF's sizes are in hardware.md section 4.
"""

from contextlib import suppress
from dataclasses import dataclass, replace

from nvdla_int8.build import Build
from nvdla_int8.errors import BenchError
from nvdla_int8.registers.register_map import find_register
from nvdla_int8.stages.layer_program import LayerProgram

MOST_INPUT_ROWS = 1 << find_register("CSC.D_RELEASE").fields["RLS_SLICES"].width
"""Rows that a pass can release when it ends."""


@dataclass(frozen=True)
class Pass:
    """One run of the hardware: some kernels and some output rows of a layer, with its banks.

    Attributes
    ----------
    first_kernel, kernels
        The kernels that the pass computes; ``first_kernel`` begins a memory atom and a kernel group.
    first_row, rows
        The output rows.
    first_input_row, input_rows, pad_top
        The rows of the input that they need, and how many rows of padding come first.
    data_banks, weight_banks
        CBUF banks.
    first_channel
        The first channel that the kernels see, of as many as a group has.
    keeps_weights
        The next pass that loads weights frees these: CDMA, loading then, notices even with its clock gated, so that
        nv_small does not meet E7 (hardware.md section 5). Only weights that fit their banks together can stay.
    reuses_weights
        The weights are in the CBUF already.
    kept_rows
        So many of the input rows, the first ones, are in the CBUF already: all of them or some.
    left_rows
        So many of them, the last ones, stay there for the next pass.
    """

    first_kernel: int
    kernels: int
    first_row: int
    rows: int
    first_input_row: int
    input_rows: int
    pad_top: int
    data_banks: int
    weight_banks: int
    first_channel: int = 0
    keeps_weights: bool = False
    reuses_weights: bool = False
    kept_rows: int = 0
    left_rows: int = 0

    @property
    def fetched_rows(self) -> int:
        """Rows that the pass asks for: those that are not kept; all if all are, for it fetches none then."""
        return self.input_rows - self.kept_rows or self.input_rows

    @property
    def first_fetched_row(self) -> int:
        """The first of them."""
        return self.first_input_row + self.input_rows - self.fetched_rows

    @property
    def keeps_input(self) -> bool:
        """All rows stay for the next pass."""
        return self.left_rows == self.input_rows

    @property
    def released_rows(self) -> int:
        """Rows that the pass frees when it ends, unless all stay."""
        return self.input_rows if self.keeps_input else self.input_rows - self.left_rows


def cut_layer(
    program: LayerProgram,
    build: Build,
    in_height: int,
    slice_entries: int,
    out_size: tuple[int, int],
    *,
    keep_weights: bool = False,
) -> list[Pass]:
    """The passes of a layer, in order: groups, output bands from the top, kernels within each band.

    A band takes as many rows as fit beside the weights of one kernel group: weights that do not fit
    their banks whole and need not stay stream through them.

    Parameters
    ----------
    program
        The layer.
    build
        The build, its CBUF.
    in_height
        Rows of the input.
    slice_entries
        CBUF entries of one input row.
    out_size
        Height and width of the output.
    keep_weights
        Every pass keeps its weights: bands take only as many rows as let all kernels fit beside them, if any do;
        otherwise as many kernels run apart as fit.

    Raises
    ------
    BenchError
        When not even one output row, or one kernel group, fits the CBUF, or when groups do not begin with an atom.
    """
    groups, channels = program.geometry.groups, program.weights.shape[1]
    kernels, per_kernel = program.weights.shape[0] // groups, program.weights[0].size
    if groups > 1:
        _check_groups(groups, channels, kernels, build)
    banks, bank_bytes = build.cbuf_banks, build.cbuf_bank_bytes
    together = min(kernels, build.atomic_k)
    least_banks, all_banks = (-(-count * per_kernel // bank_bytes) for count in (together, kernels))
    if least_banks >= banks:
        raise BenchError(
            f"{together} kernels of {per_kernel:,} bytes, which run together, do not fit "
            f"the CBUF: {banks} banks of {bank_bytes:,} bytes, one of them for the input"
        )
    passes: list[Pass] = []
    if keep_weights and all_banks < banks:
        with suppress(BenchError):
            passes = _cut_group(program, build, in_height, slice_entries, out_size, all_banks, keep_weights=True)
    passes = passes or _cut_group(
        program, build, in_height, slice_entries, out_size, least_banks, keep_weights=keep_weights
    )
    return [
        replace(part, first_kernel=group * kernels + part.first_kernel, first_channel=group * channels)
        for group in range(groups)
        for part in passes
    ]


def _check_groups(groups: int, channels: int, kernels: int, build: Build) -> None:
    """Refuse groups that begin within an atom of the input, of the output or of the MACs."""
    atom = max(build.memory_atom, build.atomic_k)
    for count, what in ((channels, "channels"), (kernels, "kernels")):
        if count % atom:
            raise BenchError(f"{groups} groups of {count} {what}: each takes a multiple of {atom}")


def _cut_group(
    program: LayerProgram,
    build: Build,
    in_height: int,
    slice_entries: int,
    out_size: tuple[int, int],
    least_banks: int,
    *,
    keep_weights: bool,
) -> list[Pass]:
    """The passes of the first group, with at least so many banks for the weights."""
    out_height, out_width = out_size
    kernels, per_kernel = program.weights.shape[0] // program.geometry.groups, program.weights[0].size
    banks, bank_bytes = build.cbuf_banks, build.cbuf_bank_bytes
    most_rows = min((banks - least_banks) * build.cbuf_bank_entries // slice_entries, MOST_INPUT_ROWS)
    passes = []
    first_row = 0
    while first_row < out_height:
        rows = _rows_that_fit(program, first_row, out_height, in_height, most_rows)
        first_input, input_rows, pad_top = _input_rows(program, first_row, rows, in_height)
        data_banks = -(-input_rows * slice_entries // build.cbuf_bank_entries)
        # SDP packs a 1x1 output; as part of a larger one it would lie wrong, unless it is one atom.
        step = build.memory_atom if out_width == rows == 1 < out_height else kernels
        if keep_weights:
            together = min(kernels, build.atomic_k)
            fitting = (banks - data_banks) * bank_bytes // per_kernel
            step = min(step, max(fitting // together, 1) * together)
        for first_kernel in range(0, kernels, step):
            count = min(step, kernels - first_kernel)
            weight_banks = min(-(-count * per_kernel // bank_bytes), banks - data_banks)
            passes.append(
                Pass(
                    first_kernel, count, first_row, rows, first_input, input_rows, pad_top, data_banks, weight_banks,
                    keeps_weights=keep_weights,
                )
            )  # fmt: skip
        first_row += rows
    return passes


def _rows_that_fit(program: LayerProgram, first: int, out_height: int, in_height: int, most_rows: int) -> int:
    rows = out_height - first
    while rows and _input_rows(program, first, rows, in_height)[1] > most_rows:
        rows -= 1
    if not rows:
        _, needed, _ = _input_rows(program, first, 1, in_height)
        raise BenchError(f"output row {first} needs {needed} input rows, the CBUF has room for {most_rows}")
    return rows


def _input_rows(program: LayerProgram, first: int, rows: int, in_height: int) -> tuple[int, int, int]:
    """First input row, number of input rows, and rows of padding above them, of some output rows."""
    geometry = program.geometry
    top = first * geometry.stride_y - geometry.pad_top
    bottom = (first + rows - 1) * geometry.stride_y - geometry.pad_top
    bottom += (program.weights.shape[2] - 1) * geometry.dilation_y
    begin, end = max(top, 0), min(bottom, in_height - 1) + 1
    if begin >= end:
        # Nothing but padding: the hardware still wants a row, and all of them are far enough away.
        if bottom >= 0:
            raise BenchError(f"output row {first} lies in the padding below the input")
        begin, end = 0, 1
    return begin, end - begin, max(-top, 0)
