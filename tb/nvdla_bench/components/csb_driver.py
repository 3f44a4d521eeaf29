"""Drives the CSB of a core: registers by name or byte address (hardware.md section 4)."""

from typing import Any, ClassVar

from cocotb.triggers import FallingEdge, Lock, RisingEdge
from cocotb_bus.drivers import BusDriver

from nvdla_bench.protocol.clocked import is_known
from nvdla_bench.protocol.csb import CsbWrite
from nvdla_bench.protocol.ports import CSB_SIGNALS
from nvdla_int8.registers.register_map import WORD_MASK, find_register, name_at

OPTIONAL = ("nposted", "wr_complete")
DRIVEN = ("valid", "addr", "wdat", "write", "nposted")
LIMIT_CYCLES = 10_000


class CsbDriver(BusDriver):  # type: ignore[misc]  # cocotb-bus has no types
    """Master of a core's CSB.

    :meth:`write` and :meth:`read` may be called from several tasks: one access runs at a time. ``send`` and
    ``append`` of cocotb-bus take :class:`~nvdla_bench.protocol.csb.CsbWrite`.

    Parameters
    ----------
    entity, name, clock
        The module that holds nets of the ports' names, what these begin with (None for nothing), and the clock.
        A core without ``csb2nvdla_nposted`` and ``nvdla2csb_wr_complete`` takes posted writes only.
    limit_cycles
        After so many cycles without an answer an access fails.
    kwargs
        For cocotb-bus' ``Bus``.
    """

    _signals: ClassVar[dict[str, str]] = {name: net for name, net in CSB_SIGNALS.items() if name not in OPTIONAL}
    _optional_signals: ClassVar[dict[str, str]] = {name: CSB_SIGNALS[name] for name in OPTIONAL}

    def __init__(
        self, entity: Any, name: str | None, clock: Any, *, limit_cycles: int = LIMIT_CYCLES, **kwargs: Any
    ) -> None:
        super().__init__(entity, name, clock, **kwargs)
        self._limit_cycles = limit_cycles
        self._lock = Lock()
        for signal in DRIVEN:
            if hasattr(self.bus, signal):
                getattr(self.bus, signal).value = 0

    async def write(self, register: str | int, word: int, *, nposted: bool = False) -> None:
        """Write a register, ``BLOCK.REGISTER`` or a byte address.

        A posted write ends when the core has taken it, a non-posted one when the core has said that it is done.

        Raises
        ------
        BenchError
            No such register.
        AssertionError
            The core does not take or answer it.
        """
        async with self._lock:
            await self._request(CsbWrite(register, word, nposted), write=True)

    async def read(self, register: str | int) -> int:
        """Read a register; errors as :meth:`write`, and AssertionError when a bit of the answer is unknown."""
        async with self._lock:
            name = await self._request(CsbWrite(register, 0), write=False)
            text = await self._answer(self.bus.read_valid, self.bus.read_data, f"read of {name}")
        assert is_known(text), f"csb: {name} reads unknown bits: {text}"
        return int(text, 2)

    async def poll(self, register: str | int, value: int, mask: int = WORD_MASK, *, limit_cycles: int = 0) -> None:
        """Read a register until the bits of ``mask`` equal ``value``; AssertionError when they never do.

        ``limit_cycles`` is by default the driver's.
        """
        limit = limit_cycles or self._limit_cycles
        for _ in range(max(1, limit // 2)):  # an access takes two cycles or more
            word = await self.read(register)
            if word & mask == value:
                return
        raise AssertionError(f"csb: {register} never becomes {value:#x}, it stays {word:#x} (mask {mask:#x})")

    async def _driver_send(self, transaction: CsbWrite, sync: bool = True) -> None:
        await self.write(transaction.register, transaction.word, nposted=transaction.nposted)

    async def _request(self, access: CsbWrite, *, write: bool) -> str:
        """Have a request taken, and a non-posted write completed; the register's name."""
        register = access.register
        address = find_register(register).address if isinstance(register, str) else register
        name = register if isinstance(register, str) else name_at(register)
        bus = self.bus
        assert hasattr(bus, "wr_complete") or not access.nposted, "csb: this core has no port for non-posted writes"
        await RisingEdge(self.clock)
        bus.addr.value, bus.wdat.value, bus.write.value = address // 4, access.word, int(write)
        if hasattr(bus, "nposted"):
            bus.nposted.value = int(access.nposted)
        bus.valid.value = 1
        what = f"{'write' if write else 'read'} of {name}"
        for _ in range(self._limit_cycles):
            await FallingEdge(self.clock)  # everything has settled to what the next rising edge takes
            taken = str(bus.ready.value) == "1"
            await RisingEdge(self.clock)
            if taken:
                break
        else:
            raise AssertionError(f"csb: {what} is not taken within {self._limit_cycles:,} cycles")
        bus.valid.value = 0
        if access.nposted:
            await self._answer(bus.wr_complete, bus.wr_complete, what)
        return name

    async def _answer(self, valid: Any, data: Any, what: str) -> str:
        for _ in range(self._limit_cycles):
            await FallingEdge(self.clock)
            if str(valid.value) == "1":
                return str(data.value)
        raise AssertionError(f"csb: {what} is not answered within {self._limit_cycles:,} cycles")
