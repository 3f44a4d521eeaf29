"""cocotb test: random layers back to back on the streaming top, without a reset between them."""

import os
from typing import Any

import cocotb

from golden.random_programs import random_layer
from golden.seeds import generator
from golden.stripes import StreamShape
from tb.simulators import run_seed
from tb.stream_bench import StreamBench
from tb.verdicts import require_passed

LAYERS = int(os.environ.get("NVDLA_LAYERS", "8"))
"""How many layers one run streams."""


@cocotb.test()
async def random_layers(dut: Any) -> None:
    """Stream ``LAYERS`` layers and compare every stage of each."""
    seed = run_seed()
    shape = StreamShape(int(dut.ATOMIC_C.value), int(dut.ATOMIC_K.value), int(dut.STRIPE_DEPTH.value))
    random = generator(seed, "layers")
    bench = StreamBench(dut, shape, seed, float(random.choice([0.0, 0.2, 0.5])))
    await bench.reset()
    for index in range(LAYERS):
        layer = random_layer(random, f"random{index}", shape)
        verdict = await bench.run_layer(layer.program, layer.data)
        require_passed(verdict, seed)
