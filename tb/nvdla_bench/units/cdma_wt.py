"""Bench of nvdla_cdma_wt: weights of any number of bytes, at addresses that carry; cdma's bench has the rest."""

from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import Comparison, known, report
from nvdla_bench.units.support.unit_streams import reset
from nvdla_int8.seeds import generator

INPUTS = ("start", "base", "weight_bytes", "rd_req_ready", "rd_rsp_valid", "rd_rsp_data", "wr_ready")
OUTPUTS = ("rd_req_valid", "wr_valid", "done")
WORD_BITS = 32
REQUESTS = 3
CYCLES = 12
WIDTHS = dict.fromkeys(("base", "weight_bytes", "request", "rd_req_addr"), WORD_BITS)


@cocotb.test()
async def sizes_need_all_their_bits(dut: Any) -> None:
    """For each bit of WEIGHT_BYTES weights that need it, from just below a power of two on: the first requests."""
    random = generator(run_seed(), "cdma_wt")
    atom = run_parameters()["MEMORY_ATOM"]
    await reset(dut, INPUTS, OUTPUTS)
    comparison = Comparison()
    for bit in range(atom.bit_length(), WORD_BITS):
        inputs = {
            "base": (1 << int(random.integers(atom.bit_length(), WORD_BITS))) - atom,
            "weight_bytes": (1 << bit) + atom + int(random.integers(1, atom)),  # still needed behind a request
        }
        dut.rst_n.value = 0  # weights of gigabytes are not read to their end
        await FallingEdge(dut.clk)
        dut.rst_n.value = dut.start.value = dut.rd_req_ready.value = 1
        for name, value in inputs.items():
            getattr(dut, name).value = value
        await FallingEdge(dut.clk)
        dut.start.value = 0
        seen: list[int] = []
        for _ in range(CYCLES):
            if dut.rd_req_valid.value == 1:
                seen.append(known(dut.rd_req_addr))
            await FallingEdge(dut.clk)
        assert len(seen) >= REQUESTS, report(f"{len(seen)} requests for {inputs}")
        for request, address in enumerate(seen):
            wanted = (inputs["base"] + request * atom) % (1 << WORD_BITS)
            comparison.check(inputs | {"request": request}, {"rd_req_addr": wanted}, {"rd_req_addr": address}, WIDTHS)
    comparison.finish()
