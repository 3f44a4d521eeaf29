"""cocotb test with a stimulus that is wrong on purpose; ``NVDLA_TAMPER`` says how."""

import dataclasses
import os
from typing import Any

import cocotb
import numpy as np

from golden.program import LayerProgram
from golden.seeds import generator
from golden.stripes import StreamPlan, StreamShape
from tb.simulators import run_seed
from tb.stream_bench import StreamBench
from tb.verdicts import require_passed


class TamperedBench(StreamBench):
    """Sends something else than the plan says."""

    def _queue(self, program: LayerProgram, plan: StreamPlan) -> None:
        match os.environ["NVDLA_TAMPER"]:
            case "data":
                plan = dataclasses.replace(plan, data=plan.data ^ np.uint8(1))
            case "weights":
                plan = dataclasses.replace(plan, weights=plan.weights ^ np.int8(1))
            case "missing tile":
                plan = dataclasses.replace(plan, weights=plan.weights[: -self._shape.atomic_k])
            case "extra tile":
                plan = dataclasses.replace(plan, weights=np.tile(plan.weights, (2, 1))[: len(plan.weights) + 8])
        super()._queue(program, plan)


@cocotb.test()
async def tampered_layer(dut: Any) -> None:
    """Run one layer whose bytes reach the output unchanged by converters."""
    seed = run_seed()
    random = generator(seed, "layer")
    program = LayerProgram(name="tampered", weights=random.integers(-2, 3, (3, 5, 2, 2)).astype(np.int8))
    bench = TamperedBench(dut, StreamShape(), seed, 0.0)
    await bench.reset()
    verdict = await bench.run_layer(program, random.integers(-2, 3, (1, 5, 4, 4)).astype(np.int8))
    require_passed(verdict, seed)
