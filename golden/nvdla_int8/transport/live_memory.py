"""A live device's memory as a trace sees it, the golden device's beside it."""

from collections.abc import Callable

from nvdla_int8.device import Device
from nvdla_int8.errors import BenchError
from nvdla_int8.report.progress import LateProgress
from nvdla_int8.transport.transport import Transport

CHUNK_BYTES = 1 << 16
"""Between two steps of the progress bar."""


class LiveMemory:
    """Writes both memories, reads the live one.

    Parameters
    ----------
    transport
        The live device.
    golden
        The golden device.
    """

    def __init__(self, transport: Transport, golden: Device) -> None:
        self._transport = transport
        self._golden = golden

    def clear(self, base: int, size: int) -> None:
        """Make bytes zero."""
        self._golden.memory.clear(base, size)
        self._in_chunks("load", size, lambda offset, length: self._write(base + offset, bytes(length)))

    def write_bytes(self, base: int, data: bytes) -> None:
        """Write bytes."""
        self._golden.memory.write_bytes(base, data)
        self._in_chunks(
            "load", len(data), lambda offset, length: self._write(base + offset, data[offset : offset + length])
        )

    def read_bytes(self, base: int, size: int) -> bytes:
        """Read bytes."""
        parts: list[bytes] = []
        self._in_chunks(
            "read", size, lambda offset, length: parts.append(self._transport.read_memory(base + offset, length))
        )
        return b"".join(parts)

    def _write(self, base: int, data: bytes) -> None:
        """Write, and see that it is there: an address that leads elsewhere is found before anything runs."""
        self._transport.write_memory(base, data)
        found = self._transport.read_memory(base, len(data))
        if found != data:
            at = next(index for index, (one, other) in enumerate(zip(data, found, strict=True)) if one != other)
            raise BenchError(
                f"memory at {base + at:#x} reads back {found[at]:#04x} where {data[at]:#04x} was written: "
                "is this the NVDLA's memory?"
            )

    @staticmethod
    def _in_chunks(what: str, size: int, move: Callable[[int, int], None]) -> None:
        with LateProgress(what, -(-size // CHUNK_BYTES)) as progress:
            for offset in range(0, size, CHUNK_BYTES):
                move(offset, min(CHUNK_BYTES, size - offset))
                progress.advance()
