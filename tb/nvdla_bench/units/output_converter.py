"""Bench of nvdla_output_converter."""

from typing import Any

import cocotb
import numpy as np

from nvdla_bench.simulator.compiled import run_seed
from nvdla_bench.units.support.comparison import Comparison, compare_vectors
from nvdla_bench.units.support.stimulus import Vector, rounding_corners, weighted
from nvdla_int8.seeds import generator
from nvdla_int8.stages.sdp import OutputConverter
from nvdla_int8.stages.widths import ACC_OUT, FEATURE, OUT_INT16, OUT_OFFSET, OUT_ROUNDED, OUT_SCALE, OUT_SHIFT


async def _compare(dut: Any, comparison: Comparison, converter: OutputConverter, data: Vector) -> None:
    expected = converter.apply(data)
    await compare_vectors(
        dut,
        comparison,
        {
            "in": data,
            "offset": converter.offset,
            "scale": converter.scale,
            "shift": converter.shift_bits,
            "out_int16": converter.int16,
        },
        {
            "out": expected.value,
            "saturated_17": expected.saturated_17,
            "saturated_8": expected.saturated_8,
        },
    )


@cocotb.test()
async def every_shift(dut: Any) -> None:
    """Each shift, both precisions: ties and bounds with scales 1 and -1, random values and programs."""
    random = generator(run_seed(), "output_converter")
    comparison = Comparison()
    for shift in range(1 << OUT_SHIFT):
        for int16 in (False, True):
            for scale in (1, -1):
                converter = OutputConverter(scale=scale, shift_bits=shift, int16=int16)
                bounds = [rounding_corners(shift, ACC_OUT, w) for w in (FEATURE, OUT_INT16, OUT_ROUNDED)]
                data = np.concatenate([random.permutation(corner)[:8] for corner in bounds])
                await _compare(dut, comparison, converter, data)
            scale, offset = int(weighted(random, OUT_SCALE, 1)[0]), int(weighted(random, OUT_OFFSET, 1)[0])
            converter = OutputConverter(scale=scale, offset=offset, shift_bits=shift, int16=int16)
            await _compare(dut, comparison, converter, weighted(random, ACC_OUT, 16))
    comparison.finish()


@cocotb.test()
async def identity_clips(dut: Any) -> None:
    """Offset 0, scale 1, shift 0: the bounds of 8, 16 and 17 bits in both precisions."""
    comparison = Comparison()
    for int16 in (False, True):
        bounds = [rounding_corners(0, ACC_OUT, width) for width in (FEATURE, OUT_INT16, OUT_ROUNDED)]
        await _compare(dut, comparison, OutputConverter(int16=int16), np.concatenate(bounds))
    comparison.finish()
