"""The reference programs, kept as one archive, unpacked for the tests.

``data/reference.tar.xz`` is made by ``tools/pack_archive.py``: traces whose outputs NVIDIA's public nv_small RTL
produced, ``cycles.txt`` with the cycles that it took, ``reuse_index.json`` with what the reuse programs fetch.
"""

from collections.abc import Collection, Iterable
from pathlib import Path

from tests import archives

CONVOLUTION_KINDS = {"dc": 30, "img": 24, "layer": 40, "pair": 8, "sdp": 24}
POOLING_KINDS = {"pdp": 40, "pdp2": 8, "cdp": 40, "cdp2": 6, "fly": 20, "fly2": 6}
REUSE_KINDS = {"reuse": 40}
KINDS = CONVOLUTION_KINDS | POOLING_KINDS | REUSE_KINDS
"""How many programs there are of each kind."""

ARCHIVE = Path(__file__).parent / "data" / "reference.tar.xz"


def unpack_once(parent: Path) -> list[Path]:
    """Unpack to ``parent/reference`` unless another process has; return the programs' folders, sorted by name."""
    folder = parent / "reference"
    archives.unpack_once(folder, unpack)
    return sorted(path for path in folder.iterdir() if path.is_dir())


def real_cycles(folder: Path) -> dict[str, int]:
    """Cycles that the real RTL took from the last enable to the interrupt, by program, from the unpacked archive."""
    lines = (line.split() for line in (folder / "cycles.txt").read_text().splitlines())
    return {f"{kind}_{number}": int(cycles) for kind, number, cycles, *_ in lines}


def of_kinds(folders: Iterable[Path], kinds: Collection[str]) -> list[Path]:
    """Those of the programs' folders that are of some kinds."""
    return [folder for folder in folders if folder.name.rpartition("_")[0] in kinds]


def unpack(folder: Path, kinds: Collection[str] | None = None) -> None:
    """Write the archive's files below ``folder``; only the programs of some kinds if they are given."""
    archives.unpack(ARCHIVE, folder, lambda name: kinds is None or bool(of_kinds([Path(name).parent], kinds)))
