"""A register program as files, one form a module: NVDLA trace, ``.npz``, ``$readmemh`` images, C header."""

from collections.abc import Callable, Mapping
from pathlib import Path

from nvdla_int8.compiler.forms.c_header import write_as_c_header
from nvdla_int8.compiler.forms.npz import write_as_npz
from nvdla_int8.compiler.forms.readmemh import write_as_readmemh
from nvdla_int8.compiler.forms.trace import write_as_trace
from nvdla_int8.compiler.register_program import RegisterProgram

__all__ = ["WRITERS", "write_as_c_header", "write_as_npz", "write_as_readmemh", "write_as_trace"]

WRITERS: Mapping[str, Callable[[RegisterProgram, Path], tuple[Path, ...]]] = {
    "trace": write_as_trace,
    "npz": write_as_npz,
    "readmemh": write_as_readmemh,
    "c": write_as_c_header,
}
"""Every form that a program can be written in; each writer gives its files, the one to begin with first."""
