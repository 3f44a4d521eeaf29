"""cocotb test modules of the single RTL units, and the catalogue that runs them."""
