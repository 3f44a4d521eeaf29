"""Pack a folder, such as the reference programs, into one file that the tests unpack.

    python tools/pack_archive.py REFERENCE_FOLDER tests/data/reference.tar.xz

The same files give the same bytes: sorted, without times, owners or permissions.
"""

import io
import lzma
import sys
import tarfile
from pathlib import Path


def pack(folder: Path, archive: Path) -> None:
    """Write every file below ``folder`` to ``archive``; similar files lie together, which packs best."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        files = (path for path in folder.rglob("*") if path.is_file())
        for path in sorted(files, key=lambda path: (path.suffix, path.as_posix())):
            data = path.read_bytes()
            member = tarfile.TarInfo(path.relative_to(folder).as_posix())
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    archive.write_bytes(lzma.compress(packed.getvalue(), preset=9 | lzma.PRESET_EXTREME))


if __name__ == "__main__":
    if len(sys.argv) != 3 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: python tools/pack_archive.py FOLDER ARCHIVE")
    pack(Path(sys.argv[1]), Path(sys.argv[2]))
