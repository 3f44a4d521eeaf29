"""Which AXI IDs a device with nv_small's ports may use (hardware.md section 4)."""

READ_IDS = frozenset({1, 5, 6, 8, 9})
"""AXI IDs of reads: SDP source, BS, BN, CDMA data, CDMA weights (hardware.md section 4)."""


WRITE_IDS = frozenset({1})
"""AXI IDs of writes: SDP."""
