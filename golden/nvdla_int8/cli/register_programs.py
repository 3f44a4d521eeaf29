"""Register programs of what people name on the command line: layer programs or a compiled network, with an input."""

from itertools import islice
from pathlib import Path

from nvdla_int8.cli.clipping import warn_of_clipping
from nvdla_int8.cli.image_options import ImageOptions
from nvdla_int8.cli.loadable_run import loadable_words
from nvdla_int8.compiler.network_program import NetworkProgram
from nvdla_int8.compiler.program_writer import write_program
from nvdla_int8.driver.driver import Order
from nvdla_int8.errors import BenchError
from nvdla_int8.images.takers import wanted_by_programs
from nvdla_int8.loadable.loadable import Loadable
from nvdla_int8.loadable.unsupported import check_supported
from nvdla_int8.network.network import Network
from nvdla_int8.runtime.input_images import open_inputs
from nvdla_int8.runtime.loadable_program import LoadableProgram, write_loadable
from nvdla_int8.stages.any_program import load_program


def program_of_layers(
    name: str,
    program_path: Path,
    images_path: Path,
    *,
    number: int | None,
    pixel_format: str | None,
    base: int,
    build: str,
    keep_layers: bool,
    handled: ImageOptions,
) -> NetworkProgram:
    """A network's folder, or one layer's program, with one image; clipped pixels are warned of.

    Parameters are those of the command ``write``; BenchError names file, layer and value.
    """
    network = Network.load(program_path) if program_path.is_dir() else Network.chain((load_program(program_path),))
    images = handled.opened(images_path, wanted_by_programs(network))
    if number is None and len(images) > 1:
        raise BenchError(f"{images_path}: {len(images)} images, a register program takes one: --image NUMBER, from 0")
    image = images.one(number or 0)
    warn_of_clipping(images, network, number or 0)
    return write_program(
        name, network, image, build=build, base=base, keep_layers=keep_layers,
        pixel_format=pixel_format, input_name=images.name(number or 0),
    )  # fmt: skip


def programs_of_loadable(
    name: str,
    loadable: Loadable,
    images_path: Path | None,
    *,
    number: int | None,
    base: int,
    order: Order,
    handled: ImageOptions,
) -> tuple[tuple[LoadableProgram, ...], tuple[str, ...]]:
    """A compiled network with one input: a program for each hardware task, and sentences on what it is and takes.

    Parameters are those of the command ``write``; BenchError names file and value.
    """
    check_supported(loadable)
    inputs = open_inputs(loadable, images_path, resize=handled.resize, convert=handled.convert)
    if number is None and len(inputs) > 1:
        raise BenchError(f"{images_path}: {len(inputs)} runs, a register program is of one: --image NUMBER, from 0")
    if not 0 <= (number or 0) < len(inputs):
        raise BenchError(f"--image {number}: {images_path} has 0..{len(inputs) - 1}")
    [tensors] = islice(inputs.runs(), number or 0, (number or 0) + 1)
    programs = write_loadable(name, loadable, tensors, order=order, base=base)
    return programs, (loadable_words(loadable), *inputs.words)
