"""Which AXI IDs a device with nv_small's ports may use (hardware.md section 4, pdp_cdp.md sections 4 and 7)."""

READ_IDS = frozenset({1, 2, 3, 5, 6, 8, 9})
"""AXI IDs of reads: SDP source, PDP, CDP, BS, BN, CDMA data, CDMA weights."""


WRITE_IDS = frozenset({1, 2, 3})
"""AXI IDs of writes: SDP, PDP, CDP."""
