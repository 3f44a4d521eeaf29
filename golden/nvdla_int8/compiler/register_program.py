"""A register program: memory images, register accesses, and what must come out."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from nvdla_int8.errors import BenchError

NAME = r"[A-Za-z][\w.-]*"
"""What a program may be called: files and C identifiers take their names from it."""


@dataclass(frozen=True)
class Region:
    """Bytes at an address."""

    name: str
    base: int
    data: bytes

    def overlaps(self, other: "Region") -> bool:
        """Whether both have a byte in common."""
        return self.base < other.base + len(other.data) and other.base < self.base + len(self.data)


class Kind(IntEnum):
    """What an operation of software does."""

    WRITE = 0
    POLL = 1
    WAIT = 2


class Operation(NamedTuple):
    """One step of software: write a register, read it until it holds the value, or wait for an interrupt.

    To wait is to read GLB.S_INTR_STATUS until the bits of ``value`` are set, then to write them back.
    """

    kind: Kind
    register: str
    value: int


class Stretch(NamedTuple):
    """What software does up to a point at which outputs are there.

    Attributes
    ----------
    operations
        In order.
    outputs
        Bytes that lie in memory when the operations have been done, and may not any more after the next ones.
    """

    operations: tuple[Operation, ...]
    outputs: tuple[Region, ...] = ()


class RegisterProgram(ABC):
    """A whole run: what to load, what to write and wait for, what to expect.

    Attributes
    ----------
    name, build
        What it is called, and what it runs on.
    images
        What must lie in memory before the run.
    """

    name: str
    build: str
    images: tuple[Region, ...]

    @abstractmethod
    def stretches(self) -> Iterator[Stretch]:
        """What software does, from one point at which outputs are compared to the next."""

    def operations(self) -> Iterator[Operation]:
        """What software does, from beginning to end."""
        return (operation for stretch in self.stretches() for operation in stretch.operations)

    @property
    def outputs(self) -> tuple[Region, ...]:
        """All outputs in the order in which they come, each as it is then."""
        return tuple(output for stretch in self.stretches() for output in stretch.outputs)

    @property
    def final_outputs(self) -> tuple[Region, ...]:
        """The outputs that are still in memory at the end: no later one lies there."""
        outputs = self.outputs
        return tuple(
            one for at, one in enumerate(outputs) if not any(one.overlaps(later) for later in outputs[at + 1 :])
        )


def check_name(name: str) -> str:
    """A program's name; BenchError unless it is one."""
    if not re.fullmatch(NAME, name, re.ASCII):
        raise BenchError(f"program name {name!r} must be letters, digits, '_', '-' and '.', a letter first")
    return name
