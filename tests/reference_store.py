"""The reference programs, kept as one archive, unpacked for the tests.

``data/reference.tar.xz`` is made by ``tools/pack_reference.py``: 126 traces whose outputs NVIDIA's
public nv_small RTL produced.
"""

import fcntl
import tarfile
from pathlib import Path

ARCHIVE = Path(__file__).parent / "data" / "reference.tar.xz"


def unpack_once(parent: Path) -> list[Path]:
    """Unpack to ``parent/reference`` unless another process has; return the programs' folders, sorted."""
    folder = parent / "reference"
    with (parent / "reference.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            partial = parent / "reference.partial"  # renamed when complete
            unpack(partial)
            partial.rename(folder)
    return sorted(folder.iterdir())


def unpack(folder: Path) -> None:
    """Write the archive's files below ``folder``."""
    with tarfile.open(ARCHIVE) as tar:
        for member in tar:
            file = tar.extractfile(member)
            assert file is not None, f"{member.name} is not a regular file"
            target = folder / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read())
