"""The golden device: registers and memory in front, the INT8 path behind (spec sections 2 to 5)."""

from golden.device.device import Device
from golden.device.diagnostics import Diagnostic, IllegalProgramError

__all__ = ["Device", "Diagnostic", "IllegalProgramError"]
