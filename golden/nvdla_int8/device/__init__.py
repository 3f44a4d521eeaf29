"""The golden device: registers and memory in front, the INT8 path behind (hardware.md sections 2 to 5)."""

from nvdla_int8.device.device import Device
from nvdla_int8.device.diagnostics import Diagnostic, IllegalProgramError

__all__ = ["Device", "Diagnostic", "IllegalProgramError"]
