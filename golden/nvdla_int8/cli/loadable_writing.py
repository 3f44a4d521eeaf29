"""``write`` with a compiled network: the driver's work on one image as a register program, in files."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from nvdla_int8.build import find_build
from nvdla_int8.cli.image_options import ImageOptions
from nvdla_int8.cli.printing import warn
from nvdla_int8.cli.program_files import ProgramFiles
from nvdla_int8.cli.program_tables import pass_row, print_memory, print_passes
from nvdla_int8.cli.register_programs import programs_of_loadable
from nvdla_int8.device.convolution_layer import ConvolutionLayer, FetchedBytes
from nvdla_int8.driver.driver import Order
from nvdla_int8.driver.memory_map import MemoryMap
from nvdla_int8.loadable.cpu_descriptors import CpuOperationType
from nvdla_int8.loadable.loadable import Loadable, read_loadable
from nvdla_int8.runtime.loadable_program import LoadableProgram
from nvdla_int8.runtime.loadable_run import RanLayer


def write_compiled_network(
    path: Path,
    images_path: Path | None,
    files: ProgramFiles,
    *,
    number: int | None,
    base: int,
    order: Order,
    handled: ImageOptions,
) -> None:
    """Write a compiled network with one input, and print what was written."""
    loadable = read_loadable(path)
    programs, sentences = programs_of_loadable(
        files.name, loadable, images_path, number=number, base=base, order=order, handled=handled
    )
    for sentence in sentences:
        click.echo(sentence)
    for program in programs:
        files.write(program)
    for program in programs:
        print_passes(f"layers of {program.name} on {program.build}", map(_row, program.layers))
        for layer in program.uncompared:
            warn(f"{layer.name} is not compared: a layer that runs at the same time writes all of its bytes")
    print_memory(_places(loadable, MemoryMap(loadable, base), programs))
    for task in loadable.cpu_tasks:
        operations = ", ".join(CpuOperationType(one.operation.op_type).name.lower() for one in task.operations)
        click.echo(f"left to the host: task {task.task.id}, {operations}")


def _row(layer: RanLayer) -> tuple[str, ...]:
    return pass_row(layer.name, layer.run.registers, [layer.run.interrupt], _fetched(layer))


def _fetched(layer: RanLayer) -> FetchedBytes | None:
    convolution = layer.run.convolution
    if convolution is None:
        return None
    return ConvolutionLayer(layer.run.registers, find_build("nv_small")).fetched_bytes(convolution.fetch)


def _places(
    loadable: Loadable, memory_map: MemoryMap, programs: Sequence[LoadableProgram]
) -> Iterator[tuple[str, int, int]]:
    """The memories of the hardware, with what lies in them."""
    named = {bound.memory.id: f"output {bound.tensor.name}" for bound in loadable.outputs}
    named |= {bound.memory.id: f"input {bound.tensor.name}" for bound in loadable.inputs}
    loaded = {image.base for image in programs[0].images}
    written = [layer.run.destination.base for program in programs for layer in program.layers]
    for memory in memory_map.hardware_memories():
        base = memory_map.base(memory.id)
        if base in loaded:
            usual = "weights and operands"
        elif any(base <= address < base + memory.size for address in written):
            usual = "tensors between layers"
        else:
            usual = "of no layer"
        yield f"memory {memory.id}: {named.get(memory.id, usual)}", base, memory.size
