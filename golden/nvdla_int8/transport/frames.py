"""The messages of the TCP bridge as bytes (docs/bridge.md)."""

import struct
import zlib
from enum import IntEnum
from typing import NamedTuple

from nvdla_int8.errors import BenchError

MAGIC = b"NVB"
VERSION = 1
HEADER = struct.Struct("<3sBBBHIIQ")
"""Magic, version, command, status, 0, number of the request, bytes of payload, address: 24 bytes, little-endian."""

CHECK = struct.Struct("<I")
"""CRC-32 over header and payload, behind the payload."""

GREETING = struct.Struct("<IIQQ")
"""What HELLO answers before the device's name: most bytes of a payload, bytes of registers, base, size of memory."""

MOST_PAYLOAD_BYTES = 1 << 16
"""Of any message; a server may take less, not less than :data:`LEAST_PAYLOAD_BYTES`."""

LEAST_PAYLOAD_BYTES = 256


class BridgeCommand(IntEnum):
    """What a client can ask for."""

    HELLO = 1
    READ_REGISTER = 2
    WRITE_REGISTER = 3
    READ_MEMORY = 4
    WRITE_MEMORY = 5
    WAIT_FOR_INTERRUPT = 6


class BridgeStatus(IntEnum):
    """How it went; the payload of an answer that is not ``DONE`` says why in ASCII."""

    DONE = 0
    BAD_REQUEST = 1
    UNKNOWN_COMMAND = 2
    OUT_OF_RANGE = 3
    DEVICE_FAILED = 4


class Message(NamedTuple):
    """A request or an answer."""

    command: int
    number: int
    address: int = 0
    payload: bytes = b""
    status: int = BridgeStatus.DONE

    def as_bytes(self) -> bytes:
        """Header, payload, check."""
        head = HEADER.pack(
            MAGIC, VERSION, self.command, self.status, 0, self.number, len(self.payload), self.address
        )  # fmt: skip
        return head + self.payload + CHECK.pack(zlib.crc32(head + self.payload))


class MessageHead(NamedTuple):
    """A header that was understood; ``rest_bytes`` follow it."""

    message: Message
    payload_bytes: int

    @property
    def rest_bytes(self) -> int:
        """Payload and check."""
        return self.payload_bytes + CHECK.size


def read_head(head: bytes) -> MessageHead:
    """Understand a header; BenchError when it is none of this protocol's."""
    magic, version, command, status, zero, number, size, address = HEADER.unpack(head)
    if magic != MAGIC:
        raise BenchError(f"{head[:8].hex(' ')} begins no message of the bridge")
    if version != VERSION:
        raise BenchError(f"speaks version {version} of the bridge, this is version {VERSION}")
    if size > MOST_PAYLOAD_BYTES or zero:
        raise BenchError(f"a message of {size:,} bytes, one may have {MOST_PAYLOAD_BYTES:,}")
    return MessageHead(Message(command, number, address, b"", status), size)


def read_rest(head: bytes, rest: bytes) -> bytes:
    """The payload behind a header; BenchError when the check does not agree."""
    payload, check = rest[: -CHECK.size], rest[-CHECK.size :]
    if zlib.crc32(head + payload) != CHECK.unpack(check)[0]:
        raise BenchError("a message whose CRC-32 is wrong")
    return payload
