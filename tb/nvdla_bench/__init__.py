"""cocotb benches of the RTL, of the whole core and of its units; all expected values come from ``nvdla_int8``."""
