"""Bench of nvdla_output_stage."""

from typing import Any

import cocotb

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import Comparison, check_beats
from nvdla_bench.units.support.lanes import join_lanes
from nvdla_bench.units.support.stimulus import weighted
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_int8.seeds import generator
from nvdla_int8.stages.sdp import OutputConverter
from nvdla_int8.stages.widths import ACC_OUT, FEATURE, OUT_OFFSET, OUT_SCALE, OUT_SHIFT

CONFIGURATION = ("offset", "scale", "shift", "out_int16")
OUTPUTS = ("data", "saturated_17", "saturated_8")


@cocotb.test()
async def lanes_under_stalls(dut: Any) -> None:
    """Random programs; every lane has its own data."""
    random = generator(run_seed(), "output_stage")
    lanes = run_parameters()["LANES"]
    await reset(
        dut,
        (*CONFIGURATION, "in_valid", "in_data", "out_ready"),
        ("in_ready", "out_valid"),
    )
    bench = UnitStreams(dut, {"in": ["data"]}, {"out": OUTPUTS})
    comparison = Comparison()
    for _ in range(20):
        converter = OutputConverter(
            offset=int(weighted(random, OUT_OFFSET, 1)[0]),
            scale=int(weighted(random, OUT_SCALE, 1)[0]),
            shift_bits=int(random.integers(1 << OUT_SHIFT) >> random.integers(3)),
            int16=bool(random.integers(2)),
        )
        dut.offset.value = converter.offset % (1 << OUT_OFFSET)
        dut.scale.value = converter.scale % (1 << OUT_SCALE)
        dut.shift.value = converter.shift_bits
        dut.out_int16.value = int(converter.int16)
        data = weighted(random, ACC_OUT, 16 * lanes).reshape(-1, lanes)
        expected = converter.apply(data)
        beats = join_lanes(data, ACC_OUT)
        out = await bench.run({"in": [(beat,) for beat in beats]}, {"out": len(beats)})
        check_beats(
            comparison,
            {"in": (data, ACC_OUT)},
            {
                "data": (expected.value, FEATURE),
                "saturated_17": (expected.saturated_17, 1),
                "saturated_8": (expected.saturated_8, 1),
            },
            out["out"],
        )
    comparison.finish()
    bench.finish()
