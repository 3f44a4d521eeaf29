"""Bench of nvdla_cdma_dat."""

from collections.abc import Mapping
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge

from nvdla_bench.simulator.compiled import run_seed
from nvdla_bench.units.support.cdma_layer import (
    REGION,
    REGION_BYTES,
    FetchedLayer,
    input_layer,
    random_input,
    random_memory,
    register_words,
)
from nvdla_bench.units.support.comparison import Comparison, check_beats, report
from nvdla_bench.units.support.read_answers import ReadAnswers
from nvdla_bench.units.support.unit_build import unit_build
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_int8.registers.register_map import unpack
from nvdla_int8.seeds import generator
from nvdla_int8.stages.widths import FEATURE

PORTS = {
    "pixel": "D_DATAIN_FORMAT.DATAIN_FORMAT",
    "pixel_format": "D_DATAIN_FORMAT.PIXEL_FORMAT",
    "pixel_signed": "D_DATAIN_FORMAT.PIXEL_SIGN_OVERRIDE",
    "width": "D_DATAIN_SIZE_0.DATAIN_WIDTH",
    "height": "D_DATAIN_SIZE_0.DATAIN_HEIGHT",
    "channels": "D_DATAIN_SIZE_1.DATAIN_CHANNEL",
    "x_offset": "D_PIXEL_OFFSET.PIXEL_X_OFFSET",
    "base_0": "D_DAIN_ADDR_LOW_0.DATAIN_ADDR_LOW_0",
    "base_1": "D_DAIN_ADDR_LOW_1.DATAIN_ADDR_LOW_1",
    "line_stride": "D_LINE_STRIDE.LINE_STRIDE",
    "uv_line_stride": "D_LINE_UV_STRIDE.UV_LINE_STRIDE",
    "surf_stride": "D_SURF_STRIDE.SURF_STRIDE",
    "line_packed": "D_DAIN_MAP.LINE_PACKED",
    "surf_packed": "D_DAIN_MAP.SURF_PACKED",
    "grains": "D_FETCH_GRAIN.GRAINS",
    "mean_enable": "D_MEAN_FORMAT.MEAN_FORMAT",
    "cvt_enable": "D_CVT_CFG.CVT_EN",
    "cvt_offset": "D_CVT_OFFSET.CVT_OFFSET",
    "cvt_scale": "D_CVT_SCALE.CVT_SCALE",
    "cvt_truncate": "D_CVT_CFG.CVT_TRUNCATE",
    "pad_left": "D_ZERO_PADDING.PAD_LEFT",
    "pad_right": "D_ZERO_PADDING.PAD_RIGHT",
    "pad_value": "D_ZERO_PADDING_VALUE.PAD_VALUE",
}
MEANS = ("D_MEAN_GLOBAL_0.MEAN_RY", "D_MEAN_GLOBAL_0.MEAN_GU", "D_MEAN_GLOBAL_1.MEAN_BV", "D_MEAN_GLOBAL_1.MEAN_AX")
MEAN_BITS = 16
LAYERS = 60
LATENCIES_CYCLES = (1, 20, 150)
STEADY_LATENCY_CYCLES = 40
OVERHEAD_CYCLES = 12
"""What a layer may need beside its atoms and the memory's latency."""

INPUTS = ("start", *PORTS, "mean", "rd_req_ready", "rd_rsp_valid", "rd_rsp_data", "wr_ready")
OUTPUTS = ("done", "rd_req_valid", "wr_valid")


class _Done:
    """Watches ``done``: how many entries the CBUF had taken whenever it was high."""

    def __init__(self, dut: Any) -> None:
        self._dut = dut
        self.taken = 0
        self.seen: list[int] = []
        cocotb.start_soon(self._watch())

    async def _watch(self) -> None:
        edge = RisingEdge(self._dut.clk)
        while True:
            await edge
            if self._dut.done.value == 1:
                self.seen.append(self.taken)
            self.taken += int(self._dut.wr_valid.value == 1 and self._dut.wr_ready.value == 1)

    def forget(self) -> None:
        self.taken, self.seen = 0, []


async def _start(dut: Any, words: Mapping[str, int]) -> None:
    def value(name: str) -> int:
        register, field = name.split(".")
        return unpack(f"CDMA.{register}", words[f"CDMA.{register}"], field)

    for port, name in PORTS.items():
        getattr(dut, port).value = value(name)
    dut.mean.value = sum(value(name) << (MEAN_BITS * channel) for channel, name in enumerate(MEANS))
    dut.start.value = 1
    await RisingEdge(dut.clk)
    dut.start.value = 0


@cocotb.test()
async def layers_under_stalls(dut: Any) -> None:
    """Random feature cubes and images: every lane of every entry, each memory atom asked for once, one done."""
    random = generator(run_seed(), "cdma_dat")
    build = unit_build()
    await reset(dut, INPUTS, OUTPUTS)
    memory = random_memory(random)
    answers = ReadAnswers(dut, "rd", memory, build.memory_atom, random)
    done = _Done(dut)
    bench = UnitStreams(dut, {}, {"rd_req": ["addr"], "wr": ["data"]})
    comparison = Comparison()
    for _ in range(LAYERS):
        words = register_words(random, random_input(random, build))
        layer = input_layer(words, memory, build)
        answers.draw(LATENCIES_CYCLES)
        done.forget()
        await _start(dut, words)
        count = len(layer.entries.values)
        out = await bench.run({}, {"rd_req": layer.atoms, "wr": count})
        check_beats(comparison, {}, {"data": (layer.entries.values, FEATURE)}, out["wr"])
        assert done.seen == [count], report(f"done after {done.seen} of {count} entries")
    comparison.finish()
    bench.finish()


async def _cycles(dut: Any, words: Mapping[str, int], layer: FetchedLayer) -> int:
    """Cycles from a layer's start to its end, when nothing stalls; compares nothing."""
    await _start(dut, words)
    for cycle in range(4 * (layer.atoms + len(layer.entries.values)) + 10 * STEADY_LATENCY_CYCLES):
        if dut.done.value == 1:
            return cycle
        await RisingEdge(dut.clk)
    raise AssertionError(report("the layer never ended"))


@cocotb.test()
async def an_atom_a_cycle(dut: Any) -> None:
    """Without stalls a cube takes a cycle for each memory atom, an image one for each beat and two a line."""
    random = generator(run_seed(), "cdma_dat cycles")
    build = unit_build()
    atom = build.memory_atom
    await reset(dut, INPUTS, OUTPUTS)
    memory = random_memory(random)
    ReadAnswers(dut, "rd", memory, atom, random).latency_cycles = STEADY_LATENCY_CYCLES
    dut.rd_req_ready.value, dut.wr_ready.value = 1, 1
    await ClockCycles(dut.clk, 2)
    lines, width = 3, 48
    common = {
        "D_DATAIN_SIZE_0.DATAIN_WIDTH": width - 1,
        "D_DATAIN_SIZE_0.DATAIN_HEIGHT": lines - 1,
        "D_DAIN_ADDR_LOW_0.DATAIN_ADDR_LOW_0": REGION,
        "D_DAIN_ADDR_LOW_1.DATAIN_ADDR_LOW_1": REGION + REGION_BYTES // 2,
        "D_LINE_STRIDE.LINE_STRIDE": 4 * width,
        "D_LINE_UV_STRIDE.UV_LINE_STRIDE": 4 * width,
        "D_SURF_STRIDE.SURF_STRIDE": 4 * width * lines,
        "D_DAIN_MAP.LINE_PACKED": 0,
        "D_PIXEL_OFFSET.PIXEL_X_OFFSET": 0,
        "D_ZERO_PADDING.PAD_LEFT": 0,
        "D_ZERO_PADDING.PAD_RIGHT": 0,
    }
    cases = {
        "feature": (common | {"D_DATAIN_FORMAT.DATAIN_FORMAT": 0, "D_DATAIN_SIZE_1.DATAIN_CHANNEL": 2 * atom - 1}, 0),
        **{
            f"format {code:#x}": (
                common | {"D_DATAIN_FORMAT.DATAIN_FORMAT": 1, "D_DATAIN_FORMAT.PIXEL_FORMAT": code,
                          "D_DATAIN_SIZE_1.DATAIN_CHANNEL": channels - 1},
                lines * (-(-width // pixels) + 2),
            )
            for code, channels, pixels in ((0x00, 1, atom), (0x0C, 4, atom // 4), (0x1D, 3, atom // 4))
        },
    }  # fmt: skip
    for name, (fields, beats) in cases.items():
        words = register_words(random, fields)
        layer = input_layer(words, memory, build)
        cycles = await _cycles(dut, words, layer)
        most = max(layer.atoms, beats) + STEADY_LATENCY_CYCLES + OVERHEAD_CYCLES
        dut._log.info(f"{name}: {layer.atoms} atoms, {beats} beats, {cycles} cycles")
        assert cycles <= most, report(f"{name}: {layer.atoms} atoms took {cycles} cycles, at most {most} are right")
        await ClockCycles(dut.clk, 4)
