"""Compiles and runs any design in Verilator or Icarus."""

SIMULATORS = ("verilator", "icarus")
