"""GLB's interrupts as the driver reads and clears them (loadables.md section 5)."""

from nvdla_int8.driver.target import Target
from nvdla_int8.errors import BenchError, located

STATUS = "GLB.S_INTR_STATUS"


class DriverInterrupts:
    """The interrupts of a target."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def await_status(self, waiting: str) -> int:
        """Wait for the line and read what is up; BenchError, which says what is ``waiting``, when it never comes."""
        with located(f"no interrupt: {waiting}"):
            self._target.wait()
        return self._read()

    def clear(self, bits: int, status: int, waiting: str) -> None:
        """Clear what is handled of what is up; BenchError when that is nothing, as it would stay so for ever."""
        if not bits:
            raise BenchError(f"{STATUS} = {status:#010x} is of nothing that runs: {waiting}")
        self._target.write(STATUS, bits)
        self._read()

    def _read(self) -> int:
        """Read the status, before it is cleared and after, and the mask, which the driver only logs."""
        self._target.read("GLB.S_INTR_MASK")
        return self._target.read(STATUS)
