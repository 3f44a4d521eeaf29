"""Files that a command does not take and another one does: the message names that one."""

from pathlib import Path

from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.loadable import is_loadable

FLOAT_NETWORKS = (".onnx", ".prototxt", ".caffemodel")
"""Suffixes of networks in real numbers."""


def refuse_compiled_network(path: Path, advice: str) -> None:
    """BenchError with advice when a file is a compiled network."""
    if is_loadable(path):
        raise BenchError(f"{path}: is a compiled network: {advice}")


def refuse_float_network(path: Path, advice: str) -> None:
    """BenchError with advice when a file is, by its name, a network in real numbers."""
    if path.suffix in FLOAT_NETWORKS:
        raise BenchError(f"{path}: is a network in real numbers: {advice}")
