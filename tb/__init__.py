"""cocotb benches of the RTL; all expected values come from ``golden``."""
