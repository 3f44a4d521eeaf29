"""The public builds of the hardware: the few numbers in which they differ (hardware.md section 1)."""

from typing import Annotated

from pydantic import Field

from nvdla_int8.errors import BenchError
from nvdla_int8.parameters import Parameters

Count = Annotated[int, Field(strict=True, ge=1, le=2**16)]


class Build(Parameters):
    """Sizes of one build.

    Everything was proven on nv_small only. The other builds' sizes come from the public configuration
    files (read only), from the revisions whose atoms agree with hardware.md section 1; other revisions of
    nv_medium_512 and nv_medium_1024_full state other sizes. No program was run on those builds.

    Attributes
    ----------
    name
        The build's name.
    memory_atom
        Channels of a feature cube that lie together in memory, one byte each.
    atomic_c, atomic_k
        Channels and kernels that the MACs take at once.
    cbuf_banks, cbuf_bank_entries, cbuf_entry_bytes
        The CBUF: its banks, the entries of a bank, the bytes of an entry.
    address_bits
        Width of a memory address.
    """

    name: str
    memory_atom: Count
    atomic_c: Count
    atomic_k: Count
    cbuf_banks: Count
    cbuf_bank_entries: Count
    cbuf_entry_bytes: Count
    address_bits: Annotated[int, Field(strict=True, ge=1, le=64)]

    @property
    def cbuf_bank_bytes(self) -> int:
        """Bytes of one CBUF bank."""
        return self.cbuf_bank_entries * self.cbuf_entry_bytes


def _build(name: str, atoms: tuple[int, int, int], cbuf: tuple[int, int, int], address_bits: int) -> Build:
    memory_atom, atomic_c, atomic_k = atoms
    banks, entries, entry_bytes = cbuf
    return Build(
        name=name,
        memory_atom=memory_atom,
        atomic_c=atomic_c,
        atomic_k=atomic_k,
        cbuf_banks=banks,
        cbuf_bank_entries=entries,
        cbuf_entry_bytes=entry_bytes,
        address_bits=address_bits,
    )


# Memory atom, atomic-C, atomic-K; CBUF banks, entries, bytes; address bits.
_BUILDS = {
    build.name: build
    for build in (
        _build("nv_small", (8, 8, 8), (32, 512, 8), 32),
        _build("nv_small_256", (8, 32, 8), (32, 128, 32), 32),
        _build("nv_medium_512", (16, 32, 16), (32, 512, 32), 64),
        _build("nv_medium_1024_full", (32, 32, 32), (32, 512, 32), 64),
        _build("nv_large", (32, 64, 32), (16, 512, 64), 64),
    )
}


NV_SMALL = _BUILDS["nv_small"]
"""The build that everything was proven on, and the default wherever a build is asked for."""


def find_build(name: str) -> Build:
    """Return the build of this name.

    Raises
    ------
    BenchError
        For an unknown name, listing the known ones.
    """
    if name not in _BUILDS:
        raise BenchError(f"build {name!r} is not known; there are {', '.join(_BUILDS)}")
    return _BUILDS[name]
