"""Opens whatever holds images: a folder of pictures, one picture, an NPY file, an NPZ archive."""

from pathlib import Path

from nvdla_int8.errors import BenchError
from nvdla_int8.images.arrays import ArrayImages
from nvdla_int8.images.images import Images, Wanted
from nvdla_int8.images.pictures import SUFFIXES, Pictures, is_picture

ARRAY_SUFFIXES = (".npy", ".npz")
MOST_NAMED = 3


def open_images(path: Path, wanted: Wanted) -> Images:
    """Open a source of images.

    Parameters
    ----------
    path
        A folder, whose pictures are taken in the order of their names; one picture; ``.npy``; ``.npz``, of which
        ``FILE.npz:NAME`` is one array.
    wanted
        What the images must be.

    Raises
    ------
    BenchError
        One line with the file and what is wrong with it.
    """
    if path.is_dir():
        return _folder(path, wanted)
    if is_picture(path):
        return Pictures(path, [path], wanted)
    if not is_array(path):
        kinds = " ".join((*SUFFIXES, *ARRAY_SUFFIXES))
        raise BenchError(f"{path}: neither a picture nor an array; images are folders, and files of {kinds}")
    return ArrayImages(path, wanted)


def is_array(path: Path) -> bool:
    """Whether a path is read as an array: by its name, because no file has it, or because the file begins as one."""
    if not path.is_file() or path.suffix.lower() in ARRAY_SUFFIXES:
        return True
    with path.open("rb") as stream:
        return stream.read(6).startswith((b"\x93NUMPY", b"PK\x03\x04"))


def _folder(path: Path, wanted: Wanted) -> Images:
    files = sorted(file for file in path.iterdir() if file.is_file())
    pictures = [file for file in files if is_picture(file)]
    if not pictures:
        holds = ", ".join(sorted(each.name for each in path.iterdir())[:MOST_NAMED]) or "nothing"
        raise BenchError(f"{path}: no pictures ({' '.join(SUFFIXES)}) in this folder, which holds {holds}")
    images = Pictures(path, pictures, wanted)
    others = [file.name for file in files if not is_picture(file)]
    if others:
        named = ", ".join(others[:MOST_NAMED]) + ", ..." * (len(others) > MOST_NAMED)
        images.notes += (f"{path}: {len(others)} files that are no pictures left out: {named}",)
    return images
