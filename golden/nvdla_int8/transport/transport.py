"""What a live device can do, and how ``--on`` says which one is meant."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from nvdla_int8.errors import BenchError, located
from nvdla_int8.transport.bridge import BRIDGE_FORM, open_bridge
from nvdla_int8.transport.mapped import open_devmem, open_uio
from nvdla_int8.transport.simulated import SIM_FORM, open_simulated
from nvdla_int8.transport.window import Window


class Transport(Protocol):
    """A live device. Every call raises BenchError, one line, when the device is lost or cannot do it."""

    @property
    def memory(self) -> Window:
        """The memory that it reaches."""

    def read_register(self, address: int) -> int:
        """Read the 32-bit register at a byte address from the NVDLA's base."""

    def write_register(self, address: int, word: int) -> None:
        """Write the 32-bit register at a byte address."""

    def read_memory(self, base: int, size: int) -> bytes:
        """Read ``size`` bytes of memory from the NVDLA's bus address ``base``."""

    def write_memory(self, base: int, data: bytes) -> None:
        """Write bytes of memory from the NVDLA's bus address ``base``."""

    def wait_for_interrupt(self, timeout_s: float) -> bool:
        """Wait until the interrupt line is up or the time is over; whether it may be up."""

    def close(self) -> None:
        """Give the device back."""


class _Scheme(NamedTuple):
    form: str
    open: Callable[[str], Transport]


SCHEMES: Mapping[str, _Scheme] = {
    "tcp": _Scheme(BRIDGE_FORM, open_bridge),
    "devmem": _Scheme("devmem:registers=ADDRESS,memory=ADDRESS+SIZE", open_devmem),
    "uio": _Scheme("uio:/dev/uioN,memory=/dev/udmabufN", open_uio),
    "sim": _Scheme(SIM_FORM, open_simulated),
}
"""The kinds of transport by the word that their text begins with, each with its form without options."""

FORMS = ", ".join(scheme.form for scheme in SCHEMES.values())


def open_transport(text: str) -> Transport:
    """Open a live device; ``docs/transport.md`` describes the texts.

    Raises
    ------
    BenchError
        One line: a text of no known form, with the right form; or a device that cannot be opened, and why.
    """
    word, colon, rest = text.partition(":")
    scheme = SCHEMES.get(word)
    if scheme is None or not colon:
        raise BenchError(f"{text!r} is no transport; the forms are {FORMS}")
    with located(text):
        return scheme.open(rest)
