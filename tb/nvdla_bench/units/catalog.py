"""The unit benches: which test module runs on which module of the RTL with which parameters."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nvdla_bench.files import RTL, SIM_BUILD
from nvdla_bench.simulator.compiled import SEED_VARIABLE, Results, compile_rtl
from nvdla_int8.errors import BenchError

DEFAULT_SEED = "units"


@dataclass(frozen=True)
class Unit:
    """One bench; ``name`` is what reports and tests call it."""

    name: str
    toplevel: str
    module: str
    parameters: Mapping[str, int]


def _unit(name: str, module: str, toplevel: str, **parameters: int) -> Unit:
    return Unit(name, f"nvdla_{toplevel}", f"nvdla_bench.units.{module}", parameters)


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
    _unit("spill", "spill", "spill", WIDTH=8),
    _unit("ram_1r1w", "ram_1r1w", "ram_1r1w", WIDTH=8, DEPTH=5),
    _unit("ram_1r1w_async", "ram_1r1w_async", "ram_1r1w_async", WIDTH=8, DEPTH=5),
    _unit("ram_1r1w_async_1", "ram_1r1w_async", "ram_1r1w_async", WIDTH=8, DEPTH=1),
    _unit("fifo_2", "fifo", "fifo", WIDTH=8, DEPTH=2),
    _unit("fifo_5", "fifo", "fifo", WIDTH=8, DEPTH=5),
    _unit("byte_unpacker_8", "byte_unpacker", "byte_unpacker", WORD_BYTES=8),
    _unit("byte_unpacker_32", "byte_unpacker", "byte_unpacker", WORD_BYTES=32),
    _unit("byte_packer_8_8", "byte_packer", "byte_packer", UNIT_BYTES=1, RUN_UNITS=8, WORD_UNITS=8),
    _unit("byte_packer_8_32", "byte_packer", "byte_packer", UNIT_BYTES=1, RUN_UNITS=8, WORD_UNITS=32),
    _unit("byte_packer_1_4", "byte_packer", "byte_packer", UNIT_BYTES=2, RUN_UNITS=1, WORD_UNITS=4),
    _unit("cdma_dat_8_8", "cdma_dat", "cdma_dat", MEMORY_ATOM=8, ATOMIC_C=8),
    _unit("cdma_dat_8_32", "cdma_dat", "cdma_dat", MEMORY_ATOM=8, ATOMIC_C=32),
    _unit("cdma_dat_32_64", "cdma_dat", "cdma_dat", MEMORY_ATOM=32, ATOMIC_C=64),
    _unit("cdma_wt", "cdma_wt", "cdma_wt", MEMORY_ATOM=8, ATOMIC_C=8),
    _unit("cdma_pixels", "cdma_pixels", "cdma_pixels", MEMORY_ATOM=8),
    _unit("cdma_addresses", "cdma_addresses", "cdma_addresses", MEMORY_ATOM=8, BLOCK_SURFACES=1),
    _unit("cdma_8_8", "cdma", "cdma", MEMORY_ATOM=8, ATOMIC_C=8),
    _unit("cdma_8_32", "cdma", "cdma", MEMORY_ATOM=8, ATOMIC_C=32),
    # With the registers of the core, and with none or some of them.
    _unit("output_stage", "output_stage", "output_stage", LANES=4),
    _unit("output_stage_0", "output_stage", "output_stage", LANES=1, REGISTERS=0),
    _unit("x_stage", "x_stage", "x_stage", LANES=4),
    _unit("x_stage_21", "x_stage", "x_stage", LANES=1, REGISTERS=0b010101),
    _unit("cmac_array", "cmac_array", "cmac_array", ATOMIC_C=4, ATOMIC_K=4),
    _unit("cmac_array_12", "cmac_array", "cmac_array", ATOMIC_C=4, ATOMIC_K=2, REGISTERS=0b1100),
    # Wide sums reach the 34-bit bounds in a few additions.
    _unit("cacc", "cacc", "cacc", ATOMIC_C=4, ATOMIC_K=4, STRIPE_DEPTH=4, SUM_WIDTH=33),
    _unit("mcif_read_8", "mcif_read", "mcif_read", MEMORY_ATOM=8),
    _unit("mcif_read_32", "mcif_read", "mcif_read", MEMORY_ATOM=32),
    _unit("mcif_write_8", "mcif_write", "mcif_write", MEMORY_ATOM=8),
    _unit("mcif_write_32", "mcif_write", "mcif_write", MEMORY_ATOM=32),
    _unit("csb_slave", "csb_slave", "csb_slave"),
    _unit("glb", "glb", "glb"),
    _unit("convolution_control", "convolution_control", "convolution_control"),
    _unit("reset", "reset", "reset"),
    _unit("flag_counter", "flag_counter", "flag_counter", LANES=8),
    _unit("cdma_regs", "regs", "cdma_regs"),
    _unit("csc_regs", "regs", "csc_regs"),
    _unit("cmac_regs", "regs", "cmac_regs"),
    _unit("cacc_regs", "regs", "cacc_regs"),
    _unit("sdp_rdma_regs", "regs", "sdp_rdma_regs"),
    _unit("sdp_regs", "regs", "sdp_regs"),
    _unit("pdp_rdma_regs", "regs", "pdp_rdma_regs"),
    _unit("pdp_regs", "regs", "pdp_regs"),
    _unit("cdp_rdma_regs", "regs", "cdp_rdma_regs"),
    _unit("cdp_regs", "regs", "cdp_regs"),
    _unit("sdp_8_8", "sdp", "sdp", ATOMIC_K=8, MEMORY_ATOM=8),
    _unit("sdp_16_8", "sdp", "sdp", ATOMIC_K=16, MEMORY_ATOM=8),
    _unit("sdp_16_16", "sdp", "sdp", ATOMIC_K=16, MEMORY_ATOM=16),
    _unit(
        "cdp_converter_in",
        "cdp_converter",
        "cdp_converter",
        LANES=4,
        IN_WIDTH=8,
        OFFSET_WIDTH=8,
        SCALE_WIDTH=16,
        SHIFT_WIDTH=5,
        PRODUCT_WIDTH=25,
        OUT_WIDTH=9,
        FLAGS_WIDTH=2,
    ),
    _unit(
        "cdp_converter_out",
        "cdp_converter",
        "cdp_converter",
        LANES=4,
        IN_WIDTH=25,
        OFFSET_WIDTH=25,
        SCALE_WIDTH=16,
        SHIFT_WIDTH=6,
        PRODUCT_WIDTH=42,
        OUT_WIDTH=8,
        FLAGS_WIDTH=2,
    ),
    _unit("cdp_window", "cdp_window", "cdp_window", LANES=8, WIDTH=9, REACH=4, FLAGS_WIDTH=2),
    _unit("cdp_sum", "cdp_sum", "cdp_sum", LANES=8, REACH=4, FLAGS_WIDTH=2),
    _unit("cdp_selection", "cdp_selection", "cdp_selection", LANES=1),
    _unit("cdp_lookup_le", "cdp_lookup", "cdp_lookup", LANES=4, LAST=64, LEAST_SELECT_IS_ZERO=0),
    _unit("cdp_lookup_lo", "cdp_lookup", "cdp_lookup", LANES=4, LAST=256, LEAST_SELECT_IS_ZERO=1),
    # A short FIFO binds in small layers too.
    _unit("cdp_rdma_8", "cdp_rdma", "cdp_rdma", MEMORY_ATOM=8, FIFO_ATOMS=8),
    _unit("cdp_rdma_16", "cdp_rdma", "cdp_rdma", MEMORY_ATOM=16, FIFO_ATOMS=64),
    _unit("cdp_8", "cdp", "cdp", MEMORY_ATOM=8),
    _unit("cdp_16", "cdp", "cdp", MEMORY_ATOM=16),
    _unit("cbuf_4_8", "cbuf", "cbuf", ATOMIC_C=8, CBUF_BANKS=4, CBUF_BANK_ENTRIES=8),
    _unit("cbuf_32_512", "cbuf", "cbuf", ATOMIC_C=8, CBUF_BANKS=32, CBUF_BANK_ENTRIES=512),
    _unit("csc_walk", "csc_walk", "csc_walk", ATOMIC_C=8, ATOMIC_K=8),
    _unit("csc_order", "csc_order", "csc_order", ATOMIC_C=8, ATOMIC_K=8),
    _unit("csc_8_8", "csc", "csc", ATOMIC_C=8, ATOMIC_K=8, CBUF_BANKS=32, CBUF_BANK_ENTRIES=64),
    _unit("csc_32_8", "csc", "csc", ATOMIC_C=32, ATOMIC_K=8, CBUF_BANKS=32, CBUF_BANK_ENTRIES=64),
    _unit("csc_8_16", "csc", "csc", ATOMIC_C=8, ATOMIC_K=16, CBUF_BANKS=32, CBUF_BANK_ENTRIES=128),
    # A short FIFO binds in small layers too.
    _unit("sdp_rdma_8_8", "sdp_rdma", "sdp_rdma", ATOMIC_K=8, MEMORY_ATOM=8, FIFO_ATOMS=8),
    _unit("sdp_rdma_16_8", "sdp_rdma", "sdp_rdma", ATOMIC_K=16, MEMORY_ATOM=8, FIFO_ATOMS=8),
    _unit("pdp_window", "pdp_window", "pdp_window"),
    _unit("pdp_horizontal", "pdp_horizontal", "pdp_horizontal", LANES=2),
    _unit("pdp_vertical", "pdp_vertical", "pdp_vertical", LANES=2, COLUMNS=8),
    _unit("pdp_average", "pdp_average", "pdp_average", LANES=2),
    _unit("pdp_8", "pdp", "pdp", MEMORY_ATOM=8, LINE_COLUMNS=8),
    _unit("pdp_rdma_8", "pdp_rdma", "pdp_rdma", MEMORY_ATOM=8, FIFO_ATOMS=8),
    _unit("pdp_rdma_16", "pdp_rdma", "pdp_rdma", MEMORY_ATOM=16, FIFO_ATOMS=64),
    _unit("sdp_rdma_16_16", "sdp_rdma", "sdp_rdma", ATOMIC_K=16, MEMORY_ATOM=16, FIFO_ATOMS=64),
)

UNITS: Mapping[str, Unit] = {unit.name: unit for unit in _ALL}


def run_unit(
    name: str,
    sim: str,
    results_dir: Path,
    *,
    rtl_dir: Path = RTL,
    compiled_root: Path = SIM_BUILD,
    until_failure: bool = False,
) -> Results:
    """Build a unit and run its bench with the seed of ``NVDLA_SEED``, or the default one.

    Parameters
    ----------
    name
        The bench.
    sim
        A simulator of :mod:`nvdla_bench.simulator`.
    results_dir
        Receives log and results.
    rtl_dir, compiled_root
        The sources, and where builds go.
    until_failure
        End behind the first test of the bench that fails.

    Raises
    ------
    BenchError
        An unknown unit, or what :func:`nvdla_bench.simulator.compiled.compile_rtl` and ``run`` raise.
    """
    unit = UNITS.get(name)
    if unit is None:
        raise BenchError(f"there is no unit bench {name!r}, choose from {', '.join(UNITS)}")
    seed = os.environ.get(SEED_VARIABLE, DEFAULT_SEED)
    reproduce = f"{SEED_VARIABLE}='{seed}' .venv/bin/python -m pytest tests/rtl/test_units.py -k '{name}-{sim}'"
    built = compile_rtl(sim, unit.toplevel, unit.parameters, rtl_dir=rtl_dir, compiled_root=compiled_root)
    environment = {"UNIT": name, "REPRODUCE": reproduce} | ({"COCOTB_MAX_FAILURES": "1"} if until_failure else {})
    return built.run(unit.module, seed=seed, results_dir=results_dir, extra_env=environment)
