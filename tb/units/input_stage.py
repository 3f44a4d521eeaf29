"""Bench of nvdla_input_stage."""

from typing import Any

import cocotb
import numpy as np

from golden.registers import find_register, unpack
from golden.seeds import generator
from golden.stream_model import InputBeats, expected_beats
from golden.widths import FEATURE
from tb.lanes import join_lanes
from tb.simulators import run_parameters, run_seed
from tb.units.comparison import Comparison, check_beats
from tb.units.stimulus import weighted
from tb.units.unit_streams import UnitStreams, reset

PORTS = {
    "pixel": ("CDMA.D_DATAIN_FORMAT", "DATAIN_FORMAT"),
    "pixel_signed": ("CDMA.D_DATAIN_FORMAT", "PIXEL_SIGN_OVERRIDE"),
    "mean_enable": ("CDMA.D_MEAN_FORMAT", "MEAN_FORMAT"),
    "cvt_enable": ("CDMA.D_CVT_CFG", "CVT_EN"),
    "cvt_offset": ("CDMA.D_CVT_OFFSET", "CVT_OFFSET"),
    "cvt_scale": ("CDMA.D_CVT_SCALE", "CVT_SCALE"),
    "cvt_truncate": ("CDMA.D_CVT_CFG", "CVT_TRUNCATE"),
    "pad_value": ("CSC.D_ZERO_PADDING_VALUE", "PAD_VALUE"),
}
MEANS = tuple(
    ("CDMA.D_MEAN_GLOBAL_" + register, field)
    for register, field in (("0", "MEAN_RY"), ("0", "MEAN_GU"), ("1", "MEAN_BV"), ("1", "MEAN_AX"))
)
SIDE_BAND = ("stripe_last", "acc_first", "acc_last")
SATURATIONS = ("saturated_17", "saturated_8")


def _random_registers(random: np.random.Generator) -> dict[str, int]:
    """Register values with small truncates and scales among the random ones."""
    values = {}
    for name in sorted({register for register, _ in (*PORTS.values(), *MEANS)}):
        values[name] = int(random.integers(1 << 32))
    if random.random() < 0.7:
        scale = find_register("CDMA.D_CVT_SCALE").fields["CVT_SCALE"]
        values["CDMA.D_CVT_SCALE"] = int(weighted(random, 6, 1)[0]) % (1 << scale.width)
        values["CDMA.D_CVT_CFG"] = int(random.integers(8)) << 4 | 1
        for name in ("CDMA.D_CVT_OFFSET", "CDMA.D_MEAN_GLOBAL_0", "CDMA.D_MEAN_GLOBAL_1"):
            values[name] &= 0x003F003F
    return values


@cocotb.test()
async def lanes_under_stalls(dut: Any) -> None:
    """Random register values, the meaningless combinations included; padded lanes among the others."""
    random = generator(run_seed(), "input_stage")
    lanes = run_parameters()["ATOMIC_C"]
    payload = ("data", "pad", *SIDE_BAND)
    outputs = ("data", *SATURATIONS, *SIDE_BAND)
    await reset(
        dut,
        (*PORTS, "mean", "in_valid", "out_ready", *(f"in_{name}" for name in payload)),
        ("in_ready", "out_valid", *(f"out_{name}" for name in outputs)),
    )
    bench = UnitStreams(dut, {"in": payload}, {"out": outputs})
    comparison = Comparison()
    for _ in range(40):
        registers = _random_registers(random)
        for port, (register, field) in PORTS.items():
            getattr(dut, port).value = unpack(register, registers[register], field)
        means = np.array([[unpack(register, registers[register], field) for register, field in MEANS]])
        dut.mean.value = join_lanes(means, 16)[0]
        count = 24
        data = random.integers(0, 256, (count, lanes), dtype=np.uint8)
        pad = random.random((count, lanes)) < 0.2
        flags = random.integers(0, 2, (count, len(SIDE_BAND)))
        none, last = np.zeros(count, np.bool_), np.arange(count) == count - 1
        inputs = InputBeats(data, pad, last, none, none, np.zeros((1, lanes), np.int8), None, None)
        expected = expected_beats(inputs, registers, 1)["converted"]
        vectors = zip(join_lanes(data, FEATURE), join_lanes(pad, 1), *flags.T.tolist(), strict=True)
        out = await bench.run({"in": list(vectors)}, {"out": count})
        check_beats(
            comparison,
            {"data": (data, FEATURE), "pad": (pad, 1)},
            {
                "data": (expected.values, FEATURE),
                **{name: (expected.flags[name], 1) for name in SATURATIONS},
                **{name: (flags[:, [index]], 1) for index, name in enumerate(SIDE_BAND)},
            },
            out["out"],
        )
    comparison.finish()
    bench.finish()
