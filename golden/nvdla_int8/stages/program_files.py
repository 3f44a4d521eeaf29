"""The files of layer programs: readable JSON and, beside it, arrays."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError, file_trouble
from nvdla_int8.json_files import read_json

LAYER_PROGRAM = "a layer program"
"""What messages call the file."""


def read_header(path: Path) -> dict[str, Any]:
    """Read a layer program's JSON object; BenchError with the file and what is wrong."""
    header = read_json(path, LAYER_PROGRAM)
    if not isinstance(header, dict):
        raise BenchError(f"{path}: a layer program is a JSON object, not {type(header).__name__}")
    if "format" not in header:
        raise BenchError(f"{path}: LayerProgram: format is missing")
    return header


def read_arrays(path: Path, names: set[str], header: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """Read the arrays beside a layer program's JSON file, which has the suffix ``.npz`` and some of these names.

    Raises
    ------
    BenchError
        The archive is missing or damaged, holds an array of another name, or the header one of these.
    """
    arrays_path = path.with_suffix(".npz")
    try:
        stored = np.load(arrays_path, allow_pickle=False)
        if not isinstance(stored, np.lib.npyio.NpzFile):
            raise ValueError("one array, not an archive of arrays")
        with stored:
            arrays = {key: stored[key] for key in stored.files}
    except OSError as error:
        raise BenchError(f"{arrays_path}: {file_trouble(error)}; it holds the arrays of {path.name}") from None
    except (ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise BenchError(f"{arrays_path}: cannot be read as the program's arrays: {error}") from None
    for key in arrays.keys() - names:
        raise BenchError(f"{arrays_path}: array {key!r} is not part of a layer program")
    for key in header.keys() & names:
        raise BenchError(f"{path}: {key} belongs into {arrays_path.name}")
    return arrays
