"""cocotb tests of ``make sim``: one test for each layer of the job, the network's on the RTL's own data."""

import os
from pathlib import Path
from typing import Any

import cocotb

from tb.network_job import FOLDER_VARIABLE, NetworkJob
from tb.stream_bench import StreamBench
from tb.verdicts import require_passed

JOB = NetworkJob.open(Path(os.environ[FOLDER_VARIABLE]))


@cocotb.test()
@cocotb.parametrize(("layer", list(range(len(JOB.layers)))))
async def run_layer(dut: Any, layer: int) -> None:
    """Stream one layer of all images and compare every stage."""
    program = JOB.program(layer)
    bench = StreamBench(dut, JOB.shape, f"{JOB.seed}/{program.name}", JOB.stall_rate(layer))
    await bench.reset()
    verdict = await bench.run_layer(program, JOB.input_of(layer))
    JOB.store(layer, verdict)
    require_passed(verdict, JOB.seed)
