"""What every check shares: findings that name a register, agreement, alignment, place in memory."""

from collections.abc import Callable, Iterator, Sequence

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.diagnostics import Diagnostic
from nvdla_int8.errors import BenchError
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.layout import first_overlap
from nvdla_int8.surfaces.written_ranges import WrittenBytes

LARGEST_CUBE = 1 << 24
"""Elements of the largest cube that the model takes on; no layer of a real network comes near."""

Extents = Callable[[], list[tuple[int, int]]]
"""First address and end of each plane of a surface; BenchError when there is no such surface."""


class Finder:
    """Makes findings about one layer's registers on one build.

    Parameters
    ----------
    registers
        The layer's registers, of all the blocks it uses.
    build
        The build it runs on.
    """

    def __init__(self, registers: LayerRegisters, build: Build) -> None:
        self.registers = registers
        self.build = build

    def error(self, rule: str, name: str, text: str) -> Diagnostic:
        """A reason not to run, at a register or field."""
        return Diagnostic(rule, self.describe(name), text, error=True)

    def warning(self, rule: str, name: str, text: str) -> Diagnostic:
        """Something to know, at a register or field."""
        return Diagnostic(rule, self.describe(name), text, error=False)

    def describe(self, name: str) -> str:
        """``BLOCK.REGISTER = value`` or ``BLOCK.REGISTER.FIELD = value``."""
        is_field = name.count(".") == 2
        value = self.registers.field(name) if is_field else self.registers.word(name)
        return f"{name} = {value if is_field else hex(value)}"

    def agree(self, one: str, other: str, rule: str = "disagree", *, symptom: str = "") -> Iterator[Diagnostic]:
        """Two fields that must hold the same; ``symptom`` is what happens otherwise."""
        if self.registers.field(one) != self.registers.field(other):
            yield self.error(rule, one, f"but {self.describe(other)}{symptom and ': '}{symptom}")

    def aligned(self, names: Sequence[str]) -> Iterator[Diagnostic]:
        """Registers that must hold multiples of the memory atom."""
        atom = self.build.memory_atom
        for name in names:
            if self.registers.word(name) % atom:
                yield self.error("alignment", name, f"not a multiple of {atom} bytes, the memory atom")

    def placed(self, registers: dict[str, list[str]], extents: Extents) -> Iterator[Diagnostic]:
        """Where a surface lies: alignment, and whether it ends within the addresses.

        Parameters
        ----------
        registers
            The base address of each plane, with the other registers of it that must be aligned:
            strides that are used.
        extents
            First address and end of each plane, asked only of aligned surfaces.
        """
        found = list(self.aligned([name for base, others in registers.items() for name in (base, *others)]))
        yield from found
        if found:
            return
        try:
            ends = [end for _, end in extents()]
        except BenchError as error:
            yield self.error("address", next(iter(registers)), str(error))
            return
        bits = self.build.address_bits
        for base, end in zip(registers, ends, strict=True):
            if end > 1 << bits:
                yield self.error("address", base, f"reaches {end - 1:#x}, {self.build.name} has {bits}-bit addresses")

    def written(self, base: str, strides: list[str], surface: Callable[[], FeatureSurface]) -> Iterator[Diagnostic]:
        """Where an output lies: as :meth:`placed`, and whether its atoms overlap.

        Parameters
        ----------
        base, strides
            The register with its address, and those of its strides that are used.
        surface
            The output, asked only when these are aligned.
        """
        found = list(self.placed({base: strides}, lambda: surface().extents()))
        yield from found
        if found or not strides:
            return
        overlap = first_overlap(surface().unit_addresses(), surface().unit_bytes)
        if overlap is not None:
            others = " and ".join(map(self.describe, strides[1:])) or "this stride"
            yield self.error("overlap", strides[0], f"with {others} the output's atoms overlap at {overlap:#x}")

    def apart(
        self, base: str, source: FeatureSurface, destination: FeatureSurface, *, in_place: bool
    ) -> Iterator[Diagnostic]:
        """Whether an output lies over the input, so that bytes may be read after they were written.

        ``in_place`` tells that the output may lie exactly where the input does, for every atom is read first.
        """
        (low, high), (out_low, out_high) = source.extent(), destination.extent()
        if low >= out_high or out_low >= high or (in_place and _same_places(source, destination)):
            return
        read = WrittenBytes()
        for starts, length in source.runs():
            read.add(starts, length)
        apart = read.missing_of(destination.runs())
        if apart is None or apart.missing < apart.asked:
            text = "the output lies over the input: what is read after it was written depends on timing"
            yield self.warning("overlap", base, text)

    def one_memory(self, names: Sequence[str], rule: str) -> Iterator[Diagnostic]:
        """RAM types of PDP and CDP, which have one memory port."""
        for name in names:
            if not self.registers.field(name):
                yield self.error(rule, name, f"{self.build.name} has one memory port, type 1: it hangs")

    def ignored_upper(self, names: Sequence[str]) -> Iterator[Diagnostic]:
        """Upper words of addresses that PDP and CDP ignore."""
        for name in names:
            if self.registers.word(name):
                yield self.warning("ignored", name, f"{self.build.name} has 32-bit addresses")


def _same_places(one: FeatureSurface, other: FeatureSurface) -> bool:
    """Whether atoms of the same surface, line and pixel lie in the same place."""
    same_lines = min(one.height, other.height) == 1 or one.line_stride == other.line_stride
    same_surfaces = min(one.surfaces, other.surfaces) == 1 or one.surface_stride == other.surface_stride
    return one.base == other.base and same_lines and same_surfaces
