"""Which operations of a loadable are parts of one layer, and whose tensors it reads (loadables.md section 7)."""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

from nvdla_int8.build import Build
from nvdla_int8.errors import located
from nvdla_int8.loadable.chains import Chain, chains, check_shapes
from nvdla_int8.loadable.descriptors import DataCube, SdpOperandMode
from nvdla_int8.loadable.loadable import Loadable
from nvdla_int8.loadable.memory_contents import MemoryContents
from nvdla_int8.loadable.origins import CPU, Origin, Origins
from nvdla_int8.loadable.ranges import Ranges, cube_ranges, line_ranges
from nvdla_int8.loadable.tasks import CpuTask
from nvdla_int8.loadable.weight_stream import FEATURE_FORMAT

OF_ROWS = (
    "weight_reuse", "skip_weight_rls", "data_reuse", "skip_data_rls", "fetch_grain", "data_bank", "release",
    "input_height_csc", "input_height_cmac", "pad_y_top", "pad_y_bottom", "in_cvt",
)  # fmt: skip
"""Fields of a convolution in which the parts of a split one differ; the converter is off where its factor is 1."""


MOST_ALIKE = 64
"""How many layers with the same program a part may belong to."""


@dataclass(frozen=True)
class Part:
    """A chain with the places of its cubes: memory and first byte.

    Attributes
    ----------
    program
        What it computes, without rows and cubes: equal of all parts of a layer.
    """

    chain: Chain
    source_at: tuple[int, int]
    destination_at: tuple[int, int]
    program: Hashable

    @property
    def same_rows(self) -> tuple[object, ...]:
        """What elements of a batch have in common, beside the program."""
        convolution = self.chain.convolution_parts
        rows = (convolution[0].pad_y_top, convolution[0].pad_y_bottom) if convolution else ()
        return (*rows, self.chain.source.height, self.chain.destination.height)

    def below(self) -> tuple[int, int]:
        """Where the rows below its own begin."""
        cube = self.chain.destination
        return self.destination_at[0], self.destination_at[1] + cube.height * cube.line_stride

    def continues(self, first: "Part", before: "Part") -> bool:
        """It writes the rows :meth:`below` a part, within the atoms of channels of the tensor that ``first`` began."""
        cube = self.chain.destination
        return (
            self.chain.convolution is not None
            and self.below()[1] <= first.destination_at[1] + cube.surf_stride
            and self.source_at[0] == before.source_at[0]
            and self.source_at[1] > before.source_at[1]
        )


class LayerParts:
    """The parts of one layer.

    Parameters
    ----------
    part
        The first.
    build
        Whose atoms the cubes have.
    sources, addends
        Who wrote what the layer reads.

    Attributes
    ----------
    elements
        Of each element of a batch its parts; mostly one element of one part.
    """

    def __init__(self, part: Part, build: Build, sources: tuple[Origin, ...], addends: tuple[Origin, ...]) -> None:
        self.build = build
        self.sources = sources
        self.addends = addends
        self.elements: list[list[Part]] = []
        self._begun: set[tuple[int, int]] = set()
        self._below: dict[tuple[int, int], list[Part]] = {}
        self._begin(part)

    @property
    def chains(self) -> tuple[Chain, ...]:
        """Of all parts, one element after the other."""
        return tuple(part.chain for element in self.elements for part in element)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one element's source; rows that two parts read count once."""
        first, last = self.elements[0][0], self.elements[0][-1]
        cube = first.chain.source
        above = (last.source_at[1] - first.source_at[1]) // max(1, cube.line_stride)
        return cube.channel, above + last.chain.source.height, cube.width

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """(K, Ho, Wo) of one element's tensor."""
        cube = self.elements[0][0].chain.destination
        return cube.channel, sum(part.chain.destination.height for part in self.elements[0]), cube.width

    def takes(self, part: Part, sources: tuple[Origin, ...], addends: tuple[Origin, ...], batch: int) -> bool:
        """Take a part with the program of the others if it belongs to the layer; False if it does not.

        A part continues the rows of an element, or begins an element of a batch: all that it has in common with the
        first element, weights and operands included, would make two layers of them only by chance.
        """
        first = self.elements[0][0]
        element = self._below.get(part.destination_at)
        if element is not None and part.continues(element[0], element[-1]):
            element.append(part)
            self._below[part.below()] = element
            return True
        begins = (
            part.same_rows == first.same_rows
            and len(self.elements) < batch
            and (sources, addends) == (self.sources, self.addends)
            and part.source_at != first.source_at
            and part.destination_at not in self._begun
        )
        if begins:
            self._begin(part)
        return begins

    def _begin(self, part: Part) -> None:
        self.elements.append([part])
        self._begun.add(part.destination_at)
        self._below[part.below()] = self.elements[-1]


def gather_parts(loadable: Loadable) -> tuple[LayerParts, ...]:
    """All layers of a loadable in the order of work.

    Raises
    ------
    BenchError
        Operations that do not fit together, or an ALI that leads nowhere.
    """
    build = loadable.build.build
    batch = max((one.tensor.n for one in (*loadable.inputs, *loadable.outputs)), default=1)
    origins = Origins(loadable.contents)
    layers: list[LayerParts] = []
    for task in loadable.tasks:
        if isinstance(task, CpuTask):
            _note_cpu_writes(task, loadable.contents, build, origins)
            continue
        alike: dict[Hashable, list[int]] = {}
        for chain in chains(task):
            with located(f"task {task.task.id}: {chain.name}"):
                check_shapes(chain)
                part = _part(chain, loadable.contents)
                sources = origins.of(_source_ranges(chain, loadable.contents, build))
                addends = _addends(chain, loadable.contents, build, origins)
                written = cube_ranges(loadable.contents, task.task, chain.destination, build.memory_atom)
            places = alike.setdefault(part.program, [])
            takers = (one for one in places[-MOST_ALIKE:] if layers[one].takes(part, sources, addends, batch))
            place = next(takers, len(layers))
            origins.write(written, place)
            if place == len(layers):
                places.append(place)
                layers.append(LayerParts(part, build, sources, addends))
    return tuple(layers)


def _part(chain: Chain, contents: MemoryContents) -> Part:
    task = chain.task.task

    def place(cube: DataCube) -> tuple[int, int]:
        entry = contents.address(task, cube.address)
        return entry.mem_id, entry.offset + cube.offset

    program: list[Hashable] = [tuple(operation.type for operation in chain.operations)]
    if chain.convolution_parts is not None:
        operation, surface = chain.convolution_parts
        alike: dict[str, Any] = dict.fromkeys(OF_ROWS)
        program += [replace(operation, **alike), place(surface.weight_data)]
    if chain.sdp_parts is not None:
        sdp, cubes = chain.sdp_parts
        program.append(sdp)
        program += [
            place(cube)
            for sub, cube in ((sdp.x1_op, cubes.x1_data), (sdp.x2_op, cubes.x2_data))
            if sub.reads_memory and sub.mode == SdpOperandMode.PER_KERNEL
        ]
    program += [one.operation for one in (chain.pooling, chain.lrn) if one]
    for cube in (chain.source, chain.destination):
        program.append((cube.width, cube.channel, cube.line_stride, cube.surf_stride))
    return Part(chain, place(chain.source), place(chain.destination), tuple(program))


def _source_ranges(chain: Chain, contents: MemoryContents, build: Build) -> Ranges:
    task = chain.task.task
    if chain.convolution_parts and chain.convolution_parts[0].data_format != FEATURE_FORMAT:
        return line_ranges(contents, task, chain.source)
    return cube_ranges(contents, task, chain.source, build.memory_atom)


def _addends(chain: Chain, contents: MemoryContents, build: Build, origins: Origins) -> tuple[Origin, ...]:
    """Who wrote the operands that differ from element to element."""
    if chain.sdp_parts is None:
        return ()
    operation, surface = chain.sdp_parts
    found: list[Origin] = []
    for sub, cube in ((operation.x1_op, surface.x1_data), (operation.x2_op, surface.x2_data)):
        if sub.reads_memory and sub.mode == SdpOperandMode.PER_POINT:
            found += origins.of(cube_ranges(contents, chain.task.task, cube, build.memory_atom))
    return tuple(found)


def _note_cpu_writes(task: CpuTask, contents: MemoryContents, build: Build, origins: Origins) -> None:
    for operation in task.operations:
        buffer = operation.buffers.dst_data
        cube = DataCube(
            0, buffer.address, buffer.offset, buffer.size, buffer.width, buffer.height, buffer.channel,
            buffer.line_stride, buffer.surf_stride, 0,
        )  # fmt: skip
        with located(f"task {task.task.id}: operation {operation.index}"):
            origins.write(cube_ranges(contents, task.task, cube, build.memory_atom), CPU)
