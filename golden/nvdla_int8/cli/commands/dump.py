"""``dump``: a tensor from a board shown, compared with another one or with the model's, or written in another form."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from nvdla_int8.cli.other_files import refuse_compiled_network
from nvdla_int8.cli.printing import listed, print_table
from nvdla_int8.dumps.board_tensor import KNOWN, TENSOR, BoardTensor, Kind, open_tensor, open_tensors
from nvdla_int8.dumps.comparison import compare_board_tensors
from nvdla_int8.dumps.dimg import write_dimg
from nvdla_int8.dumps.dump import Dump
from nvdla_int8.dumps.formats import DumpFormat
from nvdla_int8.dumps.layout import DumpLayout
from nvdla_int8.dumps.raw import memory_of_tensor, text_of_dump
from nvdla_int8.errors import BenchError, located, writing
from nvdla_int8.images.arrays import array_names
from nvdla_int8.loadable.loadable import read_loadable
from nvdla_int8.runtime.loadable_run import layer_cubes

IN_MEMORY = {
    "atom8": DumpFormat.CXHWX_X8_INT8,
    "atom32": DumpFormat.CXHWX_X32_INT8,
    "planar": DumpFormat.CHW_INT8,
}
"""How int8 lies in memory: in atoms of nv_small, of nv_full, or a plane for each channel."""

MOST_SHOWN = 32
"""Elements that are printed one by one: a tensor of classes is no larger."""


class _Shape(click.ParamType[tuple[int, int, int]]):
    """Channels, height and width, with commas between them."""

    name = "C,H,W"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int, int]:
        parts = str(value).split(",")
        if len(parts) != 3 or not all(part.strip().isdecimal() and 0 < int(part) <= 8192 for part in parts):
            raise BenchError(f"--shape {value!r} is not channels, height and width of 1 to 8192, such as 16,8,8")
        channels, height, width = map(int, parts)
        return channels, height, width


@click.command(short_help="Show, compare or convert a tensor dumped from a board.")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.argument("other_path", metavar="[OTHER]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--loadable",
    metavar="FILE.nvdla",
    type=click.Path(path_type=Path),
    help="Whose tensor it is, by default its output: shape and strides of files that have no header.",
)
@click.option("--tensor", metavar="NAME", help="Which of the loadable's: an output, or a layer's such as layer3.")
@click.option("--shape", type=_Shape(), help="Shape of files that have no header, in place of --loadable.")
@click.option(
    "--memory",
    type=click.Choice(list(IN_MEMORY)),
    help="With --shape: how the bytes lie in memory. [default: atom8]",
)
@click.option("--line-stride", type=click.IntRange(1), help="With --shape: bytes from line to line. [default: no gaps]")
@click.option("--surface-stride", type=click.IntRange(1), help="With --shape: bytes from surface to surface.")
@click.option("--as-dumped", is_flag=True, help="Take elements as they stand in the file, also of a scrambled dump.")
@click.option("--to", "form", type=click.Choice(["npy", "npz", "dimg", "text", "memory"]), help="Write FILE's tensor.")
@click.option("--output", type=click.Path(path_type=Path), help="The file that --to writes.")
def dump(
    path: Path,
    other_path: Path | None,
    loadable: Path | None,
    tensor: str | None,
    shape: tuple[int, int, int] | None,
    memory: str | None,
    line_stride: int | None,
    surface_stride: int | None,
    as_dumped: bool,
    form: str | None,
    output: Path | None,
) -> None:
    """Show a tensor dumped from a board, compare it, or convert it.

    FILE and OTHER are each the runtime's .dimg, the text of its --rawdump, bytes as in memory, an .npy array or
    one of an archive, as in run.npz:layer3; the content decides. Text and bytes need --loadable or --shape, except
    text of one pixel's channels. Of an archive as OTHER without a name that of --tensor is
    taken, or the nearest array of FILE's shape.

    A dump that the runtime read in other atoms than the bytes lie in is scrambled and holds only some of the tensor's
    elements. They are put in their places, and only they are compared.

    With OTHER: how many elements differ, and the first of them by channel, y and x; exit 1 when some do.
    """
    if (form is None) != (output is None):
        raise click.UsageError("--to and --output go together")
    refuse_compiled_network(path, "run and explain take it, here it goes behind --loadable")
    layout = _Described(loadable, tensor, shape, memory, line_stride, surface_stride).layout()
    one = open_tensor(path, layout, as_dumped=as_dumped)
    _print_tensor(one)
    if form is not None and output is not None:
        WRITERS[form](one, layout, output)
        click.echo(f"{output}: written")
    if other_path is None:
        return
    if tensor is not None and tensor in array_names(other_path):
        other_path = other_path.with_name(f"{other_path.name}:{tensor}")
    others = open_tensors(other_path, one, layout, as_dumped=as_dumped)
    other = min(others, key=lambda other: compare_board_tensors(one, other).wrong)
    if len(others) > 1:
        click.echo(f"{other_path}: {len(others)} arrays have this shape, the nearest is {other.path.name}")
    _print_tensor(other)
    if not _print_comparison(one, other):
        sys.exit(1)


@dataclass(frozen=True)
class _Described:
    """What the options say of a file without a header."""

    loadable: Path | None
    tensor: str | None
    shape: tuple[int, int, int] | None
    memory: str | None
    line_stride: int | None
    surface_stride: int | None

    def layout(self) -> DumpLayout | None:
        """The buffer; None when nothing is said. BenchError for options that do not fit one another."""
        of_shape = self.memory, self.line_stride, self.surface_stride
        if self.loadable is not None:
            if (self.shape, *of_shape) != (None,) * 4:
                raise BenchError("--loadable says shape, memory and strides: options for them go without it")
            return self._of_loadable(self.loadable)
        if self.tensor is not None:
            raise BenchError("--tensor goes with --loadable")
        if self.shape is not None:
            packed = DumpLayout.packed(self.shape, IN_MEMORY[self.memory or "atom8"])
            return packed.with_strides(self.line_stride, self.surface_stride)
        if of_shape != (None,) * 3:
            raise BenchError("--memory, --line-stride and --surface-stride go with --shape")
        return None

    def _of_loadable(self, path: Path) -> DumpLayout:
        loadable = read_loadable(path)
        outputs = loadable.outputs
        with located(str(path)):
            names = ", ".join(repr(one.tensor.name) for one in outputs) or "none"
            chosen = [one for one in outputs if self.tensor in (None, one.tensor.name)]
            if len(chosen) == 1:
                return DumpLayout.of_tensor(chosen[0].tensor)
            if self.tensor is None:
                raise BenchError(f"its outputs are {names}: name one with --tensor")
            layers = layer_cubes(loadable)
            if self.tensor not in layers:
                raise BenchError(
                    f"its outputs are {names}, its layers' are {', '.join(layers)}: {self.tensor!r} is not one of them"
                )
            return DumpLayout.of_cube(layers[self.tensor])


def _print_tensor(one: BoardTensor) -> None:
    """What a file is and holds."""
    values, known = one.tensor.values, one.tensor.known
    shape = " x ".join(map(str, values.shape))
    click.echo(f"{one.path}: {one.kind.value}, {values.dtype} {shape}")
    if one.kind is Kind.DIMG and one.dump is not None:
        layout = one.dump.layout
        click.echo(
            f"  format {layout.format.value} {layout.format.name}, lines of {layout.line_stride:,} bytes, "
            f"surfaces of {layout.surface_stride:,}, {layout.size:,} in all"
        )
    if one.dump is not None and one.dump.layout.scrambled:
        held = f"it holds {np.count_nonzero(known):,} of {known.size:,} elements, the others are not in the file"
        click.echo(
            f"  scrambled: the bytes lie in atoms of {one.dump.layout.memory_atom}, the runtime read atoms of "
            f"{one.dump.layout.elements.atom}; "
            + ("shown as dumped" if known.all() and one.tensor.values is one.dump.elements else held)
        )
    _print_values(values[known])


def _print_values(held: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> None:
    elements = held.tolist()
    different = len(set(elements))
    if different == 1:
        click.echo(f"  every element is {elements[0]}")
    else:
        click.echo(f"  {min(elements)} to {max(elements)}, {different:,} different values")
    if len(elements) <= MOST_SHOWN:
        click.echo(f"  {' '.join(map(str, elements))}")


def _print_comparison(one: BoardTensor, other: BoardTensor) -> bool:
    """Print where two tensors differ; False when they do."""
    result = compare_board_tensors(one, other)
    left = f"; {result.unknown:,} that they do not both hold are not compared" if result.unknown else ""
    if not result.wrong:
        click.echo(f"all {result.compared:,} elements compared are equal{left}")
        return True
    click.echo(f"{result.wrong:,} of {result.compared:,} elements compared differ{left}")
    click.echo(f"channels with differences: {listed(map(str, result.channels))}")
    print_table(("channel", "y", "x", "FILE", "OTHER"), result.first, wrapping=())
    return False


def _write_npz(one: BoardTensor, _layout: DumpLayout | None, output: Path) -> None:
    with writing(output), output.open("wb") as stream:  # a file, because a bare name would gain a suffix
        arrays = {TENSOR: one.tensor.values, KNOWN: one.tensor.known}
        np.savez_compressed(stream, allow_pickle=False, **arrays)


def _write_npy(one: BoardTensor, _layout: DumpLayout | None, output: Path) -> None:
    values = _whole(one)
    with writing(output), output.open("wb") as stream:
        np.save(stream, values)


def _write_dimg(one: BoardTensor, layout: DumpLayout | None, output: Path) -> None:
    write_dimg(output, _whole(one), layout or _own_layout(one))


def _write_text(one: BoardTensor, layout: DumpLayout | None, output: Path) -> None:
    dumped = Dump.of_tensor(_whole(one), layout or _own_layout(one))
    with writing(output):
        output.write_text(text_of_dump(dumped))


def _write_memory(one: BoardTensor, layout: DumpLayout | None, output: Path) -> None:
    data = memory_of_tensor(_whole(one), layout or _own_layout(one))
    with writing(output):
        output.write_bytes(data)


WRITERS: dict[str, Callable[[BoardTensor, DumpLayout | None, Path], None]] = {
    "npy": _write_npy,
    "npz": _write_npz,
    "dimg": _write_dimg,
    "text": _write_text,
    "memory": _write_memory,
}
"""What each form is written by: the tensor, the buffer that the options describe, the file."""


def _whole(one: BoardTensor) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    """All values; BenchError when some are unknown."""
    known = one.tensor.known
    if not known.all():
        raise BenchError(
            f"{one.path}: holds only {np.count_nonzero(known):,} of {known.size:,} elements: --to npz writes those and "
            "which they are, --as-dumped takes the file's elements as they stand"
        )
    return one.tensor.values


def _own_layout(one: BoardTensor) -> DumpLayout:
    """The file's own buffer, or one of nv_small without gaps."""
    if one.dump is not None and not one.dump.layout.scrambled:
        return one.dump.layout
    channels, height, width = one.tensor.values.shape
    return DumpLayout.packed((channels, height, width))
