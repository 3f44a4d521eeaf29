"""Feature cubes: inputs of CDMA, sources and destinations of SDP (hardware.md section 3)."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nvdla_int8.errors import BenchError
from nvdla_int8.parameters import Flag
from nvdla_int8.surfaces.layout import CubeSurface, channels_first, channels_last, describe, write_runs
from nvdla_int8.surfaces.memory import Memory

Grains = Annotated[int, Field(strict=True, ge=1, le=2**12)]


class FeatureSurface(CubeSurface):
    """An int8 cube of whole atoms: channel c of pixel (y, x) is lane c % A of atom (c / A, y, x).

    The atom's address is ``base + (c / A) * surface_stride + line(y) + x * A``, with A the memory atom.

    Attributes
    ----------
    packs_one_pixel
        A 1x1 cube's atoms follow one another: always for SDP, for CDMA with SURF_PACKED.
    packed_lines
        g lines that follow one another: ``line(y) = (y / g) * g * line_stride + (y % g) * W * A``.
        GRAINS + 1 for CDMA with LINE_PACKED, otherwise 1.

    Raises
    ------
    BenchError
        A size, address or stride that the hardware cannot have, or more than 2^28 bytes.
    """

    packs_one_pixel: Flag
    packed_lines: Grains = 1

    @property
    def _packs_one_pixel(self) -> bool:
        return self.packs_one_pixel

    @property
    def _lines_together(self) -> int:
        return self.packed_lines

    def atom_addresses(self) -> NDArray[np.int64]:
        """Address of every atom, (S, H, W)."""
        return self.unit_addresses()

    def read(self, memory: Memory) -> NDArray[np.int8]:
        """Read the cube, (C, H, W)."""
        return self.read_lanes(memory)[: self.channels]

    def read_lanes(self, memory: Memory) -> NDArray[np.int8]:
        """Read the cube with the lanes that pad its last atom, (S * A, H, W)."""
        return channels_first(memory.read(self.unit_addresses(), self.memory_atom).view(np.int8))

    def write(self, memory: Memory, cube: NDArray[np.int8]) -> None:
        """Write whole atoms, as the hardware does.

        Parameters
        ----------
        memory
            Where to.
        cube
            int8, (C, H, W), whose padding lanes become 0, or (S * A, H, W) with the padding lanes.

        Raises
        ------
        BenchError
            Another dtype or shape, or atoms that overlap.
        """
        shapes = [(count, *self.grid) for count in (self.channels, self.lanes)]
        if not isinstance(cube, np.ndarray) or cube.dtype != np.int8 or cube.shape not in shapes:
            raise BenchError(f"FeatureSurface: takes int8 {shapes[0]}, got {describe(cube)}")
        atoms = channels_last(self._with_padding(cube), self.memory_atom)
        write_runs(memory, self.unit_addresses(), atoms.view(np.uint8))
