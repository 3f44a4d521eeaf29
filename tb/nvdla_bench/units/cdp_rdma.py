"""Bench of nvdla_cdp_rdma: layers in both groups, requests, and the atoms with their places in the cube."""

from typing import Any

import cocotb
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
from nvdla_bench.units.support.lrn_layers import PLACE, layer_registers, random_batch
from nvdla_bench.units.support.read_answers import ReadAnswers
from nvdla_bench.units.support.streams import StreamMonitor, joined
from nvdla_bench.units.support.unit_build import unit_build
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_int8.beats.stream_order import in_strip_order
from nvdla_int8.device.blocks import IDLE, RUNNING
from nvdla_int8.registers.register_map import unpack
from nvdla_int8.seeds import generator
from nvdla_int8.surfaces.memory import Memory

STREAMS = {"rd_req": ["addr"], "src": ["data", "last_lane", *PLACE]}
INPUTS = (*CSB_INPUTS, "src_ready", "rd_req_ready", "rd_rsp_valid", "rd_rsp_data")
OUTPUTS = ("csb_rdata", "src_valid", "rd_req_valid")
BATCHES = 6
LAYERS = 4
SETTLE_CYCLES = 60
LATENCIES_CYCLES = (1, 4, 70)
# Columns, lines, channels: a short last strip in each line, several surfaces, a last atom that is not full.
SPEED_SIZE = (11, 2, 13)


@cocotb.test()
async def streams_under_stalls(dut: Any) -> None:
    """Random layers back to back; memory fast and slow, requests and atoms stalled on their own."""
    random = generator(run_seed(), "cdp_rdma")
    atom = run_parameters()["MEMORY_ATOM"]
    await reset(dut, INPUTS, OUTPUTS)
    bench = UnitStreams(dut, {}, STREAMS)
    csb = BlockCsb(dut, "CDP_RDMA")
    comparison = Comparison()
    memory = Memory()
    answers = ReadAnswers(dut, "rd", memory, atom, random)
    for _ in range(BATCHES):
        cases, _ = random_batch(random, unit_build(), LAYERS, memory=memory)
        answers.draw(LATENCIES_CYCLES)
        expected = {
            "rd_req": [case.request_beats() for case in cases],
            "src": [case.source_beats(memory) for case in cases],
        }
        programming = cocotb.start_soon(csb.run_layers(layer_registers(cases)))
        out = await bench.run({}, {name: len(joined(beats)) for name, beats in expected.items()})
        for name, beats in expected.items():
            compare_layers(dut, comparison, name, STREAMS[name], beats, out[name])
        await all_ended(dut, programming, SETTLE_CYCLES)
    comparison.finish()
    bench.finish()


@cocotb.test()
async def one_atom_a_cycle(dut: Any) -> None:
    """Without stalls an atom leaves in each cycle though memory is slow, and the layer ends with the last one."""
    random = generator(run_seed(), "cdp_rdma", "speed")
    parameters = run_parameters()
    atom = parameters["MEMORY_ATOM"]
    await reset(dut, INPUTS, OUTPUTS)
    cases, memory = random_batch(random, unit_build(), 1, SPEED_SIZE)
    answers = ReadAnswers(dut, "rd", memory, atom, random)
    # As late as the FIFO allows at full speed: a place is free again three cycles later.
    answers.latency_cycles = parameters["FIFO_ATOMS"] - 3
    dut.rd_req_ready.value = 1
    monitor = StreamMonitor(dut, "src", dut.clk, STREAMS["src"])
    csb = BlockCsb(dut, "CDP_RDMA")
    programming = cocotb.start_soon(csb.run_layers(layer_registers(cases)))
    await ClockCycles(dut.clk, 2 * parameters["FIFO_ATOMS"])
    status = unpack("CDP_RDMA.S_STATUS", await csb.read("S_STATUS"), "STATUS_0")
    assert status == RUNNING, report(f"reads {status} while its atoms wait")
    dut.src_ready.value = 1
    await programming
    check_without_gaps("src", monitor.cycles, [cases[0].atoms])
    status = unpack("CDP_RDMA.S_STATUS", await csb.read("S_STATUS"), "STATUS_0")
    assert status == IDLE, report(f"reads {status} after its last atom")


@cocotb.test(skip=run_parameters()["MEMORY_ATOM"] != LONG_ATOM)
async def sizes_and_strides_need_all_their_bits(dut: Any) -> None:
    """The longest line, the highest and the deepest cube: every request."""
    random = generator(run_seed(), "cdp_rdma", "long")
    atom = run_parameters()["MEMORY_ATOM"]
    await reset(dut, INPUTS, OUTPUTS)
    layers = []
    for width, height, channels in (*LONG_SIZES, *FAR_SIZES):
        surface = long_surface(random, (width, height, channels), atom, 1 << 29, packs_one_pixel=False)
        registers = {
            "D_DATA_CUBE_WIDTH": width - 1,
            "D_DATA_CUBE_HEIGHT": height - 1,
            "D_DATA_CUBE_CHANNEL": channels - 1,
            "D_SRC_BASE_ADDR_LOW": surface.base,
            "D_SRC_LINE_STRIDE": surface.line_stride,
            "D_SRC_SURFACE_STRIDE": surface.surface_stride,
        }
        requests = in_strip_order(surface.atom_addresses()).tolist()
        layers.append(LongLayer(registers, {"rd": requests}, {"src": len(requests)}))
    await run_long_layers(dut, "CDP_RDMA", layers)
