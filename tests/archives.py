"""Archives of the tests' data: unpacked once, whichever process comes first."""

import fcntl
import tarfile
from collections.abc import Callable
from pathlib import Path


def unpack(archive: Path, folder: Path, wanted: Callable[[str], bool] = lambda _: True) -> None:
    """Write the archive's files below ``folder``, those whose names are wanted."""
    with tarfile.open(archive) as tar:
        for member in tar:
            if not wanted(member.name):
                continue
            file = tar.extractfile(member)
            assert file is not None, f"{member.name} is not a regular file"
            target = folder / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read())


def unpack_once(folder: Path, unpack_to: Callable[[Path], None]) -> None:
    """Have ``unpack_to`` fill ``folder`` unless another process has."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            partial = folder.with_suffix(".partial")  # renamed when complete
            unpack_to(partial)
            partial.rename(folder)
