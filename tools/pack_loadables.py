"""Pack the project's own compiled networks into the one file that the tests unpack.

    python -m tools.pack_loadables LOADABLES_FOLDER tests/data/loadables.tar.xz

Other people's networks are left out, and what a test can make itself: memory images, float weights, float tensors of
the input and of networks with large ones. Arrays are stored without compression of their own, which packs best.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from tools.pack_archive import pack

OTHER_PEOPLES = ("public_", "regression_")
COPIED = {".nvdla", ".prototxt", ".caffemodel", ".json", ".cfg"}
MOST_FLOATS = 1 << 15
"""Elements of the reference tensors of a network."""


def stage(source: Path, target: Path) -> None:
    """Copy what is packed of a network's folder."""
    for path in (path for path in source.rglob("*") if path.is_file()):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in COPIED:
            copy.write_bytes(path.read_bytes())
        elif path.suffix == ".npz":
            with np.load(path) as file:
                arrays = {name: file[name] for name in file if not name.startswith("w_") and name != "ref_data"}
            floats = [name for name in arrays if name.startswith("ref_")]
            if sum(arrays[name].size for name in floats) > MOST_FLOATS:
                arrays = {name: array for name, array in arrays.items() if name not in floats}
            np.savez(copy, **arrays)


def pack_networks(folder: Path, archive: Path) -> None:
    """Pack every network below ``folder`` that is the project's own."""
    with tempfile.TemporaryDirectory() as staged:
        for network in sorted(path for path in folder.iterdir() if path.is_dir()):
            if not network.name.startswith(OTHER_PEOPLES):
                stage(network, Path(staged) / network.name)
        pack(Path(staged), archive)


if __name__ == "__main__":
    if len(sys.argv) != 3 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: python -m tools.pack_loadables LOADABLES_FOLDER ARCHIVE")
    pack_networks(Path(sys.argv[1]), Path(sys.argv[2]))
