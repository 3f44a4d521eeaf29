"""GLB's interrupts as the driver reads and clears them (loadables.md section 5)."""

from collections.abc import Callable

from nvdla_int8.driver.target import Target
from nvdla_int8.errors import BenchError, located

STATUS = "GLB.S_INTR_STATUS"


class DriverInterrupts:
    """The interrupts of a target.

    Parameters
    ----------
    target
        The hardware.
    waiting
        Says what is waited for, in messages.
    """

    def __init__(self, target: Target, waiting: Callable[[], str]) -> None:
        self._target = target
        self._waiting = waiting

    def await_status(self) -> int:
        """Wait for the line and read what is up; BenchError when it never rises."""
        try:
            self._target.wait()
        except BenchError as error:
            with located(self._waiting()):
                raise error from None
        return self._read()

    def clear(self, bits: int, status: int) -> None:
        """Clear what is handled of what is up; BenchError when that is nothing: it would be up for ever."""
        if not bits:
            raise BenchError(f"{STATUS} = {status:#010x} is of nothing that runs: {self._waiting()}")
        self._target.write(STATUS, bits)
        self._read()

    def _read(self) -> int:
        """Read the status, before it is cleared and after, and the mask, which the driver only logs."""
        self._target.read("GLB.S_INTR_MASK")
        return self._target.read(STATUS)
