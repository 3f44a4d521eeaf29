"""The leaf-unit benches: which test module runs on which module of the RTL with which parameters."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from golden.errors import BenchError
from tb.simulators import RTL, SEED_VARIABLE, SIM_BUILD, Results, build

DEFAULT_SEED = "units"


@dataclass(frozen=True)
class Unit:
    """One bench; ``name`` is what reports and tests call it."""

    name: str
    toplevel: str
    module: str
    parameters: Mapping[str, int]


def _unit(name: str, module: str, toplevel: str, **parameters: int) -> Unit:
    return Unit(name, f"nvdla_{toplevel}", f"tb.units.{module}", parameters)


_ALL = (
    _unit("clip_17_8", "clip", "clip", IN_WIDTH=17, OUT_WIDTH=8),
    _unit("clip_35_34", "clip", "clip", IN_WIDTH=35, OUT_WIDTH=34),
    _unit("round_shift_49_32", "round_shift", "round_shift", IN_WIDTH=49, OUT_WIDTH=32, SHIFT_WIDTH=6),
    _unit("round_shift_49_17", "round_shift", "round_shift", IN_WIDTH=49, OUT_WIDTH=17, SHIFT_WIDTH=6),
    _unit("round_shift_34_17", "round_shift", "round_shift", IN_WIDTH=34, OUT_WIDTH=17, SHIFT_WIDTH=6),
    _unit(
        "round_shift_34_32",
        "round_shift",
        "round_shift",
        IN_WIDTH=34,
        OUT_WIDTH=32,
        SHIFT_WIDTH=5,
        FRACTION_BITS=16,
    ),
    _unit("left_shift", "left_shift", "left_shift"),
    _unit("input_converter", "input_converter", "input_converter"),
    _unit("output_converter", "output_converter", "output_converter"),
    _unit("x_lane", "x_lane", "x_lane"),
    _unit("cmac_cell_8", "cmac_cell", "cmac_cell", ATOMIC_C=8),
    _unit("cmac_cell_32", "cmac_cell", "cmac_cell", ATOMIC_C=32),
    _unit("cacc_lane", "cacc_lane", "cacc_lane", SUM_WIDTH=19),
    _unit("pipe", "pipe", "pipe", WIDTH=8),
    _unit("input_stage", "input_stage", "input_stage", ATOMIC_C=8),
    _unit("output_stage", "output_stage", "output_stage", ATOMIC_K=4),
    _unit("x_stage", "x_stage", "x_stage", ATOMIC_K=4),
    _unit("cmac_array", "cmac_array", "cmac_array", ATOMIC_C=4, ATOMIC_K=4),
    # Wide sums reach the 34-bit bounds in a few additions.
    _unit("cacc", "cacc", "cacc", ATOMIC_C=4, ATOMIC_K=4, STRIPE_DEPTH=4, SUM_WIDTH=33),
    _unit("stream_config", "stream_config", "stream_config"),
    _unit("stream_top_4_4", "stream_top", "stream_top", ATOMIC_C=4, ATOMIC_K=4, STRIPE_DEPTH=4),
    _unit("stream_top_16_8", "stream_top", "stream_top", ATOMIC_C=16, ATOMIC_K=8, STRIPE_DEPTH=16),
)

UNITS: Mapping[str, Unit] = {unit.name: unit for unit in _ALL}


def run_unit(name: str, sim: str, results_dir: Path, *, rtl_dir: Path = RTL, build_root: Path = SIM_BUILD) -> Results:
    """Build a unit and run its bench with the seed of ``NVDLA_SEED``, or the default one.

    Raises
    ------
    BenchError
        An unknown unit, or what :func:`tb.simulators.build` and ``run`` raise.
    """
    unit = UNITS.get(name)
    if unit is None:
        raise BenchError(f"there is no unit bench {name!r}, choose from {', '.join(UNITS)}")
    seed = os.environ.get(SEED_VARIABLE, DEFAULT_SEED)
    reproduce = f"{SEED_VARIABLE}='{seed}' .venv/bin/python -m pytest tests/rtl/test_units.py -k '{name}-{sim}'"
    built = build(sim, unit.toplevel, unit.parameters, rtl_dir=rtl_dir, build_root=build_root)
    return built.run(unit.module, seed=seed, results_dir=results_dir, extra_env={"UNIT": name, "REPRODUCE": reproduce})
