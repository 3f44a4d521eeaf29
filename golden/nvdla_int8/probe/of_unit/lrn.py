"""Probes of CDP: square sums, tables, converters."""

from collections.abc import Iterator

import numpy as np

from nvdla_int8.probe.build import layer_probe
from nvdla_int8.probe.layers import lrn
from nvdla_int8.probe.patterns import counter, every_byte
from nvdla_int8.probe.probe import Probe
from nvdla_int8.probe.space import Room
from nvdla_int8.probe.unit import Unit
from nvdla_int8.stages.lrn import Lrn, Priority
from nvdla_int8.stages.lrn_program import LrnProgram
from nvdla_int8.stages.lut import LE_ENTRIES, LO_ENTRIES, LeTable, LoTable, Slope

RAMP = LoTable(entries=tuple(range(LO_ENTRIES)), start=-128, end=128)
"""Entry i for the value i - 128: LO hands a value of eight bits on, counted from 0."""

CURVE = LoTable(entries=tuple(64 * (LO_ENTRIES - 1 - at) for at in range(LO_ENTRIES)), index_select=9, end=1 << 17)
POWERS = LeTable(entries=tuple(1000 - 15 * at for at in range(LE_ENTRIES)), start=0, end=1 << 20)
FLAT_ENDS = {f"{end}_priority": Priority.LO for end in ("underflow", "overflow", "hybrid")}
FROM_LO = {"lo": RAMP, "le": LeTable(start=1 << 20, end=1 << 21, exponent=False), **FLAT_ENDS}
"""LE is missed by every value, and LO is taken in every case of doubt."""


def lrn_probes(room: Room) -> Iterator[Probe]:
    """The probes, in order."""
    data = every_byte()

    def probe(name: str, shows: str, parameters: Lrn, cube: np.typing.NDArray[np.int8] = data) -> Probe:
        layer = lrn(cube, LrnProgram(name=name, lrn=parameters))
        return layer_probe(room, Unit.LRN, f"lrn_{name}", shows, [layer])

    alone = Lrn(square_sum_bypass=True, multiply_bypass=True, out_offset=128, **FROM_LO)
    yield probe("lo", "a value through LO: no sums, no multiplier", alone)
    yield probe("in_converter", "the input converter", alone.model_copy(
        update={"in_offset": 5, "in_scale": -3, "in_shift_bits": 1}
    ))  # fmt: skip
    yield probe("out_converter", "the output converter", alone.model_copy(
        update={"out_offset": 100, "out_scale": 3, "out_shift_bits": 1}
    ))  # fmt: skip
    slopes = RAMP.model_copy(
        update={"start": -60, "end": 40, "index_select": -1, "underflow": Slope(scale=2), "overflow": Slope(scale=-1)}
    )
    yield probe("slopes", "the straight lines beyond the ends of LO", alone.model_copy(update={"lo": slopes}))
    between = RAMP.model_copy(update={"entries": tuple(20 * at for at in range(LO_ENTRIES)), "index_select": 4})
    yield probe("between", "interpolation between LO's entries", alone.model_copy(update={"lo": between}))
    powers = POWERS.model_copy(update={"entries": tuple(16 * at for at in range(LE_ENTRIES))})
    yield probe("le", "a value through LE, whose entries belong to powers of two", alone.model_copy(
        update={"le": powers, **dict.fromkeys(FLAT_ENDS, Priority.LE)}
    ))  # fmt: skip
    cube = counter(20, 2, 3)
    for length in range(4):
        window = Lrn(
            normalize_length=length, le=POWERS, lo=CURVE, hybrid_priority=Priority.LO, out_scale=1, out_shift_bits=14
        )
        yield probe(f"window_{3 + 2 * length}", f"a window of {3 + 2 * length} channels, multiplied", window, cube)
