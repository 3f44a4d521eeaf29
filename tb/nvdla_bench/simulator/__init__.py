"""Compiles and runs any design in the simulators that cocotb's runner knows."""

SIMULATORS = ("verilator", "icarus")
"""On which the bench is tested; by cocotb's names, as the following."""

UNTRIED = ("questa", "questa-qisqrun", "riviera", "activehdl", "xcelium", "vcs", "dsim")
"""Those for Verilog that could not be run here; they get the same sources and options."""

FOR_VHDL = ("ghdl", "nvc")
"""What cocotb's runner knows besides."""


def checks_assertions(sim: str) -> bool:
    """Whether a simulator takes the checkers in SystemVerilog."""
    return sim != "icarus"
