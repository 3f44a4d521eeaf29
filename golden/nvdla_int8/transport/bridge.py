"""The client of the TCP bridge: a device behind another computer, or behind a simulator (docs/bridge.md)."""

import re
import socket
import struct
import time

from nvdla_int8.errors import BenchError, one_line
from nvdla_int8.transport.frames import (
    GREETING,
    HEADER,
    LEAST_PAYLOAD_BYTES,
    MOST_PAYLOAD_BYTES,
    BridgeCommand,
    BridgeStatus,
    Message,
    read_head,
    read_rest,
)
from nvdla_int8.transport.window import Window, check_register_address

CONNECT_LIMIT_S = 5.0
ANSWER_LIMIT_S = 10.0
"""A peer that is silent for so long is lost."""

WAIT_SLICE_S = 1.0
"""A wait for the interrupt is asked for in parts, so that a peer that died shows."""

WORD = struct.Struct("<I")
BRIDGE_FORM = "tcp:HOST:PORT"


def open_bridge(text: str, answer_limit_s: float = ANSWER_LIMIT_S) -> "BridgeTransport":
    """Connect to ``HOST:PORT``; BenchError when there is no bridge, or the text has another form."""
    match = re.fullmatch(r"\[?([^\[\]]+?)\]?:([0-9]{1,5})", text, re.ASCII)
    if match is None or not 0 < int(match[2]) < 1 << 16:
        raise BenchError(f"{text!r} is no host and port; the form is {BRIDGE_FORM}, as in tcp:192.168.1.10:7654")
    try:
        connection = socket.create_connection((match[1], int(match[2])), CONNECT_LIMIT_S)
    except (OSError, UnicodeError) as error:
        raise BenchError(f"no connection: {getattr(error, 'strerror', None) or error}") from None
    try:
        return BridgeTransport(connection, answer_limit_s)
    except BaseException:
        connection.close()
        raise


class BridgeTransport:
    """A device behind a connection.

    Parameters
    ----------
    connection
        To the server; closed by :meth:`close`.
    answer_limit_s
        How long an answer may take.

    Attributes
    ----------
    device
        What the server calls the device.
    """

    def __init__(self, connection: socket.socket, answer_limit_s: float = ANSWER_LIMIT_S) -> None:
        self._connection = connection
        self._answer_limit_s = answer_limit_s
        self._number = 0
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        greeting = self._ask(BridgeCommand.HELLO)
        if len(greeting) < GREETING.size:
            raise self._lost(f"greets with {len(greeting)} bytes, at least {GREETING.size} are due")
        most, _, base, size = GREETING.unpack_from(greeting)
        if not LEAST_PAYLOAD_BYTES <= most <= MOST_PAYLOAD_BYTES:
            raise self._lost(f"takes {most:,} bytes a message, {LEAST_PAYLOAD_BYTES} to {MOST_PAYLOAD_BYTES:,} are due")
        self._most = most
        self._memory = Window(base, size)
        self.device = one_line(greeting[GREETING.size :].decode("ascii", "replace"))

    @property
    def memory(self) -> Window:
        """The memory that the server reaches."""
        return self._memory

    def read_register(self, address: int) -> int:
        """Read a register by byte address."""
        check_register_address(address)
        return int(WORD.unpack(self._ask(BridgeCommand.READ_REGISTER, address, due=WORD.size))[0])

    def write_register(self, address: int, word: int) -> None:
        """Write a register by byte address."""
        check_register_address(address)
        self._ask(BridgeCommand.WRITE_REGISTER, address, WORD.pack(word), due=0)

    def read_memory(self, base: int, size: int) -> bytes:
        """Read memory by bus address, in as many messages as it takes."""
        self._memory.check(base, size)
        parts = []
        for offset in range(0, size, self._most):
            part = min(self._most, size - offset)
            parts.append(self._ask(BridgeCommand.READ_MEMORY, base + offset, WORD.pack(part), due=part))
        return b"".join(parts)

    def write_memory(self, base: int, data: bytes) -> None:
        """Write memory by bus address, in as many messages as it takes."""
        self._memory.check(base, len(data))
        for offset in range(0, len(data), self._most):
            self._ask(BridgeCommand.WRITE_MEMORY, base + offset, data[offset : offset + self._most], due=0)

    def wait_for_interrupt(self, timeout_s: float) -> bool:
        """Wait for the interrupt line."""
        end = time.monotonic() + timeout_s
        while True:
            left_s = max(0.0, end - time.monotonic())
            milliseconds = WORD.pack(round(1000 * min(left_s, WAIT_SLICE_S)))
            if WORD.unpack(self._ask(BridgeCommand.WAIT_FOR_INTERRUPT, 0, milliseconds, due=WORD.size))[0]:
                return True
            if left_s <= WAIT_SLICE_S:
                return False

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _ask(self, command: BridgeCommand, address: int = 0, payload: bytes = b"", *, due: int | None = None) -> bytes:
        """Send a request; the payload of its answer, which must have ``due`` bytes."""
        self._number = self._number + 1 & 0xFFFFFFFF
        end = time.monotonic() + self._answer_limit_s + WAIT_SLICE_S * (command is BridgeCommand.WAIT_FOR_INTERRUPT)
        try:
            self._connection.settimeout(self._answer_limit_s)
            self._connection.sendall(Message(command, self._number, address, payload).as_bytes())
            head = self._receive(HEADER.size, end)
            found = read_head(head)
            answer = found.message
            received = read_rest(head, self._receive(found.rest_bytes, end))
        except TimeoutError:
            raise self._lost(f"does not answer {command.name} within {self._answer_limit_s:g} s") from None
        except OSError as error:
            raise self._lost(f"connection lost in {command.name}: {error.strerror or error}") from None
        except BenchError as error:
            raise self._lost(f"answers {command.name} with {error}") from None
        if (answer.command, answer.number) != (command, self._number):
            what = f"command {answer.command}, number {answer.number}"
            raise self._lost(f"answers {what} where {command.name}, number {self._number} was asked")
        if answer.status != BridgeStatus.DONE:
            known = answer.status in set(BridgeStatus)
            status = BridgeStatus(answer.status).name if known else f"status {answer.status}"
            why = one_line(received.decode("ascii", "replace"))
            raise BenchError(f"{command.name} at {address:#x}: {status}{why and ': '}{why}")
        if due is not None and len(received) != due:
            raise self._lost(f"answers {command.name} with {len(received)} bytes, {due} are due")
        return received

    def _receive(self, size: int, end: float) -> bytes:
        """So many bytes; TimeoutError or OSError otherwise."""
        parts: list[bytes] = []
        while size:
            left_s = end - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            self._connection.settimeout(left_s)
            part = self._connection.recv(size)
            if not part:
                raise ConnectionError("the other side has closed it")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _lost(self, why: str) -> BenchError:
        """What ends the connection, in words: nothing behind it can be understood."""
        self._connection.close()
        return BenchError(why)
