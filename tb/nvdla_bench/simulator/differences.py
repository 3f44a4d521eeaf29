"""In what the simulators differ, as far as cocotb's runners leave it to their users; by cocotb's names."""

TIMESCALE = ("1ns", "1ps")

BUILD_ARGS = {
    "verilator": ("-O3",),
    # What cocotb's makefiles give these, and its runners leave out.
    "questa": ("-timescale", "/".join(TIMESCALE), "-mfcu", "+acc"),
    "riviera": ("-timescale", "/".join(TIMESCALE)),
    "activehdl": ("-timescale", "/".join(TIMESCALE)),
    "vcs": (f"-timescale={'/'.join(TIMESCALE)}",),
    "dsim": ("-timescale", "/".join(TIMESCALE)),
}
FILE_BY_FILE = ("questa", "riviera", "activehdl")
"""Whose runners compile each source by itself, though macros reach from one to the next."""

PARAMETERS_AT_START = ("questa", "riviera", "activehdl")
"""Which take a design's parameters when they start it."""

WAVES = {
    "verilator": "dump.vcd", "icarus": "dump.fst", "questa": "vsim.wlf", "questa-qisqrun": "qwave.db",
    "riviera": "dataset.asdb", "activehdl": "dataset.asdb", "xcelium": "cocotb_waves.shm", "dsim": "file.vcd",
}  # fmt: skip
"""The wave file in a run's folder."""

WAVES_ARE_BUILT_IN = ("verilator", "icarus")
"""Which write waves only of designs that were compiled for it."""
