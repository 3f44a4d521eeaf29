"""The golden device beside a core in somebody's bench, compared with it byte by byte."""

from typing import Protocol

from nvdla_bench.protocol.csb import CsbWrite
from nvdla_int8.device import Device
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.written_ranges import WrittenBytes
from nvdla_int8.trace.judge import compare_memory


class CoreMemory(Protocol):
    """What the scoreboard compares; :class:`~nvdla_bench.components.dbb_memory.DbbMemory` is one."""

    @property
    def memory(self) -> Memory:
        """The bytes."""

    @property
    def written(self) -> WrittenBytes:
        """Which of them the core has written."""


class GoldenScoreboard:
    """Gets what the core gets - memory and register writes - and compares what comes out.

    Hand :meth:`follow` to a :class:`~nvdla_bench.protocol.csb.CsbMonitor` as its callback: then whatever programs
    the core programs the golden device too. A program that the golden device refuses ends the test with block,
    register and value.

    Parameters
    ----------
    core
        The memory behind the core.
    build
        The build that the core is, see :func:`nvdla_int8.build.find_build`.

    Attributes
    ----------
    device
        The golden device.
    """

    def __init__(self, core: CoreMemory, build: str = "nv_small") -> None:
        self.device = Device(build)
        self._core = core

    def load(self, base: int, data: bytes) -> None:
        """Put bytes into both memories, before the layer that reads them is started."""
        for memory in (self._core.memory, self.device.memory):
            memory.write_bytes(base, data)

    def clear(self, base: int, size: int) -> None:
        """Make bytes of both memories zero."""
        for memory in (self._core.memory, self.device.memory):
            memory.clear(base, size)

    def follow(self, write: CsbWrite) -> None:
        """Write the golden device's register; a layer that this starts runs before the call returns.

        Raises
        ------
        BenchError
            No such register, or a layer that the hardware would not run as meant.
        """
        if isinstance(write.register, str):
            self.device.write(write.register, write.word)
        else:
            self.device.csb_write(write.register, write.word)

    def check(self) -> int:
        """Compare every byte of the memory, once the core has said that it is done.

        Returns
        -------
        int
            Bytes of layers' outputs that were compared, at least one.

        Raises
        ------
        AssertionError
            One line with the first wrong element - layer, channel, y, x - or output that the core never wrote; or
            no layer ran, so that nothing was compared.
        """
        layers = self.device.layers
        assert layers, "nothing was compared: no layer was started, or the scoreboard does not follow the CSB"
        compared = 0
        for index, run in enumerate(layers):
            surface = run.destination
            missing = self._core.written.missing_of([(surface.unit_addresses(), surface.unit_bytes)])
            assert missing is None, (
                f"the core never wrote {missing.missing:,} of {missing.asked:,} bytes of layer {index}'s output, "
                f"the first at {missing.lowest:#x}"
            )
            compared += surface.size_bytes
        difference = compare_memory(self.device, self._core.memory)
        assert difference is None, difference[0]
        return compared
