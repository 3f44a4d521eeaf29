"""Bench of nvdla_sdp_rdma: layers in both groups, requests, source and operand streams."""

from collections.abc import Sequence
from itertools import repeat
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, RisingEdge

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.block_csb import CSB_INPUTS, BlockCsb, all_ended
from nvdla_bench.units.support.comparison import Comparison, check_without_gaps, compare_layers, report
from nvdla_bench.units.support.long_layers import (
    FAR_SIZES,
    LONG_ATOM,
    LONG_SIZES,
    LongLayer,
    long_surface,
    run_long_layers,
)
from nvdla_bench.units.support.read_answers import ReadAnswers
from nvdla_bench.units.support.sdp_layers import SdpCase, random_batch
from nvdla_bench.units.support.streams import Beat, StreamMonitor, joined
from nvdla_bench.units.support.unit_build import unit_build
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_int8.beats.stream_order import in_stream_order
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
LATENCIES_CYCLES = (1, 4, 80)


def _expected(cases: Sequence[SdpCase], memory: Memory) -> dict[str, list[list[Beat]]]:
    """Beats of every stream and every client's requests, layer by layer."""
    return {
        "src": [case.source_beats(memory) for case in cases],
        "bs": [case.operand_beats("x1", memory) for case in cases],
        "bn": [case.operand_beats("x2", memory) for case in cases],
        **{f"{name}_rd_req": [case.request_beats(client) for case in cases] for name, client in CLIENTS.items()},
    }


def _memories(dut: Any, memory: Memory, random: np.random.Generator, atom: int) -> list[ReadAnswers]:
    """The memory behind every client."""
    return [ReadAnswers(dut, f"{name}_rd", memory, atom, random) for name in CLIENTS]


@cocotb.test()
async def streams_under_stalls(dut: Any) -> None:
    """Random layers back to back; memory fast and slow, every stream stalled on its own."""
    random = generator(run_seed(), "sdp_rdma")
    build = unit_build()
    await reset(dut, INPUTS, OUTPUTS)
    bench = UnitStreams(dut, {}, STREAMS | REQUESTS)
    memory = Memory()
    servers = _memories(dut, memory, random, build.memory_atom)
    csb = BlockCsb(dut, "SDP_RDMA")
    comparison = Comparison()
    for _ in range(BATCHES):
        cases, _ = random_batch(random, build, LAYERS, memory)
        for server in servers:
            server.draw(LATENCIES_CYCLES)
        expected = _expected(cases, memory)
        programming = cocotb.start_soon(csb.run_layers([case.registers for case in cases]))
        out = await bench.run({}, {name: len(joined(beats)) for name, beats in expected.items()})
        for name, beats in expected.items():
            compare_layers(dut, comparison, name, (STREAMS | REQUESTS)[name], beats, out[name])
        await all_ended(dut, programming, SETTLE_CYCLES)
    comparison.finish()
    bench.finish()


@cocotb.test()
async def layer_runs_until_its_last_beat_is_taken(dut: Any) -> None:
    """A layer is running while a stream holds a beat, and idle as soon as none does."""
    random = generator(run_seed(), "sdp_rdma", "end")
    build = unit_build()
    await reset(dut, INPUTS, OUTPUTS)
    cases, memory = random_batch(random, build, 2 * LAYERS)
    for name in REQUESTS:
        getattr(dut, f"{name}_ready").value = 1
    _memories(dut, memory, random, build.memory_atom)
    csb = BlockCsb(dut, "SDP_RDMA")
    monitors = {name: StreamMonitor(dut, name, dut.clk, payload) for name, payload in STREAMS.items()}
    withheld = dict.fromkeys(STREAMS, 0)
    for index, case in enumerate(cases):
        beats = _expected([case], memory)
        expected = {name: len(beats[name][0]) for name in STREAMS if beats[name][0]}
        for monitor in monitors.values():
            monitor.forget()
        await csb.program(index % 2, case.registers)
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
    build = unit_build()
    await reset(dut, INPUTS, OUTPUTS)
    cases, memory = random_batch(random, build, LAYERS)
    for name in (*STREAMS, *REQUESTS):
        getattr(dut, f"{name}_ready").value = 1
    for server in _memories(dut, memory, random, build.memory_atom):
        # Answers as late as the FIFO allows at full speed: a place is free again three cycles later.
        server.latency_cycles = run_parameters()["FIFO_ATOMS"] - 3
    monitor = StreamMonitor(dut, "src", dut.clk, ["data"])
    await BlockCsb(dut, "SDP_RDMA").run_layers([case.registers for case in cases])
    check_without_gaps("src", monitor.cycles, [len(case.source_beats(memory)) for case in cases])


@cocotb.test(skip=run_parameters()["MEMORY_ATOM"] != LONG_ATOM)
async def sizes_and_strides_need_all_their_bits(dut: Any) -> None:
    """The longest line, the highest and the deepest cube: every request of the source, X1's for each element."""
    random = generator(run_seed(), "sdp_rdma", "long")
    build = unit_build()
    await reset(dut, INPUTS, OUTPUTS)
    layers = []
    for width, height, channels in (*LONG_SIZES, *FAR_SIZES):
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
