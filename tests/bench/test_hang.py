"""What is said of a device that hangs: the block that does not go on, what it waits for, the erratum behind it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nvdla_bench.dut.description import load_dut
from nvdla_bench.player.from_trace import STATE_REGISTERS
from nvdla_bench.player.hang import STREAMS, StreamState, awaited, beats_until, blocked
from nvdla_bench.player.late_writes import LateWrites
from nvdla_bench.player.player_file import Event, Settings
from nvdla_bench.player.simulate import ReplayOptions, replay_on_rtl
from nvdla_bench.player.target import RtlTarget
from nvdla_int8.build import NV_SMALL
from nvdla_int8.device.diagnostics import Diagnostic
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.state_words import block_in_words
from nvdla_int8.generator import generate
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.trace.commands import MemInit, MemLoad, RegWrite, Trace
from nvdla_int8.trace.dat import read_dat
from nvdla_int8.trace.replay import Replay, play
from nvdla_int8.trace.result import Verdict
from tests.bench.core_copy import faulty_core


@pytest.fixture
def convolution(reference_traces: list[Path]) -> Replay:
    return play(next(path for path in reference_traces if path.name == "dc_16"))


@pytest.mark.parametrize(
    ("program", "file", "old", "new", "cause"),
    [
        (
            "dc_10", "nvdla_cdma_wt.v", ".in_valid    (active_q),", ".in_valid    (active_q && bytes_q > 32'd512),",
            "CSC waits for entries of weights: CDMA has handed on 32 of 96 entries of weights and stopped",
        ),
        (
            "dc_16", "nvdla_cmac_tiles.v", "assign wt_ready = fill_tile_q ? !full_q[1] : !full_q[0];",
            "assign wt_ready = 1'b0;",
            "CMAC does not take beats of weights from CSC after 0",
        ),
        (
            "sdp_22", "nvdla_sdp.v", ".op_valid             (bs_valid),", ".op_valid             (1'b0),",
            "SDP's X1 does not take elements from SDP_RDMA after 0: it waits for operands: SDP_RDMA has handed on 1 "
            "operands and stopped",
        ),
        (
            "fly_5", "nvdla_pdp_horizontal.v", "free = !window_valid_q || pair_ready;", "free = 1'b0;",
            "PDP's horizontal pooling does not take elements from SDP's write DMA after 3 of 18",
        ),
        (
            "pdp_23", "nvdla_pooling.v", ".rd_rsp_valid(rd_rsp_valid)", ".rd_rsp_valid(1'b0)",
            "PDP's horizontal pooling waits for elements: PDP_RDMA has handed on 0 elements and stopped",
        ),
        (
            "cdp_31", "nvdla_cdp.v", "assign sum_ready = le_in_ready;", "assign sum_ready = 1'b0;",
            "CDP's look-up does not take sums of squares from CDP's summation after 0 of 4",
        ),
    ],
    ids=["weight loader", "MACs", "operands", "SDP to PDP", "PDP's reads", "CDP's tables"],
)  # fmt: skip
def test_hanging_core_names_the_block_that_waits_and_for_what(
    program: str, file: str, old: str, new: str, cause: str, reference_traces: list[Path], tmp_path: Path
) -> None:
    dut = load_dut(faulty_core(tmp_path / "core", file, old, new))
    trace = next(next(path for path in reference_traces if path.name == program).glob("*.cfg"))
    options = ReplayOptions(dut, "icarus", "hang", Settings(), runs=tmp_path / "runs", limit_cycles=5000)
    [result] = replay_on_rtl([trace], options)
    assert result.verdict is Verdict.INCOMPLETE
    why = result.message.partition(" never comes: ")[2].partition("; given up in cycle ")[0]
    assert why.endswith(cause), result.message


def states(layer: Replay, **changed: tuple[int, bool, bool]) -> dict[str, StreamState]:
    """All streams after a whole layer, nothing waiting, but for the changed ones."""
    whole = beats_until(layer.device.layers, layer.device.build)
    return {name: StreamState(*changed.get(name, (whole.get(name, 9), False, True))) for name in STREAMS}


def why(layer: Replay, **changed: tuple[int, bool, bool]) -> str | None:
    return blocked(states(layer, **changed), layer.device.layers, layer.device.build)


def test_streams_that_are_complete_name_no_block(convolution: Replay) -> None:
    known = {name: state for name, state in states(convolution).items() if name in ("converted", "x1", "output")}
    assert blocked(known, convolution.device.layers, convolution.device.build) is None


def fetches_nothing(run: LayerRun) -> bool:
    return run.convolution is not None and not run.convolution.fetch.data and not run.convolution.fetch.weights


def test_layer_that_finds_all_in_the_cbuf_owes_no_beats_of_input_and_weights() -> None:
    drawn = (generate(f"owes-{number}", kind="reuse").layers[:2] for number in range(40))
    layers = next(pair for pair in drawn if fetches_nothing(pair[1]))
    first, both = (beats_until(layers[:count], NV_SMALL) for count in (1, 2))
    assert (both["converted"], both["weight_entries"]) == (first["converted"], first["weight_entries"])
    assert both["accumulators"] > first["accumulators"]
    states = {name: StreamState(both.get(name, 0), valid=False, ready=True) for name in STREAMS if name in both}
    assert blocked(states, layers, NV_SMALL) is None


def test_first_block_that_has_all_and_gives_nothing_is_named(convolution: Replay) -> None:
    late = dict.fromkeys(("x1", "x2", "output", "writes"), (0, False, True))
    assert why(convolution, **late, accumulators=(3, False, True), sums=(7, True, False)) == (
        "CACC does not take partial sums from CMAC after 7"
    )
    text = why(convolution, **late, accumulators=(3, False, True), weights=(5, True, False), data=(8, False, True))
    assert text == (
        "CMAC does not take beats of weights from CSC after 5: it waits for atoms of data: "
        "CSC has handed on 8 atoms of data and stopped"
    )


def test_blocks_behind_the_one_that_hangs_are_told_to_wait(convolution: Replay) -> None:
    """CSC alone is at work, though every block's status says so."""
    nothing = dict.fromkeys(("data", "sums", "accumulators", "x1", "x2", "output", "writes"), (0, False, True))
    seen = states(convolution, **nothing, weight_entries=(3, True, False))
    waits = awaited(seen, convolution.device.layers, convolution.device.build)
    assert {block: waits.get(block) for block in ("CDMA", "CSC", "CMAC", "CACC", "SDP")} == {
        "CDMA": None, "CSC": None, "CMAC": "atoms of data", "CACC": "partial sums", "SDP": "accumulators",
    }  # fmt: skip
    registers = {"CACC.S_STATUS": 1, "CACC.S_POINTER": 0}
    assert block_in_words("CACC", registers, waits["CACC"]) == "CACC group 0 waiting for partial sums (consumer 0)"


def test_first_unit_of_pooling_and_lrn_that_gives_nothing_is_named(reference_traces: list[Path]) -> None:
    pooling, lrn, flying = (
        play(next(path for path in reference_traces if path.name == name)) for name in ("pdp_23", "cdp_31", "fly_5")
    )
    nothing = (0, False, True)
    assert why(pooling, vertical=(1, False, True), pooled=nothing, pooling_writes=nothing) == (
        "PDP's average waits for pooled windows: PDP's vertical pooling has handed on 1 of 4 pooled windows and stopped"
    )
    assert why(lrn, le=(2, True, False), lo=nothing, normalised=nothing, lrn_writes=nothing) == (
        "CDP's multiplier does not take values of LE from CDP's look-up after 2 of 4: it waits for values of LO: "
        "CDP's look-up has handed on 0 of 4 values of LO and stopped"
    )
    late = dict.fromkeys(("horizontal", "vertical", "pooled", "pooling_writes"), nothing)
    assert why(flying, **late, sdp_to_pooling=(7, True, False)) == (
        "PDP's horizontal pooling does not take elements from SDP's write DMA after 7 of 18"
    )


def test_stage_names_alone_tell_how_far_the_layer_came(convolution: Replay) -> None:
    late = dict.fromkeys(("x1", "x2", "output"), (0, False, True))
    known = {name: states(convolution, **late)[name] for name in ("converted", "accumulators", *late)}
    whole = beats_until(convolution.device.layers, convolution.device.build)
    text = blocked(known, convolution.device.layers, convolution.device.build)
    assert text == f"SDP's X2 waits for elements: SDP's X1 has handed on 0 of {whole['x1']} elements and stopped"


# ---- Errata, from a record ------------------------------------------------------------------------


def record(trace: Trace, status: dict[str, int]) -> Iterator[Event]:
    """The events of a run of a trace whose wait for its first interrupt is given up."""
    yield Event("r", 1, ("00000001",))
    for cycle, command in enumerate(trace.commands, start=2):
        if isinstance(command, RegWrite):
            yield Event("c", cycle, ())
        elif isinstance(command, MemInit):
            yield Event("m", cycle, ("0",))
        elif isinstance(command, MemLoad):
            yield from (Event("m", cycle, ("0",)) for _ in read_dat(trace.folder / command.file))
    yield Event("t", 99_999, ("00000000", "0"))
    yield from (Event("p", 99_999, (f"{status.get(name, 0):08x}",)) for name in STATE_REGISTERS)
    yield Event("e", 99_999, ())


def waiting(layer: Replay, rule: str, status: dict[str, int]) -> str:
    """What is said of a layer that hangs and of which the golden device said ``rule``."""
    trace = layer.trace
    assert trace is not None
    target = RtlTarget(trace, record(trace, status), "nv_small")
    for command in trace.commands:
        if isinstance(command, MemInit):
            target.memory.clear(command.base, command.size)
        elif isinstance(command, MemLoad):
            for offset, data in read_dat(trace.folder / command.file):
                target.memory.write_bytes(command.base + offset, data)
        elif isinstance(command, RegWrite):
            target.write(command.register, command.value)
    finding = Diagnostic(rule, "CDMA.D_WEIGHT_BYTES", "", error=False)
    target.golden.layers[0] = replace(target.golden.layers[0], diagnostics=(finding,))
    assert not target.raised("SDP_0")
    return target.waiting()


@pytest.mark.parametrize("rule", ["E7", "E10"])
def test_hang_in_the_weight_loader_is_named_after_the_erratum_that_was_foreseen(rule: str, convolution: Replay) -> None:
    loading = {"CDMA.S_STATUS": 1}
    assert waiting(convolution, rule, loading).startswith(f"{rule}: ")
    assert "E7: " not in waiting(convolution, "E6", loading)
    assert "CDMA has not loaded all data and weights; given up" in waiting(convolution, rule, loading)
    # All weights are there: something else hangs.
    assert f"{rule}: " not in waiting(convolution, rule, {"GLB.S_INTR_STATUS": 1 << 18, **loading})
    assert f"{rule}: " not in waiting(convolution, rule, {})


def test_blocks_states_alone_name_the_first_that_has_not_ended(convolution: Replay) -> None:
    running = dict.fromkeys(("CACC.S_STATUS", "SDP.S_STATUS"), 1)
    assert waiting(convolution, "E6", running).startswith("CACC is the first block that has not ended; given up")
    loading = {"CDMA.S_STATUS": 1, "GLB.S_INTR_STATUS": 1 << 16, **running}
    assert waiting(convolution, "E6", loading).startswith("CDMA has not loaded all weights; given up")


def test_layer_that_reads_writes_which_were_outstanding_at_the_interrupt_is_named(reference_traces: list[Path]) -> None:
    run = play(next(path for path in reference_traces if path.name == "sdp_22")).device.layers[0]
    base = run.registers.address("SDP_RDMA.D_SRC_BASE_ADDR_{}")
    build = play(next(path for path in reference_traces if path.name == "sdp_22")).device.build
    landing = Event("w", 150, (f"{base:08x}", "00" * 8, "ff"))
    late = LateWrites([Event("i", 100, ("00000001", "1")), landing])
    late.came("SDP_0", 0)
    assert "SDP_0 came before this layer's input was written" in late.input_of(run, 120, build)
    assert late.input_of(run, 160, build) == ""  # it had landed before the layer started
    answered = LateWrites([Event("i", 100, ("00000001", "0")), landing])
    answered.came("SDP_0", 0)
    assert answered.input_of(run, 120, build) == ""


def test_write_that_the_device_still_held_at_the_interrupt_is_told() -> None:
    """The memory had taken everything that it was given; the bytes are wrong when compared, and right later."""
    landing = Event("w", 150, ("00000100", "0807060504030201", "03"))
    memory, golden = Memory(), Memory()
    golden.write_bytes(0x100, bytes([1, 2]))
    late = LateWrites([Event("i", 100, ("00000001", "0")), landing])
    late.came("SDP_0", 0)
    late.note_read(memory, golden, 0x100, 8, 1)
    assert late.told == [
        "write outstanding at the interrupt (E8): when SDP_0 came in cycle 100 beats were still inside the device; "
        "2 bytes from 0x100 are old"
    ]
    golden.write_bytes(0x100, bytes([9, 9]))  # wrong all the same
    late.note_read(memory, golden, 0x100, 8, 1)
    assert len(late.told) == 1
