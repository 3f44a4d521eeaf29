"""Random programs: reproducible, legal on every build, in the corners, and wrong when something is changed."""

import re
from pathlib import Path

import pytest

from nvdla_int8.coverage.collected import Collected
from nvdla_int8.coverage.plan import MODEL_PARTS, load_plan
from nvdla_int8.coverage.programs import count_program
from nvdla_int8.coverage.report import CoverageReport
from nvdla_int8.errors import BenchError
from nvdla_int8.generator import KINDS, GeneratedProgram, generate
from nvdla_int8.generator.program import ON_NV_SMALL, WEIGHTED_KINDS
from nvdla_int8.trace.commands import IntrNotify, MemInit, MemLoad, PollReg, RegReadExpected, RegWrite, read_trace
from nvdla_int8.trace.dat import write_dat
from nvdla_int8.trace.replay import replay
from nvdla_int8.trace.result import Verdict
from tests.conftest import SEED

BUILDS = ("nv_small", "nv_small_256", "nv_medium_512", "nv_medium_1024_full", "nv_large")
ERRATA = {"E1", "E2", "E3", "E4", "E5", "E6"}


PROGRAMS = {
    "pooling": 59, "memory": 13, "convolution": 27, "image": 21, "reuse": 46, "lrn": 66, "fused": 15, "fused-memory": 8,
    "mixed": 22, "network": 12, "pair": 12, "series": 4, "neighbours": 4, "large": 4, "requantised": 4,
}  # fmt: skip
"""Programs of each kind: as few as reach each bin of the plan's parts for the golden device twice or more."""


@pytest.fixture(scope="module")
def programs() -> list[GeneratedProgram]:
    """Programs of fixed seeds: what they reach is then a fact, not a chance."""
    return [generate(f"coverage-{number}", kind=kind) for kind, count in PROGRAMS.items() for number in range(count)]


def test_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    first, second = (generate("again").write(tmp_path / part).parent for part in ("first", "second"))
    assert [path.name for path in sorted(first.iterdir())] == [path.name for path in sorted(second.iterdir())]
    assert all(path.read_bytes() == (second / path.name).read_bytes() for path in first.iterdir())


def test_other_seed_kind_or_build_gives_another_program() -> None:
    variants = [
        generate("one", kind="pair"), generate("two", kind="pair"), generate("one", kind="series"),
        generate("one", "nv_small_256", kind="pair"), generate("one", kind="pair", errata=True),
    ]  # fmt: skip
    assert len({variant.commands for variant in variants}) == len(variants)


@pytest.mark.parametrize(
    ("kind", "build"),
    [(kind, build) for build in BUILDS for kind in KINDS if build == "nv_small" or kind not in ON_NV_SMALL],
)
def test_program_of_every_kind_passes_replay_in_strict_mode(kind: str, build: str, tmp_path: Path) -> None:
    for number in range(3):
        program = generate(f"{SEED}-{number}", build, kind=kind)
        assert program.kind == kind
        trace = program.write(tmp_path / program.name)
        result = replay(trace, build, strict=True)
        assert result.passed, f"{result.message}: {program.summary}"
        assert result.layers == len(program.layers)
        assert tuple(read_trace(trace).commands) == program.commands


def test_program_without_kind_is_of_the_kind_that_its_seed_chooses() -> None:
    kinds = {program.kind for program in (generate(f"any-{number}") for number in range(80))}
    assert kinds == set(WEIGHTED_KINDS)
    program = generate("any-0")
    assert generate("any-0", kind=program.kind).commands == program.commands


def test_programs_reach_every_bin_of_programs_and_arithmetic(programs: list[GeneratedProgram]) -> None:
    """What a draw that was cut, or a sampler that went blind, leaves open is told by name."""
    plan, collected = load_plan(), Collected(MODEL_PARTS)
    for program in programs:
        collected.add(count_program(program, plan), "on the golden device", program.seed)
    assert CoverageReport(plan, collected).problems() == []


def test_networks_branch_add_concatenate_and_use_memory_again(programs: list[GeneratedProgram]) -> None:
    networks = [program for program in programs if program.kind == "network"]
    text = "\n".join(program.summary for program in networks)
    assert len(networks) == PROGRAMS["network"]
    for word in ("image", "convolution", "memory", "x2 SUM 1B/element", "x2 MIN 1B/element", "pooling", "LRN"):
        assert word in text
    bases = [[run.destination.base for run in program.layers] for program in networks]
    assert any(len(set(one)) < len(one) for one in bases)


def test_programs_are_small_and_seldom_rejected(programs: list[GeneratedProgram]) -> None:
    usual = [program for program in programs if program.kind not in ("large", "neighbours")]
    layers = [run for program in usual for run in program.layers if run.convolution]
    atoms = sorted(run.macs // 64 for run in layers)
    assert atoms[-1] < 20_000
    assert 50 < atoms[len(atoms) // 2] < 3000
    assert sum(program.attempts for program in programs) < 1.1 * len(programs)


def test_most_outputs_vary(programs: list[GeneratedProgram]) -> None:
    """A layer whose output is one value hides what is wrong before it."""
    outputs = [run.output for program in programs for run in program.layers]
    assert sum(bool((output == output[0, 0, 0]).all()) for output in outputs) < 0.25 * len(outputs)


def test_programs_avoid_errata_unless_asked(programs: list[GeneratedProgram]) -> None:
    rules = {finding.rule for program in programs for run in program.layers for finding in run.diagnostics}
    assert rules == {"ignored", "E7"}  # E7 does not depend on the program alone
    met = {
        finding.rule
        for number in range(150)
        for run in generate(f"errata-{number}", errata=True).layers
        for finding in run.diagnostics
    }
    assert {*ERRATA, "P5", "ignored"} <= met <= {*ERRATA, "P5", "P6", "ignored", "E7", "E10"}


def test_summary_tells_each_layer_in_one_line(programs: list[GeneratedProgram]) -> None:
    for program in programs:
        assert program.summary.startswith(f"{program.kind}: ")
        assert "\n" not in program.summary
        assert len(program.summary.split("; ")) == len(program.layers)


def test_several_layers_use_both_groups_and_overlap_unless_one_reads_the_other(
    programs: list[GeneratedProgram],
) -> None:
    orders = set()
    for program in programs:
        if program.kind != "pair":
            continue
        waits, second = [], None
        for index, command in enumerate(program.commands):
            if isinstance(command, IntrNotify) and command.interrupt == "SDP_0":
                waits.append(index)
            if isinstance(command, RegWrite) and command.register == "SDP.D_OP_ENABLE":
                second = index
        assert second is not None
        assert len(waits) == 1
        reads = program.steps[1].waits_for == 1
        assert (second > waits[0]) == reads
        orders.add(reads)
    assert orders == {True, False}


# --- what a program checks


def test_every_changed_output_byte_and_count_is_noticed(tmp_path: Path) -> None:
    drawn = (generate(f"noticed-{number}", kind="convolution") for number in range(20))
    program = next(one for one in drawn if one.steps[0].counters)
    size = len(program.steps[0].outputs[0].data)
    for at in (0, size // 2, size - 1):
        trace = program.write(tmp_path / f"byte-{at}")
        [golden] = trace.parent.glob("*_out0.dat")
        data = bytearray(program.steps[0].outputs[0].data)
        data[at] ^= 1
        write_dat(golden, bytes(data))
        assert replay(trace).verdict is Verdict.FAILED
    for pattern in (
        r"(poll_reg_equal\(NVDLA_SDP.D_PERF_OUT_SATURATION_0, )",
        r"(poll_reg_equal\(NVDLA_CSC.S_POINTER_0, )",
        r"(poll_reg_equal\(NVDLA_CDMA.S_STATUS_0, )",
    ):
        trace = program.write(tmp_path / f"poll-{len(pattern)}-{pattern[22:26]}")
        text, count = re.subn(pattern, r"\g<1>0x7", trace.read_text())
        assert count == 1
        trace.write_text(text)
        assert not replay(trace).passed


def test_change_of_what_was_only_read_is_noticed(tmp_path: Path) -> None:
    """A checksum covers every window that is loaded; here the trace loads another weight afterwards."""
    program = generate("noticed", kind="memory")
    trace = program.write(tmp_path / "loaded")
    lines = trace.read_text().splitlines()
    load = next(line for line in lines if line.startswith("mem_load"))
    wait = next(index for index, line in enumerate(lines) if line.startswith("intr_notify(SDP"))
    base = load.split(",")[1].strip()
    trace.write_text("\n".join([*lines[: wait + 1], f"mem_init(pri_mem, {base}, 0x8, ALL_ZERO);", *lines[wait + 1 :]]))
    assert replay(trace).verdict is Verdict.FAILED


def test_some_programs_read_registers_back_and_all_check_that_blocks_end_idle(
    programs: list[GeneratedProgram],
) -> None:
    assert any(isinstance(command, RegReadExpected) for program in programs for command in program.commands)
    for program in programs:
        if program.kind == "network":  # as software runs it, which reads what it needs
            continue
        polls = {command.register for command in program.commands if isinstance(command, PollReg)}
        assert {"SDP.S_STATUS", "CDMA.S_STATUS", "SDP.S_POINTER", "SDP_RDMA.S_POINTER"} <= polls


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": "two words"}, "seed = 'two words'"),
        ({"seed": "s", "kind": "resnet"}, "kind 'resnet' is not known; there are convolution, "),
        ({"seed": "s", "build": "nv_tiny"}, "build 'nv_tiny' is not known"),
        (
            {"seed": "s", "build": "nv_large", "kind": "lrn"},
            "kind 'lrn' uses PDP, CDP or reuse of the CBUF, which are modelled for nv_small",
        ),
    ],
)
def test_generator_bad_argument_is_one_line(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(BenchError, match=re.escape(message)) as caught:
        generate(**arguments)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


# --- sizes, places and neighbours at the ends of registers


def test_large_programs_take_the_last_bit_of_every_size_and_overflow_counters_of_16_bits() -> None:
    made = [generate(f"large-{number}", kind="large") for number in range(70)]
    runs = [run for program in made for run in program.layers]
    for name in ("WIDTH", "HEIGHT", "CHANNEL"):
        registers = [f"{block}.D_DATA_CUBE_{name}" for block in ("SDP", "CDP_RDMA")] + [f"PDP.D_DATA_CUBE_IN_{name}"]
        words = {run.registers.word(one) for run in runs for one in registers if one in run.registers.values}
        bits = {word.bit_length() for word in words}
        assert max(bits) == 13, name
        assert len(bits & set(range(8, 14))) > 3, f"{name}: {sorted(bits)}"
    assert max(run.output.size for run in runs) > 1 << 16
    counted = [count for program in made for step in program.steps for count in step.counters.values()]
    assert max(counted) > 1 << 16
    assert any(run.registers.word("CDMA.D_WEIGHT_BYTES") > 1 << 20 for run in runs if run.convolution)


def test_far_places_cross_powers_of_two_and_strides_reach_16_megabytes() -> None:
    made = [generate(f"far-{number}", kind=kind) for kind in ("memory", "convolution", "lrn") for number in range(60)]
    windows = [window for program in made for step in program.steps for window in (*step.loads, *step.outputs)]
    crossed = {
        bit
        for bit in range(12, 32)
        for window in windows
        if window.base >> bit != (window.base + len(window.data) - 1) >> bit
    }
    assert crossed == set(range(12, 32))
    strides = [
        run.registers.word(register)
        for program in made
        for run in program.layers
        for register in ("SDP.D_DST_LINE_STRIDE", "SDP.D_DST_SURFACE_STRIDE", "CDP.D_DST_LINE_STRIDE")
        if register in run.registers.values
    ]
    assert max(strides) > 1 << 24
    assert any(len(step.outputs) > 1 for program in made for step in program.steps)


@pytest.mark.parametrize("kind", ["memory", "network"])
def test_program_with_a_base_lies_from_there_on(kind: str) -> None:
    program = generate("placed", kind=kind, base=0x12345)
    bases = [command.base for command in program.commands if isinstance(command, MemLoad | MemInit)]
    assert min(bases) >= 0x12345
    assert max(bases) < 0x40000


def test_neighbours_never_wait_for_one_another_and_differ_in_what_they_program() -> None:
    for number in range(10):
        program = generate(f"neighbours-{number}", kind="neighbours")
        assert all(step.waits_for == 0 for step in program.steps)
        assert all(run.output.size <= 9 * 18 for run in program.layers[1:])
