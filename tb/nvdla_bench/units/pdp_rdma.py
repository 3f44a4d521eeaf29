"""Bench of nvdla_pdp_rdma: layers in both groups, requests and atoms."""

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles

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
from nvdla_bench.units.support.pdp_cases import directed_cases
from nvdla_bench.units.support.pdp_layers import PdpCase, random_case, write_sources
from nvdla_bench.units.support.read_answers import ReadAnswers
from nvdla_bench.units.support.streams import StreamMonitor, joined
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_int8.beats.stream_order import pdp_beats
from nvdla_int8.device.blocks import IDLE
from nvdla_int8.registers.register_map import pack, unpack
from nvdla_int8.seeds import generator
from nvdla_int8.surfaces.memory import Memory

STREAMS = {"rd_req": ["addr"], "src": ["data"]}
INPUTS = (*CSB_INPUTS, "rd_req_ready", "rd_rsp_valid", "rd_rsp_data", "src_ready")
OUTPUTS = ("csb_rdata", "rd_req_valid", "src_valid")
BATCHES = 4
LAYERS = 6
BANK_COLUMNS = 16
SETTLE_CYCLES = 60
LATENCIES_CYCLES = (1, 5, 90)
WIDE_PARTS = [1024] * 3, [1] * 256
"""Widths of parts: the widest, and the most."""


def _random_cases(random: np.random.Generator) -> list[PdpCase]:
    """Layers that read memory."""
    atom = run_parameters()["MEMORY_ATOM"]
    cases = (random_case(random, atom, BANK_COLUMNS, index) for index in range(4 * LAYERS))
    return [case for case in cases if not case.flying][:LAYERS]


@cocotb.test()
async def atoms_under_stalls(dut: Any) -> None:
    """Layers of one part and more back to back; memory fast and slow, requests and atoms stalled on their own."""
    random = generator(run_seed(), "pdp_rdma")
    atom = run_parameters()["MEMORY_ATOM"]
    await reset(dut, INPUTS, OUTPUTS)
    bench = UnitStreams(dut, {}, STREAMS)
    csb = BlockCsb(dut, "PDP_RDMA")
    comparison = Comparison()
    directed = [case for case in directed_cases(random, atom, BANK_COLUMNS) if case.split is not None]
    memory = Memory()
    server = ReadAnswers(dut, "rd", memory, atom, random)
    for cases in (directed, *(_random_cases(random) for _ in range(BATCHES))):
        cases = cases[: len(cases) // 2 * 2]
        write_sources(memory, cases)
        server.draw(LATENCIES_CYCLES)
        expected = {
            "rd_req": [case.request_beats() for case in cases],
            "src": [case.in_beats() for case in cases],
        }
        programming = cocotb.start_soon(csb.run_layers([case.registers for case in cases]))
        out = await bench.run({}, {name: len(joined(beats)) for name, beats in expected.items()})
        for name, beats in expected.items():
            compare_layers(dut, comparison, name, STREAMS[name], beats, out[name])
        await all_ended(dut, programming, SETTLE_CYCLES)
    comparison.finish()
    bench.finish()


@cocotb.test()
async def layer_runs_until_its_last_atom_is_taken(dut: Any) -> None:
    """A layer is running while its last atom waits, and idle as soon as it was taken."""
    random = generator(run_seed(), "pdp_rdma", "end")
    atom = run_parameters()["MEMORY_ATOM"]
    await reset(dut, INPUTS, OUTPUTS)
    case = _random_cases(random)[0]
    memory = Memory()
    write_sources(memory, [case])
    ReadAnswers(dut, "rd", memory, atom, random)
    csb = BlockCsb(dut, "PDP_RDMA")
    monitor = StreamMonitor(dut, "src", dut.clk, STREAMS["src"])
    atoms = len(case.in_beats())
    await csb.program(0, case.registers)
    dut.rd_req_ready.value = 1
    await csb.write("D_OP_ENABLE", 1)
    for held in (1, 0):
        while len(monitor.beats) < atoms - held:
            dut.src_ready.value = 1
            await ClockCycles(dut.clk, 1)
            dut.src_ready.value = 0
            await ClockCycles(dut.clk, 1)
        await ClockCycles(dut.clk, SETTLE_CYCLES if held else 2)
        status = unpack("PDP_RDMA.S_STATUS", await csb.read("S_STATUS"), "STATUS_0")
        assert (status != IDLE) == bool(held), report(f"S_STATUS reads {status} with {held} atoms left")


@cocotb.test()
async def one_atom_a_cycle(dut: Any) -> None:
    """Without stalls an atom moves in every cycle though memory is slow."""
    random = generator(run_seed(), "pdp_rdma", "speed")
    atom = run_parameters()["MEMORY_ATOM"]
    await reset(dut, INPUTS, OUTPUTS)
    cases = _random_cases(random)
    memory = Memory()
    write_sources(memory, cases)
    server = ReadAnswers(dut, "rd", memory, atom, random)
    # Answers as late as the FIFO allows at full speed: a place is free again three cycles later.
    server.latency_cycles = run_parameters()["FIFO_ATOMS"] - 3
    for name in STREAMS:
        getattr(dut, f"{name}_ready").value = 1
    monitor = StreamMonitor(dut, "src", dut.clk, STREAMS["src"])
    await BlockCsb(dut, "PDP_RDMA").run_layers([case.registers for case in cases])
    check_without_gaps("src", monitor.cycles, [len(case.in_beats()) for case in cases])


@cocotb.test(skip=run_parameters()["MEMORY_ATOM"] != LONG_ATOM)
async def sizes_and_strides_need_all_their_bits(dut: Any) -> None:
    """The longest line, the highest and the deepest cube, the widest parts and the most of them: every request."""
    random = generator(run_seed(), "pdp_rdma", "long")
    atom = run_parameters()["MEMORY_ATOM"]
    await reset(dut, INPUTS, OUTPUTS)
    whole = [(size, [size[0]]) for size in (*LONG_SIZES, *FAR_SIZES)]
    cut = [((sum(widths), 1, 1), widths) for widths in WIDE_PARTS]
    layers = []
    for (width, height, channels), widths in (*whole, *cut):
        surface = long_surface(random, (width, height, channels), atom, 1 << 29, packs_one_pixel=False)
        ends = np.cumsum(widths).tolist()
        parts = [slice(end - part, end) for part, end in zip(widths, ends, strict=True)]
        registers = {
            "D_DATA_CUBE_IN_WIDTH": width - 1,
            "D_DATA_CUBE_IN_HEIGHT": height - 1,
            "D_DATA_CUBE_IN_CHANNEL": channels - 1,
            "D_OPERATION_MODE_CFG": pack("PDP_RDMA.D_OPERATION_MODE_CFG", SPLIT_NUM=len(widths) - 1),
            "D_POOLING_KERNEL_CFG": 0,
            "D_PARTIAL_WIDTH_IN": _partial_widths(widths) if len(widths) > 1 else 0,
            "D_SRC_BASE_ADDR_LOW": surface.base,
            "D_SRC_LINE_STRIDE": surface.line_stride,
            "D_SRC_SURFACE_STRIDE": surface.surface_stride,
        }
        requests = [address for (address,) in pdp_beats(surface.atom_addresses(), 1, parts).tolist()]
        layers.append(LongLayer(registers, {"rd": requests}, {"src": len(requests)}))
    await run_long_layers(dut, "PDP_RDMA", layers)


def _partial_widths(widths: list[int]) -> int:
    """The register, of parts that do not overlap."""
    first, middle, last = (widths[index] - 1 for index in (0, 1, -1))
    return pack(
        "PDP_RDMA.D_PARTIAL_WIDTH_IN",
        PARTIAL_WIDTH_IN_FIRST=first,
        PARTIAL_WIDTH_IN_MID=middle,
        PARTIAL_WIDTH_IN_LAST=last,
    )
