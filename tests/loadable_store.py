"""The project's own compiled networks, kept as one archive, unpacked for the tests.

``data/loadables.tar.xz`` is made by ``tools/pack_loadables.py``: small Caffe networks with seeded weights, compiled by
NVIDIA's compiler for nv_small, with what the real nv_small RTL computed. A network has a folder::

    NAME/net.prototxt, net.caffemodel, calib.json      the network, its calibration table
    NAME/float.npz                                     input_int8 (C, H, W); ref_TENSOR float32, of small networks
    NAME/per_kernel.nvdla, per_filter.nvdla            compiled, mostly in one or both modes
    NAME/per_kernel_trace/tensors.npz                  layerN int8, accN int32 of operation N, as the RTL computed them
    NAME/per_kernel_trace/layers.json                  what the trace checks
    NAME/per_kernel_trace/*.cfg                        the real driver's register accesses; no memory images

There is no trace of ``dead_filter``.
"""

import hashlib
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests import archives

ARCHIVE = Path(__file__).parent / "data" / "loadables.tar.xz"

CACHE = Path(__file__).parents[1] / "sim_build"


@cache
def loadables() -> Path:
    """The folder of all networks, unpacked once for all processes and runs."""
    digest = hashlib.sha256(ARCHIVE.read_bytes()).hexdigest()[:12]
    folder = CACHE / f"loadables_{digest}"
    archives.unpack_once(folder, lambda partial: archives.unpack(ARCHIVE, partial))
    return folder


def network(name: str) -> Path:
    """A network's folder, such as ``lenet``."""
    return loadables() / name


def loadable(name: str, mode: str) -> Path:
    """A compiled network; ``mode`` is per_kernel or per_filter."""
    return network(name) / f"{mode}.nvdla"


def all_loadables() -> list[Path]:
    """Every compiled network, sorted."""
    return sorted(loadables().glob("*/*.nvdla"))


def traced_loadables() -> list[Path]:
    """Those that the RTL has run, sorted."""
    return [path for path in all_loadables() if trace_of(path).is_dir()]


def trace_of(path: Path) -> Path:
    """The folder with what the RTL made of a compiled network."""
    return path.with_name(f"{path.stem}_trace")


def driver_log(path: Path) -> str:
    """The real driver's register accesses for a compiled network, as the text of a trace."""
    (cfg,) = trace_of(path).glob("*.cfg")
    return cfg.read_text()


def rtl_tensors(path: Path) -> dict[str, NDArray[np.integer]]:
    """What the RTL computed of a compiled network: ``layerN`` int8, ``accN`` int32, (C, H, W)."""
    with np.load(trace_of(path) / "tensors.npz") as file:
        return dict(file)


def network_input(path: Path) -> NDArray[np.int8]:
    """The input of the RTL's run, int8 (C, H, W)."""
    with np.load(path.with_name("float.npz")) as file:
        tensor: NDArray[np.int8] = file["input_int8"]
        return tensor
