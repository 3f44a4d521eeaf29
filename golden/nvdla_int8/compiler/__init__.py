"""Layer programs to register programs for the hardware, and those to files (hardware.md sections 3 to 6)."""

from nvdla_int8.compiler.forms import WRITERS, write_as_c_header, write_as_npz, write_as_readmemh, write_as_trace
from nvdla_int8.compiler.program_writer import write_program
from nvdla_int8.compiler.register_program import RegisterProgram

__all__ = [
    "WRITERS",
    "RegisterProgram",
    "write_as_c_header",
    "write_as_npz",
    "write_as_readmemh",
    "write_as_trace",
    "write_program",
]
