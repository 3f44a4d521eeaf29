"""The nv_small ports that the monitors watch, and which of them the device drives."""

AXI_PREFIX = "nvdla_core2dbb"

AXI_CHANNELS: dict[str, tuple[str, ...]] = {
    "aw": ("awid", "awlen", "awaddr"),
    "w": ("wdata", "wstrb", "wlast"),
    "b": ("bid",),
    "ar": ("arid", "arlen", "araddr"),
    "r": ("rid", "rlast", "rdata"),
}
"""The payload of each channel; ``<channel>valid`` and ``<channel>ready`` go with it."""

AXI_SIGNALS = {
    signal: f"{AXI_PREFIX}_{channel}_{signal}"
    for channel, payload in AXI_CHANNELS.items()
    for signal in (f"{channel}valid", f"{channel}ready", *payload)
}
"""Ports of the memory interface by their AXI names."""

CSB_SIGNALS = {
    **{name: f"csb2nvdla_{name}" for name in ("valid", "ready", "addr", "wdat", "write", "nposted")},
    "read_valid": "nvdla2csb_valid",
    "read_data": "nvdla2csb_data",
    "wr_complete": "nvdla2csb_wr_complete",
}
"""Ports of the CSB by a short name."""

INTERRUPT = "dla_intr"

PORTS = (*AXI_SIGNALS.values(), *CSB_SIGNALS.values(), INTERRUPT)
"""All ports that are watched."""

CONTROL_OUTPUTS = (
    INTERRUPT,
    CSB_SIGNALS["ready"],
    CSB_SIGNALS["read_valid"],
    CSB_SIGNALS["wr_complete"],
    *(AXI_SIGNALS[name] for name in ("awvalid", "wvalid", "bready", "arvalid", "rready")),
)
"""Outputs of the device that must always be known."""

PAYLOAD_OUTPUTS: dict[str, tuple[str, ...]] = {
    CSB_SIGNALS["read_valid"]: (CSB_SIGNALS["read_data"],),
    **{
        AXI_SIGNALS[f"{channel}valid"]: tuple(AXI_SIGNALS[name] for name in AXI_CHANNELS[channel])
        for channel in ("aw", "w", "ar")
    },
}
"""Outputs of the device that must be known while their valid is 1."""
