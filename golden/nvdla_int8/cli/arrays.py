"""Arrays from files, checked before anything computes with them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.images.arrays import ArrayFile
from nvdla_int8.stages.any_program import AnyProgram
from nvdla_int8.stages.layer_program import LayerProgram


def read_bytes(path: Path) -> NDArray[np.integer]:
    """Read a layer's input: int8 or uint8, (C, H, W) or (N, C, H, W).

    Raises
    ------
    BenchError
        When the file is no such array; the line names the file.
    """
    array = read_array(path)
    if array.dtype not in (np.int8, np.uint8):
        raise BenchError(f"{path}: dtype {array.dtype}, an input is int8 or uint8")
    if array.ndim not in (3, 4) or array.size == 0:
        raise BenchError(f"{path}: shape {array.shape}, an input is (C, H, W) or (N, C, H, W) and not empty")
    return array


def read_input(path: Path, layer: AnyProgram) -> NDArray[np.integer]:
    """Read the input of a program whose first layer this is; as :func:`read_bytes`, with its channels and signs."""
    array = read_bytes(path)
    if isinstance(layer, LayerProgram) and array.shape[-3] != (channels := layer.channels):
        images = "N, " if array.ndim == 4 else ""
        raise BenchError(f"{path}: shape {array.shape}, layer {layer.name} takes ({images}{channels}, H, W)")
    unsigned = isinstance(layer, LayerProgram) and layer.input_converter.unsigned
    unfit = array[(array < 0) if unsigned else (array > np.iinfo(np.int8).max)]
    if unfit.size:
        takes = "unsigned pixels, 0..255" if unsigned else "int8, -128..127"
        raise BenchError(f"{path}: {unfit[0]} in a file of {array.dtype}, layer {layer.name} takes {takes}")
    return array


def read_array(path: Path) -> NDArray[np.integer]:
    """Read one array of integers from an ``.npy`` or ``.npz`` file; BenchError when it holds anything else."""
    array = ArrayFile(path)
    if not np.issubdtype(array.dtype, np.integer):
        raise BenchError(f"{path}: dtype {array.dtype}, integers are needed")
    integers: NDArray[np.integer] = array.whole().astype(array.dtype, copy=False)
    return integers
