"""Bench of nvdla_csc: layers in both groups, from CBUF entries to the MACs' beats."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.block_csb import CSB_INPUTS, BlockCsb
from nvdla_bench.units.support.comparison import Comparison, compare_layers, report
from nvdla_bench.units.support.csc_layers import CscCase, Reuse, Sizes, layer_case
from nvdla_bench.units.support.csc_sequence import Banks, LayerSequence, Plan
from nvdla_bench.units.support.csc_sides import CbufSide, MacSide
from nvdla_bench.units.support.lanes import join_lanes
from nvdla_bench.units.support.streams import Beat
from nvdla_bench.units.support.unit_build import unit_build
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_int8.beats.weight_beats import weight_beats
from nvdla_int8.build import Build
from nvdla_int8.seeds import generator
from nvdla_int8.stages.widths import FEATURE

FLAGS = ("stripe_last", "acc_first", "acc_last", "layer_last")
SINKS = {"dat": ("data", *FLAGS), "wt": ("data", "lanes", "last")}
PORTS = ("emptied", "available", "rd_data")
REQUESTS = ("rd_valid", "release_valid")
BATCHES = 6
LAYERS = 6
RATES = (1.0, 0.3, 0.04)
MOST_CYCLES_PER_ATOM = 1.02
WAIT_CYCLES = 50
# The longest wait is for entries that a layer does not read but frees, at the lowest rate.
HANG_CYCLES = 4000
LONG, FREED_ROWS = 1100, 300
LONG_ATOMIC_C = 8


KEEP: Plan = {"keep rows": True, "keep weights": True}
KEEP_SOME: Plan = {"keep rows": False, "keep some rows": True, "keep weights": False}
FREE: Plan = {"keep rows": False, "keep some rows": False, "keep weights": False}
TAKE: Plan = {"other banks": False, "take rows": True, "take weights": True}
LEAVE: Plan = {"other banks": False, "take rows": False, "take weights": False}
FEATURE_CUBE, IMAGE = ({"image": image} for image in (False, True))

TAKE_ROWS = TAKE | {"take weights": False}
TAKE_WEIGHTS = TAKE | {"take rows": False}
OTHER_WEIGHT_BANKS: Plan = {"other banks": True, "other data banks": False, "take rows": True}
OTHER_DATA_BANKS: Plan = {"other banks": True, "other data banks": True}
FEWER: Plan = {"fewer rows": True, "fewer kernels": True}

REUSE_PLANS: Sequence[Sequence[Plan]] = (
    (KEEP, TAKE | KEEP, TAKE | FREE, LEAVE | FREE),
    # Step 1: other banks empty the ring of the weights, or both.
    (KEEP, OTHER_WEIGHT_BANKS | KEEP, TAKE | FREE, LEAVE | FREE),
    (KEEP, OTHER_DATA_BANKS | FREE),
    # Steps 2 and 3: the next layer, of the same kind or not, frees what it does not take.
    (KEEP | FEATURE_CUBE, LEAVE | KEEP | FEATURE_CUBE, LEAVE | KEEP | IMAGE, LEAVE | FREE | IMAGE),
    # Step 5: a feature cube's layer takes the weights of an image's.
    (KEEP | IMAGE, TAKE_WEIGHTS | FREE | FEATURE_CUBE),
    # Step 7: some rows.
    (KEEP_SOME | FEATURE_CUBE, TAKE_ROWS | KEEP_SOME, TAKE_ROWS | KEEP_SOME, LEAVE | FREE),
    (KEEP_SOME | IMAGE, TAKE_ROWS | FREE),
    # Fewer rows and kernels than there are, and then all.
    (KEEP, TAKE | KEEP | FEWER, TAKE | FREE, LEAVE | FREE),
)
"""Batches of layers; an even number, for each batch begins with register group 0."""


async def _start(dut: Any) -> Build:
    inputs = [f"cbuf_{ring}_{port}" for ring in ("dat", "wt") for port in PORTS]
    requests = [f"cbuf_{ring}_{port}" for ring in ("dat", "wt") for port in REQUESTS]
    await reset(
        dut,
        (*CSB_INPUTS, "start", "dat_ready", "wt_ready", *inputs),
        ("op_en", "busy", "done", "cbuf_close", "dat_valid", "wt_valid", "csb_rdata", *requests),
    )
    return unit_build()


def _data_beats(case: CscCase) -> list[Beat]:
    flags = [getattr(case.beats, name).astype(int).tolist() for name in FLAGS]
    return list(zip(join_lanes(case.beats.data, FEATURE), *flags, strict=True))


def _weight_beats(case: CscCase) -> list[Beat]:
    beats = weight_beats(case.beats.weights, case.beats.kernels, case.beats.lanes)
    return list(
        zip(join_lanes(beats.data, FEATURE), beats.lanes.tolist(), beats.last.astype(int).tolist(), strict=True)
    )


async def _run_layers(dut: Any, build: Build, batches: Iterable[tuple[Sequence[CscCase], Sequence[Banks]]]) -> None:
    """Batches of layers back to back; every layer's entries are freed or stay."""
    bench = UnitStreams(dut, {}, SINKS, HANG_CYCLES)
    cbuf = CbufSide(dut, generator(run_seed(), "cbuf"), build)
    cocotb.start_soon(cbuf.run())
    csb = BlockCsb(dut, "CSC")
    comparison = Comparison()
    layers = 0
    for index, (cases, banks) in enumerate(batches):
        cbuf.rate = RATES[index % len(RATES)]
        cbuf.add(cases, banks)
        programming = cocotb.start_soon(csb.run_layers([case.registers for case in cases]))
        data, weights = [_data_beats(case) for case in cases], [_weight_beats(case) for case in cases]
        out = await bench.run({}, {"dat": sum(map(len, data)), "wt": sum(map(len, weights))})
        compare_layers(dut, comparison, "dat", SINKS["dat"], data, out["dat"])
        compare_layers(dut, comparison, "wt", SINKS["wt"], weights, out["wt"])
        await programming
        layers += len(cases)
        assert cbuf.ended == layers, report(f"{cbuf.ended} layers ended, {layers} were run")
    comparison.finish()
    bench.finish()


@cocotb.test()
async def layers_under_stalls(dut: Any) -> None:
    """Random layers; entries that come slowly, MACs that stall."""
    build = await _start(dut)
    sequence = LayerSequence(generator(run_seed(), "csc"), build)
    await _run_layers(dut, build, (sequence.draw([{}] * LAYERS) for _ in range(BATCHES)))


@cocotb.test()
async def layers_take_and_free_what_others_left(dut: Any) -> None:
    """Each step of reuse.md section 1 that CSC has a part in, alone."""
    build = await _start(dut)
    sequence = LayerSequence(generator(run_seed(), "csc reuse"), build)
    await _run_layers(dut, build, map(sequence.draw, REUSE_PLANS))


@cocotb.test()
async def kernel_groups_fill_their_bank(dut: Any) -> None:
    """Several groups and stripes whose weights take a whole bank each, and more entries where they begin within one.

    The groups of the first layer follow one another in one bank, those of the second stay.
    """
    random = generator(run_seed(), "csc bank")
    build = await _start(dut)
    groups = 3
    sizes = Sizes(
        image=False,
        width=4,
        height=1,
        channels=build.cbuf_bank_bytes // build.atomic_k - 1,
        kernels=groups * build.atomic_k,
        lines=1,
        taps=1,
        out_width=4,  # two stripes, and the second no longer than the first
        out_height=build.atomic_k,
    )
    stays = Reuse(data_reuse=0, weight_reuse=0, skip_data_rls=0, skip_weight_rls=1, rls_slices=sizes.height - 1)
    cases = [layer_case(random, build, sizes), layer_case(random, build, sizes, reuse=stays)]
    data_banks = max(case.banks[0] for case in cases)
    await _run_layers(dut, build, [(cases, [(data_banks, 1), (data_banks, groups)])])


@cocotb.test(skip=run_parameters()["ATOMIC_C"] != LONG_ATOMIC_C)
async def cubes_are_long(dut: Any) -> None:
    """More rows, and more columns, than ten bits count; of the rows some are freed and the others stay."""
    random = generator(run_seed(), "csc long")
    build = await _start(dut)
    one = Sizes(
        image=False, width=1, height=1, channels=1, kernels=1, lines=1, taps=1, out_width=1, out_height=1
    )  # fmt: skip
    some = Reuse(data_reuse=0, weight_reuse=0, skip_data_rls=0, skip_weight_rls=0, rls_slices=FREED_ROWS - 1)
    cases = [
        layer_case(random, build, replace(one, height=LONG, out_height=LONG), reuse=some),
        layer_case(random, build, replace(one, width=LONG, out_width=LONG), reuse=replace(some, rls_slices=0)),
    ]
    banks = max(case.banks[0] for case in cases), 1
    await _run_layers(dut, build, [(cases, [banks, banks])])


@cocotb.test()
async def one_atom_a_cycle(dut: Any) -> None:
    """Without stalls the weights of a tile hide behind the atoms of the one before."""
    random = generator(run_seed(), "csc speed")
    build = await _start(dut)
    sizes = Sizes(
        image=False,
        width=12,
        height=10,
        channels=build.atomic_c + 6,
        kernels=2 * build.atomic_k + 1,
        lines=3,
        taps=2,
        out_width=12,
        out_height=12,
        pad_left=1,
        pad_top=2,
    )
    case = layer_case(random, build, sizes)
    cbuf = CbufSide(dut, generator(run_seed(), "cbuf"), build)
    cbuf.add([case], [case.banks])
    macs = MacSide(dut)
    cocotb.start_soon(cbuf.run())
    cocotb.start_soon(macs.run())
    atoms = len(case.beats.data)
    await ClockCycles(dut.clk, len(case.data_entries) + len(case.weight_entries))
    programming = cocotb.start_soon(BlockCsb(dut, "CSC").run_layers([case.registers]))
    await ClockCycles(dut.clk, int(atoms * MOST_CYCLES_PER_ATOM) + WAIT_CYCLES)
    assert macs.atoms == atoms, report(f"{macs.atoms} of {atoms} atoms are through")
    cycles = macs.last_cycle - macs.first_cycle + 1
    dut._log.info("%d atoms took %d cycles", atoms, cycles)
    assert cycles <= atoms * MOST_CYCLES_PER_ATOM, report(f"{atoms} atoms took {cycles} cycles")
    await programming
