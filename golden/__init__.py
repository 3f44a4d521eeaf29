"""Bit-exact NumPy model of NVDLA's INT8 path, and the tool that programs its converters."""
