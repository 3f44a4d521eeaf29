"""The golden device as NVIDIA's driver sees it."""

from nvdla_int8.device import Device
from nvdla_int8.errors import BenchError


class DeviceTarget:
    """A device's registers and its interrupt line; ``device`` is the device."""

    def __init__(self, device: Device) -> None:
        self.device = device

    def write(self, register: str, word: int) -> None:
        """Write a register."""
        self.device.write(register, word)

    def read(self, register: str) -> int:
        """Read a register."""
        return self.device.read(register)

    def wait(self) -> None:
        """The device has run what it can: without an interrupt none will come."""
        if not self.device.interrupt:
            raise BenchError(f"the driver waits for an interrupt in vain: {self.device.waiting()}")
