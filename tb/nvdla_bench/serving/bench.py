"""cocotb test: a core's registers, memory and interrupt behind the TCP bridge (docs/bridge.md).

The simulator stands still while it waits for a request; time passes in accesses to registers and in waits.
"""

import os
import select
import socket
import struct
import time
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, First, RisingEdge

from nvdla_bench.components.csb_driver import CsbDriver
from nvdla_bench.components.dbb_memory import DbbMemory
from nvdla_bench.serving.job import PORT, ServingJob
from nvdla_bench.simulator.compiled import run_seed
from nvdla_int8.errors import BenchError
from nvdla_int8.transport.frames import (
    GREETING,
    HEADER,
    MOST_PAYLOAD_BYTES,
    BridgeCommand,
    BridgeStatus,
    Message,
    read_head,
    read_rest,
)
from nvdla_int8.transport.window import REGISTER_BYTES, Window, check_register_address

WORD = struct.Struct("<I")
MEMORY = Window(0, 1 << 32)
RESET_CYCLES, SETTLE_CYCLES = 20, 16
STEP_CYCLES = 200
"""Between two looks at the clock on the wall while the interrupt is waited for."""

LEAST_WAIT_CYCLES = 16
"""A wait lets time pass though the line is up: the client may wait for another interrupt."""

REST_LIMIT_S = 10.0
"""A client that stops within a message is given up."""

LOOK_S = 1.0
"""Between two looks whether the parent lives."""


class Ended(Exception):  # no error
    """The client has gone, or nobody needs this simulation any more."""


@cocotb.test()
async def serve_bridge(dut: Any) -> None:
    """Serve one client after the other."""
    job = ServingJob.open(Path.cwd())
    server = _Server(dut, job)
    await server.start()
    with socket.create_server((job.host, job.port)) as listener:
        Path(f"{PORT}.new").write_text(str(listener.getsockname()[1]))
        os.rename(f"{PORT}.new", PORT)  # whole when it is there
        while _wait_for(listener, job.parent):
            client, _ = listener.accept()
            with client:
                await server.serve(client)
            if job.once:
                return


def _wait_for(readable: socket.socket, parent: int) -> bool:
    """Stand still until there is something to read; False when the parent has gone."""
    while _lives(parent):
        if select.select([readable], [], [], LOOK_S)[0]:
            return True
    return False


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


class _Server:
    def __init__(self, dut: Any, job: ServingJob) -> None:
        self._dut = dut
        self._job = job
        self._clock = dut.dla_core_clk

    async def start(self) -> None:
        """Clocks, constants, reset."""
        dut = self._dut
        for name, value in self._job.tie_offs.items():
            if hasattr(dut, name):
                getattr(dut, name).value = value
        for clock in ("dla_core_clk", "dla_csb_clk"):
            Clock(getattr(dut, clock), 10, "ns").start()
        self._csb = CsbDriver(dut, None, self._clock)
        self._dbb = DbbMemory(
            dut, None, self._clock, dut.dla_reset_rstn,
            latency_cycles=self._job.latency_cycles, stall_rate=self._job.stall_rate, seed=run_seed(),
        )  # fmt: skip
        dut.dla_reset_rstn.value = dut.direct_reset_.value = 0
        await ClockCycles(self._clock, RESET_CYCLES)
        dut.dla_reset_rstn.value = dut.direct_reset_.value = 1
        await ClockCycles(self._clock, SETTLE_CYCLES)

    async def serve(self, client: socket.socket) -> None:
        """Answer a client's requests until it has gone or makes no sense."""
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while _wait_for(client, self._job.parent):
                client.settimeout(REST_LIMIT_S)
                head = _receive(client, HEADER.size)
                try:
                    found = read_head(head)
                    payload = read_rest(head, _receive(client, found.rest_bytes))
                except BenchError as error:
                    _answer(client, Message(0, 0), BridgeStatus.BAD_REQUEST, str(error))
                    return
                request = found.message._replace(payload=payload)
                try:
                    _answer(client, request, BridgeStatus.DONE, await self._do(request))
                except BenchError as error:
                    _answer(client, request, BridgeStatus.OUT_OF_RANGE, str(error))
                except struct.error:
                    _answer(client, request, BridgeStatus.BAD_REQUEST, "the payload has another size")
                except NotImplementedError:
                    _answer(client, request, BridgeStatus.UNKNOWN_COMMAND, "there is no such command")
                except AssertionError as error:
                    _answer(client, request, BridgeStatus.DEVICE_FAILED, str(error))
        except (Ended, OSError):
            return

    async def _do(self, request: Message) -> bytes:
        """Carry out a request; the answer's payload."""
        address, payload, memory = request.address, request.payload, self._dbb.memory
        match request.command:
            case BridgeCommand.HELLO:
                about = (MOST_PAYLOAD_BYTES, REGISTER_BYTES, MEMORY.base, MEMORY.size_bytes)
                return GREETING.pack(*about) + self._job.name.encode("ascii", "replace")
            case BridgeCommand.READ_REGISTER:
                check_register_address(address)
                return WORD.pack(await self._csb.read(address))
            case BridgeCommand.WRITE_REGISTER:
                check_register_address(address)
                await self._csb.write(address, WORD.unpack(payload)[0])
                return b""
            case BridgeCommand.READ_MEMORY:
                size = min(WORD.unpack(payload)[0], MOST_PAYLOAD_BYTES)
                MEMORY.check(address, size)
                return memory.read_bytes(address, size)
            case BridgeCommand.WRITE_MEMORY:
                MEMORY.check(address, len(payload))
                memory.write_bytes(address, payload)
                return b""
            case BridgeCommand.WAIT_FOR_INTERRUPT:
                return WORD.pack(await self._wait_for_interrupt(WORD.unpack(payload)[0] / 1000))
            case _:
                raise NotImplementedError

    async def _wait_for_interrupt(self, limit_s: float) -> int:
        """Let simulated time pass until the line is up, for so long on the wall's clock."""
        end = time.monotonic() + limit_s
        await ClockCycles(self._clock, LEAST_WAIT_CYCLES)
        while str(self._dut.dla_intr.value) != "1":
            if time.monotonic() >= end:
                return 0
            await First(RisingEdge(self._dut.dla_intr), ClockCycles(self._clock, STEP_CYCLES))
        return 1


def _receive(client: socket.socket, size: int) -> bytes:
    """So many bytes; Ended when the client stops."""
    parts: list[bytes] = []
    while size:
        part = client.recv(size)
        if not part:
            raise Ended
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _answer(client: socket.socket, request: Message, status: BridgeStatus, payload: bytes | str) -> None:
    given = payload.encode("ascii", "replace")[:200] if isinstance(payload, str) else payload
    client.sendall(request._replace(status=status, payload=given).as_bytes())
