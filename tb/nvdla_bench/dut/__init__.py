"""Descriptions of devices under test and their Verilog file lists."""
