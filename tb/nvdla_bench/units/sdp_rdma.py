"""Bench of nvdla_sdp_rdma: layers in both groups, requests, source and operand streams."""

from collections import deque
from itertools import repeat
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, RisingEdge

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.block_csb import CSB_INPUTS, BlockCsb
from nvdla_bench.units.support.comparison import Comparison, report
from nvdla_bench.units.support.lanes import pack_lanes
from nvdla_bench.units.support.long_layers import LONG_ATOM, LONG_SIZES, LongLayer, long_surface, run_long_layers
from nvdla_bench.units.support.sdp_layers import SdpCase, joined, random_batch, unit_build
from nvdla_bench.units.support.streams import Beat, StreamMonitor
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_int8.beats.stream_order import in_stream_order
from nvdla_int8.build import Build
from nvdla_int8.device.blocks import IDLE
from nvdla_int8.device.sdp_layer import DATA_USES
from nvdla_int8.registers.register_map import pack, unpack
from nvdla_int8.seeds import generator
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.operands import OperandUse

CLIENTS = {"src": "src", "bs": "x1", "bn": "x2"}
STREAMS = {"src": ["data"], "bs": ["alu", "mul"], "bn": ["alu", "mul"]}
REQUESTS = {f"{name}_rd_req": ["addr"] for name in CLIENTS}
INPUTS = (
    *CSB_INPUTS,
    *(f"{name}_ready" for name in (*STREAMS, *REQUESTS)),
    *(f"{name}_rd_rsp_{signal}" for name in CLIENTS for signal in ("valid", "data")),
)
OUTPUTS = ("csb_rdata", *(f"{name}_valid" for name in (*STREAMS, *REQUESTS)))
BATCHES = 6
LAYERS = 6
SETTLE_CYCLES = 60
FAST, SLOW = (1, 4), (60, 100)


class _Memory:
    """Answers one client's requests in their order; a request's latency is drawn in cycles."""

    def __init__(self, dut: Any, client: str, random: np.random.Generator, atom: int) -> None:
        self._dut = dut
        self._signals = [
            getattr(dut, f"{client}_rd_{name}")
            for name in ("req_valid", "req_ready", "req_addr", "rsp_valid", "rsp_data")
        ]
        self._random = random
        self._atom = atom
        self.latencies = FAST
        self.memory = Memory()

    async def run(self) -> None:
        """Answer for ever."""
        req_valid, req_ready, req_addr, rsp_valid, rsp_data = self._signals
        due: deque[tuple[int, int]] = deque()
        edge = RisingEdge(self._dut.clk)
        cycle = 0
        while True:
            await edge
            cycle += 1
            if req_valid.value == 1 and req_ready.value == 1:
                due.append((cycle + int(self._random.integers(*self.latencies)), int(req_addr.value)))
            answers = bool(due) and due[0][0] <= cycle
            rsp_valid.value = int(answers)
            if answers:
                _, address = due.popleft()
                rsp_data.value = pack_lanes(self.memory.read(np.array([address]), self._atom))[0]


def _build() -> Build:
    parameters = run_parameters()
    return unit_build(parameters["MEMORY_ATOM"], parameters["ATOMIC_K"])


def _expected(cases: list[SdpCase], memory: Memory) -> dict[str, list[Beat]]:
    """Beats of every stream and every client's requests."""
    return {
        "src": joined([case.source_beats(memory) for case in cases]),
        "bs": joined([case.operand_beats("x1", memory) for case in cases]),
        "bn": joined([case.operand_beats("x2", memory) for case in cases]),
        **{
            f"{name}_rd_req": joined([case.request_beats(client) for case in cases]) for name, client in CLIENTS.items()
        },
    }


def _check(dut: Any, comparison: Comparison, expected: dict[str, list[Beat]], actual: dict[str, list[Beat]]) -> None:
    for name, beats in expected.items():
        signals = [f"{name}_{signal}" for signal in (STREAMS | REQUESTS)[name]]
        widths = {"beat": 32} | {signal: len(getattr(dut, signal)) for signal in signals}
        for index, (wanted, seen) in enumerate(zip(beats, actual[name], strict=True)):
            comparison.check(
                {"beat": index}, dict(zip(signals, wanted, strict=True)), dict(zip(signals, seen, strict=True)), widths
            )


@cocotb.test()
async def streams_under_stalls(dut: Any) -> None:
    """Random layers back to back; memory fast and slow, every stream stalled on its own."""
    random = generator(run_seed(), "sdp_rdma")
    build = _build()
    await reset(dut, INPUTS, OUTPUTS)
    bench = UnitStreams(dut, {}, STREAMS | REQUESTS)
    memories = [_Memory(dut, client, random, build.memory_atom) for client in CLIENTS]
    for server in memories:
        cocotb.start_soon(server.run())
    csb = BlockCsb(dut, "SDP_RDMA")
    comparison = Comparison()
    for batch in range(BATCHES):
        cases, memory = random_batch(random, build, LAYERS)
        for server in memories:
            server.memory, server.latencies = memory, (FAST, SLOW)[batch % 2]
        expected = _expected(cases, memory)
        ended: dict[int, int] = {}
        programming = cocotb.start_soon(csb.run_layers([case.registers for case in cases], ended.__setitem__))
        out = await bench.run({}, {name: len(beats) for name, beats in expected.items()})
        _check(dut, comparison, expected, out)
        await ClockCycles(dut.clk, SETTLE_CYCLES)
        assert programming.done(), report("the last layer's group does not become idle")
        programming.result()
    comparison.finish()
    bench.finish()


@cocotb.test()
async def layer_runs_until_its_last_beat_is_taken(dut: Any) -> None:
    """A layer is running while a stream holds a beat, and idle as soon as none does."""
    random = generator(run_seed(), "sdp_rdma", "end")
    build = _build()
    await reset(dut, INPUTS, OUTPUTS)
    cases, memory = random_batch(random, build, 2 * LAYERS)
    for name in REQUESTS:
        getattr(dut, f"{name}_ready").value = 1
    for client in CLIENTS:
        server = _Memory(dut, client, random, build.memory_atom)
        server.memory = memory
        cocotb.start_soon(server.run())
    csb = BlockCsb(dut, "SDP_RDMA")
    monitors = {name: StreamMonitor(dut, name, dut.clk, payload) for name, payload in STREAMS.items()}
    withheld = dict.fromkeys(STREAMS, 0)
    for index, case in enumerate(cases):
        expected = {name: len(beats) for name, beats in _expected([case], memory).items() if name in STREAMS and beats}
        for monitor in monitors.values():
            monitor.forget()
        await csb.write("S_POINTER", pack("SDP_RDMA.S_POINTER", PRODUCER=index % 2))
        for register, word in case.registers.items():
            if register.startswith("SDP_RDMA."):
                await csb.write(register.partition(".")[2], word)
        await csb.write("D_OP_ENABLE", 1)
        # All beats but the last one of one stream; every stream has its turn.
        held = min(expected, key=lambda name: withheld[name], default=None)
        for name, count in expected.items():
            await _take(dut, monitors[name], count - (name == held))
        await ClockCycles(dut.clk, SETTLE_CYCLES)
        running = unpack("SDP_RDMA.S_STATUS", await csb.read("S_STATUS"), f"STATUS_{index % 2}")
        assert running == (held is not None), report(f"layer {index} reads {running} with a beat left in {held}")
        if held is not None:
            withheld[held] += 1
            await _take(dut, monitors[held], expected[held])
            await ClockCycles(dut.clk, 2)
            running = unpack("SDP_RDMA.S_STATUS", await csb.read("S_STATUS"), f"STATUS_{index % 2}")
            assert running == IDLE, report(f"layer {index} reads {running} after its last beat")
    assert all(withheld.values()), report(f"a beat was withheld from {withheld}")


async def _take(dut: Any, monitor: StreamMonitor, count: int) -> None:
    """Take beats of a stream until ``count`` have been taken since the layer's begin."""
    ready = getattr(dut, f"{monitor.stream}_ready")
    for _ in repeat(None, 100 * count + 2000):
        if len(monitor.beats) >= count:
            break
        ready.value = 1
        await RisingEdge(dut.clk)
        ready.value = 0
        await RisingEdge(dut.clk)
    assert len(monitor.beats) == count, report(f"stream {monitor.stream} gave {len(monitor.beats)} beats of {count}")


@cocotb.test()
async def one_atom_a_cycle(dut: Any) -> None:
    """Without stalls, a stream of one-atom units moves a beat a cycle though memory is slow."""
    random = generator(run_seed(), "sdp_rdma", "speed")
    build = _build()
    depth = run_parameters()["FIFO_ATOMS"]
    await reset(dut, INPUTS, OUTPUTS)
    cases, memory = random_batch(random, build, LAYERS)
    for name in (*STREAMS, *REQUESTS):
        getattr(dut, f"{name}_ready").value = 1
    for client in CLIENTS:
        server = _Memory(dut, client, random, build.memory_atom)
        # Answers as late as the FIFO allows at full speed: a place is free again three cycles later.
        server.memory, server.latencies = memory, (depth - 3, depth - 2)
        cocotb.start_soon(server.run())
    monitor = StreamMonitor(dut, "src", dut.clk, ["data"])
    ended: dict[int, int] = {}
    await BlockCsb(dut, "SDP_RDMA").run_layers([case.registers for case in cases], ended.__setitem__)
    first = 0
    for index, case in enumerate(cases):
        atoms = len(case.source_beats(memory))
        cycles = monitor.cycles[first : first + atoms]
        spent = cycles[-1] - cycles[0] + 1 if cycles else 0
        assert spent == atoms, report(f"layer {index}: {atoms} atoms were handed over in {spent} cycles")
        first += atoms
    assert first == len(monitor.beats) > 0, report(f"{len(monitor.beats)} beats, {first} were expected")


@cocotb.test(skip=run_parameters()["MEMORY_ATOM"] != LONG_ATOM)
async def sizes_need_all_their_bits(dut: Any) -> None:
    """The longest line, the highest and the deepest cube: every request of the source, X1's for each element."""
    random = generator(run_seed(), "sdp_rdma", "long")
    build = _build()
    await reset(dut, INPUTS, OUTPUTS)
    layers = []
    for width, height, channels in LONG_SIZES:
        size = width, height, channels
        source, operands = (
            long_surface(random, size, build.memory_atom, base, packs_one_pixel=True) for base in (1 << 29, 1 << 31)
        )
        registers = {
            "D_DATA_CUBE_WIDTH": width - 1,
            "D_DATA_CUBE_HEIGHT": height - 1,
            "D_DATA_CUBE_CHANNEL": channels - 1,
            "D_FEATURE_MODE_CFG": 0,
            "D_BRDMA_CFG": _operands("BRDMA", per_element=True),
            "D_NRDMA_CFG": _operands("NRDMA", per_element=False),
        }
        for name, surface in (("SRC", source), ("BS", operands), ("BN", operands)):
            registers[f"D_{name}_BASE_ADDR_LOW"] = surface.base
            registers[f"D_{name}_LINE_STRIDE"] = surface.line_stride
            registers[f"D_{name}_SURFACE_STRIDE"] = surface.surface_stride
        together = build.atomic_k // build.memory_atom
        requests = {
            f"{name}_rd": in_stream_order(surface.atom_addresses(), together).tolist()
            for name, surface in (("src", source), ("bs", operands))
        }
        requests["bn_rd"] = [operands.base + surface * build.memory_atom for surface in range(operands.surfaces)]
        layers.append(LongLayer(registers, requests, dict.fromkeys(STREAMS, len(requests["src_rd"]))))
    await run_long_layers(dut, "SDP_RDMA", layers)


def _operands(rdma: str, *, per_element: bool) -> int:
    """The configuration of operands of the ALU, a byte each."""
    fields = {"DISABLE": 0, "DATA_USE": DATA_USES.index(OperandUse.ALU), "DATA_SIZE": 0, "DATA_MODE": int(per_element)}
    return pack(f"SDP_RDMA.D_{rdma}_CFG", **{f"{rdma}_{name}": value for name, value in fields.items()})
