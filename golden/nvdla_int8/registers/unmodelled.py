"""Units of the hardware whose registers and interrupts are not modelled (hardware.md section 4)."""

UNMODELLED_BLOCKS = {
    "CFGROM": "CFGROM",
    "GEC": "GEC",
    "MCIF": "MCIF",
    "CVIF": "CVIF",
    "SRAMIF": "SRAMIF",
    "BDMA": "BDMA",
    "RUBIK": "RUBIK",
}
"""The unit of each block of registers that public builds have and this model has not."""

UNMODELLED_INTERRUPTS = {f"{unit}_{group}": unit for unit in ("BDMA", "RUBIK") for group in (0, 1)}
"""The unit of each interrupt that never comes here, by the names that traces use."""
