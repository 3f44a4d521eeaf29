"""Operand surfaces that SDP_RDMA streams to X1 and X2 (hardware.md section 3)."""

from enum import StrEnum
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.parameters import Flag
from nvdla_int8.stages.sdp import Operand
from nvdla_int8.surfaces.layout import CubeSurface, channels_first, channels_last, describe, write_runs
from nvdla_int8.surfaces.memory import Memory


class OperandUse(StrEnum):
    """Which operands the surface holds, by the names of the DATA_USE field."""

    MUL = "MUL"
    ALU = "ALU"
    BOTH = "BOTH"


class Operands(NamedTuple):
    """The operands of one surface; None for one that it does not hold."""

    alu: Operand | None
    mul: Operand | None


class OperandSurface(CubeSurface):
    """Signed operands in units of one memory atom of channels, ALU before MUL in each channel.

    Attributes
    ----------
    element_bytes
        1 or 2 bytes an operand, little-endian; one byte is sign-extended.
    use
        The operands in the surface.
    per_element
        A unit for each pixel of the cube; otherwise one for each atom of channels, width, height
        and strides unused. The units of a 1x1 cube follow one another.

    Raises
    ------
    BenchError
        A size, address or stride that the hardware cannot have, or more than 2^28 bytes.
    """

    element_bytes: Literal[1, 2]
    use: OperandUse
    per_element: Flag

    @property
    def grid(self) -> tuple[int, int]:
        """Lines and pixels in memory: one of each when there is one unit an atom of channels."""
        return (self.height, self.width) if self.per_element else (1, 1)

    @property
    def unit_bytes(self) -> int:
        """Bytes of one unit."""
        return self.memory_atom * self.element_bytes * self._holds.count(True)

    @property
    def _holds(self) -> tuple[bool, bool]:
        """Whether there is an ALU and a MUL operand."""
        return self.use is not OperandUse.MUL, self.use is not OperandUse.ALU

    @property
    def _element(self) -> np.dtype[np.int8] | np.dtype[np.int16]:
        return np.dtype("<i2") if self.element_bytes == 2 else np.dtype(np.int8)

    def read(self, memory: Memory) -> Operands:
        """Read the operands, int16 (S * A,) per kernel or (S * A, H, W) per element.

        The lanes beyond the last channel come along, as they lie in memory: the hardware uses them.
        """
        units = memory.read(self.unit_addresses(), self.unit_bytes).view(self._element)
        elements = units.reshape(*units.shape[:-1], self.memory_atom, -1).astype(np.int16)
        found = iter(channels_first(elements[..., index]) for index in range(elements.shape[-1]))
        alu, mul = (next(found) if held else None for held in self._holds)
        return Operands(self._as_operand(alu), self._as_operand(mul))

    def write(self, memory: Memory, alu: Operand | None, mul: Operand | None) -> None:
        """Write the operands.

        Parameters
        ----------
        memory
            Where to.
        alu, mul
            int16, given exactly when the surface holds them: (C,) per kernel or (C, H, W) per
            element, whose padding lanes become 0, or S * A channels with the padding lanes.

        Raises
        ------
        BenchError
            An operand too many or missing, another dtype or shape, a value that does not fit one
            byte, or units that overlap.
        """
        elements = [
            self._elements(name, operand)
            for name, operand, held in zip(("alu", "mul"), (alu, mul), self._holds, strict=True)
            if self._wanted(name, operand, held)
        ]
        units = np.stack(elements, axis=-1).astype(self._element).view(np.uint8)
        addresses = self.unit_addresses()
        write_runs(memory, addresses, units.reshape(*addresses.shape, self.unit_bytes))

    def _wanted(self, name: str, operand: Operand | None, held: bool) -> bool:
        if held and operand is None:
            raise BenchError(f"OperandSurface: use = {self.use}, but no {name} operand is given")
        if not held and operand is not None:
            raise BenchError(f"OperandSurface: use = {self.use} holds no {name} operand, one is given")
        return held

    def _elements(self, name: str, operand: Operand | None) -> NDArray[np.int16]:
        """One operand as units (S, H, W, A)."""
        trailing = self.grid if self.per_element else ()
        shapes = [(count, *trailing) for count in (self.channels, self.lanes)]
        if not isinstance(operand, np.ndarray) or operand.dtype != np.int16 or operand.shape not in shapes:
            raise BenchError(f"OperandSurface: {name} must be int16 {shapes[0]}, got {describe(operand)}")
        limits = np.iinfo(self._element)
        outside = operand[(operand < limits.min) | (operand > limits.max)]
        if outside.size:
            raise BenchError(f"OperandSurface: {name} = {outside[0]} does not fit {self.element_bytes} byte")
        cube = operand.reshape(len(operand), *self.grid)
        return channels_last(self._with_padding(cube), self.memory_atom)

    def _as_operand(self, cube: NDArray[np.int16] | None) -> Operand | None:
        return cube if cube is None or self.per_element else cube[:, 0, 0]
