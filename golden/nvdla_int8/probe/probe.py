"""A probe: a register program that isolates one unit or one property."""

from collections.abc import Iterator
from dataclasses import dataclass

from nvdla_int8.compiler.register_program import Region, RegisterProgram, Stretch
from nvdla_int8.probe.unit import Unit


@dataclass(frozen=True)
class Probe(RegisterProgram):
    """A probe.

    It runs after reset or after any other probe: every block takes part in an even number of layers, so that the group
    whose turn it is is 0 again at its end.

    Attributes
    ----------
    name, build, images
        As of every register program.
    unit
        What it tells of.
    shows
        What it is about, a few words.
    parts
        What software does.
    """

    name: str
    build: str
    images: tuple[Region, ...]
    unit: Unit
    shows: str
    parts: tuple[Stretch, ...]

    def stretches(self) -> Iterator[Stretch]:
        """What software does, from one point at which outputs are compared to the next."""
        return iter(self.parts)
