"""Bench of nvdla_convolution_control: legal histories of layers, and each condition alone."""

from itertools import product
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly

from nvdla_bench.simulator.compiled import run_seed
from nvdla_bench.units.support.comparison import Comparison, report, resolved
from nvdla_bench.units.support.unit_streams import reset
from nvdla_int8.seeds import generator

CYCLES = 4000
ENABLES = ("csc_op_en", "cmac_a_op_en", "cmac_b_op_en", "cacc_op_en", "cbuf_opened")
"""Whoever must be ready for a layer's start."""

LAST_BEAT = ("acc_valid", "acc_ready", "acc_layer_last")
INPUTS = (*ENABLES, "cdma_done", "csc_busy", "csc_done", *LAST_BEAT, "sdp_done", "sdp_flying")
OUTPUTS = ("start", "cacc_done", "convolution_over")
WIDTHS = dict.fromkeys((*INPUTS, *OUTPUTS), 1)
AHEAD = 2
"""Layers that may have left CSC and not yet SDP."""


class _Layers:
    """What the unit must say, cycle by cycle."""

    def __init__(self, dut: Any, comparison: Comparison) -> None:
        self._dut = dut
        self._comparison = comparison
        self.in_cacc = False
        self.over = 0
        self.fetched = 0

    async def cycle(self, **high: int) -> dict[str, int]:
        """One cycle with these inputs, all others low: compare the outputs, and return what they must be."""
        inputs = dict.fromkeys(INPUTS, 0) | high
        await FallingEdge(self._dut.clk)
        for name, value in inputs.items():
            getattr(self._dut, name).value = value
        await ReadOnly()
        expected = {
            "start": int(all(inputs[name] for name in ENABLES) and not inputs["csc_busy"] and not self.in_cacc),
            "cacc_done": int(all(inputs[name] for name in LAST_BEAT)),
            "convolution_over": int(self.over > 0 and self.fetched > 0),
        }
        actual = {name: resolved(getattr(self._dut, name)) for name in OUTPUTS}
        self._comparison.check(inputs, expected, actual, WIDTHS)
        if expected["start"]:
            self.in_cacc = True
        elif expected["cacc_done"]:
            self.in_cacc = False
        self.over += inputs["csc_done"] - (inputs["sdp_done"] and inputs["sdp_flying"])
        self.fetched += inputs["cdma_done"] - (inputs["sdp_done"] and inputs["sdp_flying"])
        return expected


@cocotb.test()
async def layer_waits_for_every_block(dut: Any) -> None:
    """All combinations of enables, of a busy CSC and of the last beat's handshake, with CACC free and not."""
    comparison = Comparison()
    await reset(dut, INPUTS, OUTPUTS)
    layers = _Layers(dut, comparison)
    names = (*ENABLES, "csc_busy", *LAST_BEAT)
    for in_cacc in (False, True):
        for values in product((0, 1), repeat=len(names)):
            if layers.in_cacc and not in_cacc:
                await layers.cycle(**dict.fromkeys(LAST_BEAT, 1))
            elif in_cacc and not layers.in_cacc:
                await layers.cycle(**dict.fromkeys(ENABLES, 1))
            await layers.cycle(**dict(zip(names, values, strict=True)))
    comparison.finish()


@cocotb.test()
async def convolutions_over_are_counted(dut: Any) -> None:
    """Layers leave CSC and SDP one by one and in one cycle; layers of SDP alone come between."""
    comparison = Comparison()
    random = generator(run_seed(), "convolution_control")
    await reset(dut, INPUTS, OUTPUTS)
    layers = _Layers(dut, comparison)
    met = set()
    for _ in range(CYCLES):
        flying = int(min(layers.over, layers.fetched) > 0 and random.random() < 0.8)
        sdp_done = int(random.random() < 0.4)
        csc_done = int(random.random() < 0.4 and layers.over - (flying and sdp_done) < AHEAD)
        met.add((layers.over, csc_done, sdp_done, flying))
        cdma_done = int(random.random() < 0.4 and layers.fetched < 2 * AHEAD)
        await layers.cycle(cdma_done=cdma_done, csc_done=csc_done, sdp_done=sdp_done, sdp_flying=flying)
    for case in ((AHEAD, 0, 1, 1), (AHEAD, 1, 1, 1), (1, 1, 1, 1), (1, 0, 1, 0), (0, 0, 1, 0)):
        assert case in met, report(f"layers over, csc_done, sdp_done, flying never were {case}")
    comparison.finish()
