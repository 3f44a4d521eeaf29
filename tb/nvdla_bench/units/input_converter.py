"""Bench of nvdla_input_converter."""

from typing import Any

import cocotb
import numpy as np

from nvdla_bench.simulator.compiled import run_seed
from nvdla_bench.units.support.comparison import Comparison, compare_vectors
from nvdla_bench.units.support.stimulus import Vector, rounding_corners, weighted
from nvdla_int8.seeds import generator
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.widths import CVT_IN, CVT_OFFSET, CVT_PRODUCT, CVT_SCALE, CVT_TRUNCATE, FEATURE


async def _compare(
    dut: Any, comparison: Comparison, converter: InputConverter, operand: Vector, offset: Vector
) -> None:
    expected = converter.convert(operand, offset)
    await compare_vectors(
        dut,
        comparison,
        {
            "in": operand,
            "cvt_enable": converter.enabled,
            "offset": offset,
            "scale": converter.scale,
            "truncate": converter.truncate_bits,
        },
        {
            "out": expected.value,
            "saturated_17": expected.saturated_17,
            "saturated_8": expected.saturated_8,
        },
    )


@cocotb.test()
async def every_truncate(dut: Any) -> None:
    """Each truncate value: ties with scales 1 and -1, random operands with random scales."""
    random = generator(run_seed(), "input_converter")
    comparison = Comparison()
    for truncate in range(1 << CVT_TRUNCATE):
        for scale in (1, -1, *weighted(random, CVT_SCALE, 2).tolist()):
            converter = InputConverter(enabled=True, scale=scale, truncate_bits=truncate)
            ties = rounding_corners(min(truncate, CVT_PRODUCT), CVT_IN, FEATURE)
            operand = np.concatenate([random.permutation(ties)[:12], weighted(random, CVT_IN, 8)])
            offset = np.where(np.arange(len(operand)) < 8, 0, weighted(random, CVT_OFFSET, len(operand)))
            await _compare(dut, comparison, converter, operand, offset)
    comparison.finish()


@cocotb.test()
async def disabled(dut: Any) -> None:
    """Without CVT_EN every byte passes as int8, whatever the other registers hold."""
    random = generator(run_seed(), "input_converter", "disabled")
    comparison = Comparison()
    converter = InputConverter(enabled=False, scale=-3, truncate_bits=1)
    await _compare(dut, comparison, converter, np.arange(-128, 256), weighted(random, CVT_OFFSET, 384))
    comparison.finish()
