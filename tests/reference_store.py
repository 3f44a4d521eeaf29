"""The reference programs, kept as one archive, unpacked for the tests.

``data/reference.tar.xz`` is made by ``tools/pack_reference.py``: traces whose outputs NVIDIA's public nv_small RTL
produced, ``cycles.txt`` with the cycles that it took, ``reuse_index.json`` with what the reuse programs fetch.
"""

import fcntl
import tarfile
from collections.abc import Collection, Iterable
from pathlib import Path

CONVOLUTION_KINDS = {"dc": 30, "img": 24, "layer": 40, "pair": 8, "sdp": 24}
POOLING_KINDS = {"pdp": 40, "pdp2": 8, "cdp": 40, "cdp2": 6, "fly": 20, "fly2": 6}
REUSE_KINDS = {"reuse": 40}
KINDS = CONVOLUTION_KINDS | POOLING_KINDS | REUSE_KINDS
"""How many programs there are of each kind."""

ARCHIVE = Path(__file__).parent / "data" / "reference.tar.xz"


def unpack_once(parent: Path) -> list[Path]:
    """Unpack to ``parent/reference`` unless another process has; return the programs' folders, sorted by name."""
    folder = parent / "reference"
    with (parent / "reference.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            partial = parent / "reference.partial"  # renamed when complete
            unpack(partial)
            partial.rename(folder)
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
    with tarfile.open(ARCHIVE) as tar:
        for member in tar:
            if kinds is not None and not of_kinds([Path(member.name).parent], kinds):
                continue
            file = tar.extractfile(member)
            assert file is not None, f"{member.name} is not a regular file"
            target = folder / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read())
