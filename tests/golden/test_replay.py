"""Traces on the golden device: what passes, what does not, and what is said of it."""

import shutil
from pathlib import Path

import pytest

import nvdla_int8.trace.judge
from nvdla_int8.trace.replay import play, replay
from nvdla_int8.trace.result import TraceResult, Verdict
from tests.golden.edited_traces import edited, flip_byte, line_of, named, register
from tests.golden.trace_samples import one_line_error

# layer_0 writes 24 x 6 x 8 bytes to 0xa0000000, lines 0x40 and atoms of channels 0x180 apart.
BASE, LINE, SURFACE, SIZE = 0xA0000000, 0x40, 0x180, 0x4C0


def replayed(cfg: Path, verdict: Verdict, *, strict: bool = False) -> TraceResult:
    """The result, checked to be of this verdict and to say why in one line that names the file."""
    result = replay(cfg, strict=strict)
    assert result.verdict is verdict, result.line()
    assert result.message.isprintable()
    assert result.message.startswith(f"{cfg}:") or result.passed
    assert bool(result.message) is not result.passed
    return result


@pytest.fixture
def layer_0(reference_traces: list[Path]) -> Path:
    return named(reference_traces, "layer_0")


def test_replay_wrong_byte_is_decoded_to_its_element(layer_0: Path, tmp_path: Path) -> None:
    cfg = edited(layer_0, tmp_path)
    k, y, x = 13, 2, 3
    offset = (k // 8) * SURFACE + y * LINE + x * 8 + k % 8
    actual, expected = flip_byte(cfg.parent / "layer_0_out.dat", offset, SIZE)
    result = replayed(cfg, Verdict.FAILED)

    def number(byte: int) -> str:
        return f"{byte - 256 if byte > 127 else byte} (0x{byte:02x})"

    line = line_of(cfg, "check_file")
    assert result.message == (
        f"{cfg}:{line}: 1 of {SIZE} bytes wrong; first at 0x{BASE + offset:x}, element (k=13, y=2, x=3): "
        f"expected {number(expected)}, actual {number(actual)}"
    )
    [difference] = result.differences
    element = difference.element
    assert element is not None
    assert (element.layer, element.channel, element.y, element.x, element.lane) == (0, k, y, x, False)
    assert (element.address, element.expected, element.actual) == (BASE + offset, expected, actual)


def test_replay_wrong_lane_beyond_the_last_channel_is_called_one(reference_traces: list[Path], tmp_path: Path) -> None:
    cfg = edited(named(reference_traces, "dc_3"), tmp_path)  # 7 channels
    size = int(cfg.read_text().split("check_file(")[1].split(",")[3], 0)
    flip_byte(cfg.parent / "dc_3_out.dat", 7, size)
    assert "(k=7, y=0, x=0) (a lane beyond the last channel)" in replayed(cfg, Verdict.FAILED).message


def test_replay_wrong_byte_between_elements_is_called_that(reference_traces: list[Path], tmp_path: Path) -> None:
    cfg = edited(named(reference_traces, "dc_3"), tmp_path)  # lines of 0x18 bytes, 0x38 apart
    size = int(cfg.read_text().split("check_file(")[1].split(",")[3], 0)
    flip_byte(cfg.parent / "dc_3_out.dat", 0x20, size)
    assert "first at 0xa0000020, no layer's output: expected" in replayed(cfg, Verdict.FAILED).message


def test_replay_second_layer_of_two_is_named(reference_traces: list[Path], tmp_path: Path) -> None:
    cfg = edited(named(reference_traces, "pair_3"), tmp_path)
    size = int(cfg.read_text().split("check_file(sync_id_1")[1].split(",")[3], 0)
    flip_byte(cfg.parent / "pair_3_out1.dat", 0, size)
    assert "element (k=0, y=0, x=0) of layer 1: " in replayed(cfg, Verdict.FAILED).message


def test_replay_file_is_told_before_the_checksum(layer_0: Path, tmp_path: Path) -> None:
    cfg = edited(layer_0, tmp_path, register("SDP.D_CVT_SHIFT", 0x13))
    result = replayed(cfg, Verdict.FAILED)
    assert "element (k=" in result.message
    texts = [difference.text for difference in result.differences]
    assert [text.split(" ")[0] for text in texts] == [texts[0].split(" ")[0], "checksum"]


def test_replay_wrong_checksum_alone_fails(layer_0: Path, tmp_path: Path) -> None:
    cfg = edited(layer_0, tmp_path, ("0x54abe453", "0x54abe454"))
    message = replayed(cfg, Verdict.FAILED).message
    assert message.endswith("checksum of 1216 bytes at 0xa0000000 is 0x54abe453, expected 0x54abe454")


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("reg_read_expected(NVDLA_SDP.D_CVT_SCALE_0, 7);", "SDP.D_CVT_SCALE is 0x2544 (9540), expected 0x7 (7)"),
        (
            "poll_reg_equal(NVDLA_SDP.D_PERF_OUT_SATURATION_0, 0x2);",
            "SDP.D_PERF_OUT_SATURATION never becomes 0x2 (2), it stays 0x0 (0)",
        ),
        (
            "poll_field_equal(NVDLA_GLB.S_INTR_STATUS_0, SDP_DONE_STATUS0, 1);",
            "GLB.S_INTR_STATUS.SDP_DONE_STATUS0 never becomes 0x1 (1), it stays 0x0 (0)",
        ),
    ],
)
def test_replay_register_that_does_not_agree_fails(command: str, text: str, layer_0: Path, tmp_path: Path) -> None:
    cfg = edited(layer_0, tmp_path, after=command)
    assert replayed(cfg, Verdict.FAILED).message == f"{cfg}:{line_of(cfg, command)}: {text}"


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("sync_wait(sync_id_7);", "waits for sync_id_7, which nothing has notified"),
        ("check_nothing(sync_id_7);", "sync_id_7 is never notified"),
        ("intr_notify(SDP_1, sync_id_7);", "SDP_1 never comes: no block is enabled"),
    ],
)
def test_replay_wait_in_vain_is_incomplete(command: str, text: str, layer_0: Path, tmp_path: Path) -> None:
    cfg = edited(layer_0, tmp_path, after=command)
    assert replayed(cfg, Verdict.INCOMPLETE).message == f"{cfg}:{line_of(cfg, command)}: {text}"


@pytest.mark.parametrize(
    "command",
    [
        "reg_read_expected(NVDLA_SDP.D_CVT_SCALE_0, 0x2544);",
        "poll_field_equal(NVDLA_GLB.S_INTR_STATUS_0, CACC_DONE_STATUS0, 1);",
        "sync_notify(sync_id_7);\nsync_wait(sync_id_7);\ncheck_nothing(sync_id_7);",
        "intr_notify(CDMA_DAT_0, sync_id_7);",
    ],
)
def test_replay_what_comes_true_passes(command: str, layer_0: Path, tmp_path: Path) -> None:
    replayed(edited(layer_0, tmp_path, after=command), Verdict.PASSED)


def test_replay_poll_before_the_layer_sees_it_idle(layer_0: Path, tmp_path: Path) -> None:
    poll = "poll_field_equal(NVDLA_GLB.S_INTR_STATUS_0, SDP_DONE_STATUS0, 1);\n"
    after = edited(layer_0, tmp_path / "after", ("^intr_notify", f"{poll}intr_notify"))
    before = edited(layer_0, tmp_path / "before", ("^poll_reg_equal.*FLUSH", f"{poll}\\g<0>"))
    replayed(after, Verdict.PASSED)
    assert "never becomes 0x1" in replayed(before, Verdict.FAILED).message


def test_replay_check_waits_for_its_sync_id(layer_0: Path, tmp_path: Path) -> None:
    cfg = edited(layer_0, tmp_path)
    lines = cfg.read_text().splitlines(keepends=True)
    checks = [line for line in lines if line.startswith("check_")]
    cfg.write_text("".join(checks + [line for line in lines if line not in checks]))
    result = replayed(cfg, Verdict.PASSED)
    assert result.compared_bytes == 2 * SIZE


@pytest.mark.parametrize("block", ["SDP", "SDP_RDMA", "CACC", "CMAC_A", "CMAC_B", "CSC", "CDMA"])
def test_replay_block_never_enabled_is_named(block: str, layer_0: Path, tmp_path: Path) -> None:
    cfg = edited(layer_0, tmp_path, (rf"^reg_write\(NVDLA_{block}.D_OP_ENABLE_0, 0x1\);", ""))
    message = replayed(cfg, Verdict.INCOMPLETE).message
    assert f"{cfg}:{line_of(cfg, 'intr_notify')}: SDP_0 never comes: " in message
    assert message.endswith(f" enabled, but {block} group 0 was never enabled")


def test_replay_trace_that_compares_nothing_has_not_passed(layer_0: Path, tmp_path: Path) -> None:
    every = (r"^(check_crc|check_file|poll_reg_equal\(NVDLA_SDP).*\n", "")
    cfg = edited(layer_0, tmp_path, every)  # the poll for the CBUF's flush remains: every device answers it
    assert replayed(cfg, Verdict.INCOMPLETE).message == f"{cfg}: nothing was compared"


def test_replay_illegal_program_names_line_register_and_value(layer_0: Path, tmp_path: Path) -> None:
    cfg = edited(layer_0, tmp_path, register("CSC.D_ATOMICS", 0x10), register("CACC.D_DATAOUT_SIZE_1", 0x10))
    result = replayed(cfg, Verdict.ILLEGAL)
    assert result.message.startswith(f"{cfg}:{line_of(cfg, 'reg_write(NVDLA_CDMA.D_OP_ENABLE')}: error [")
    assert result.message.endswith("(and 1 more)") or len(result.errors) > 2
    assert any("CSC.D_ATOMICS" in error.where and "16" in error.where for error in result.errors)
    assert result.layers == 0


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("reg_write(NVDLA_SDP.D_NONE_0, 1);", "register SDP.D_NONE does not exist"),
        ("poll_field_equal(NVDLA_SDP.D_CVT_SCALE_0, NONE, 1);", "register SDP.D_CVT_SCALE has no field NONE"),
        ("intr_notify(ABC_0, sync_id_7);", "interrupt ABC_0 does not exist"),
        ("check_crc(sync_id_0, 1, 0x0, 0x10000004, 0x0);", "memory: 268,435,460 bytes from 0x0"),
        ("check_crc(sync_id_0, 1, 0x7ffffffffffffffc, 0x8, 0x0);", "memory: 0x8000000000000003 is beyond"),
        ('mem_load(1, 0xfffffffffffffff0, "layer_0_3.dat");', "memory: "),
    ],
)
def test_replay_command_that_cannot_be_is_illegal(command: str, text: str, layer_0: Path, tmp_path: Path) -> None:
    cfg = edited(layer_0, tmp_path, after=command)
    assert replayed(cfg, Verdict.ILLEGAL).message.startswith(f"{cfg}:{line_of(cfg, command)}: {text}")


def test_replay_missing_files_are_missing(layer_0: Path, tmp_path: Path) -> None:
    for name in ("layer_0_0.dat", "layer_0_out.dat"):
        cfg = edited(layer_0, tmp_path / name)
        (cfg.parent / name).unlink()
        assert f"data file {name} is missing" in replayed(cfg, Verdict.MISSING).message
    result = replay(tmp_path / "none.cfg")
    assert (result.verdict, result.message) == (Verdict.MISSING, f"{tmp_path}/none.cfg: file is missing")


def test_replay_unreadable_files_are_named(layer_0: Path, tmp_path: Path) -> None:
    cfg = edited(layer_0, tmp_path / "dat")
    (cfg.parent / "layer_0_out.dat").write_text("{\n{offset:0x0, size:1, payload:0x00 0x00} ,\n}\n")
    line = line_of(cfg, "check_file")
    place = f"{cfg}:{line}: {cfg.parent}/layer_0_out.dat:2: "
    assert replayed(cfg, Verdict.UNREADABLE).message.startswith(place + "payload of 2 bytes is longer")
    cfg = edited(layer_0, tmp_path / "cfg", after="nonsense\n")
    assert "'nonsense' is not a statement" in replayed(cfg, Verdict.UNREADABLE).message


def test_replay_erratum_is_a_warning_and_strictly_an_error(reference_traces: list[Path], tmp_path: Path) -> None:
    cfg = edited(named(reference_traces, "img_5"), tmp_path, register("CDMA.D_PIXEL_OFFSET", 9))
    result = replayed(cfg, Verdict.FAILED)
    assert [warning.rule for warning in result.warnings if warning.rule.startswith("E")] == ["E5"]
    strict = replayed(cfg, Verdict.ILLEGAL, strict=True)
    assert "error [E5] CDMA.D_PIXEL_OFFSET.PIXEL_X_OFFSET = 9" in strict.message
    assert [error.rule for error in strict.errors] == ["E5"]


def test_replay_lost_write_is_a_warning_and_strictly_an_error(layer_0: Path, tmp_path: Path) -> None:
    enable = r"^reg_write\(NVDLA_CACC.D_OP_ENABLE_0, 0x1\);"
    cfg = edited(layer_0, tmp_path, (enable, "\\g<0>\nreg_write(NVDLA_CACC.D_CLIP_CFG_0, 0x5);"))
    assert [warning.rule for warning in replayed(cfg, Verdict.PASSED).warnings] == ["lost write"]
    assert "error [lost write] CACC.D_CLIP_CFG" in replayed(cfg, Verdict.ILLEGAL, strict=True).message


@pytest.mark.parametrize(
    ("what", "most"), [("multiplications", 36863), ("output elements", 1151), ("bytes loaded and compared", 8000)]
)
def test_replay_trace_that_asks_for_too_much_is_refused(
    what: str, most: int, layer_0: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cfg = layer_0 / "layer_0.cfg"
    monkeypatch.setitem(nvdla_int8.trace.judge.MOST_OF_A_TRACE, what, most)
    assert replayed(cfg, Verdict.ILLEGAL).message.endswith(f" {what} up to here, a trace may have {most:,}")


def test_replay_without_memory_is_one_line(layer_0: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("nvdla_int8.trace.judge.read_dat", refuse)
    assert "more memory than this process may use" in replayed(layer_0 / "layer_0.cfg", Verdict.UNREADABLE).message


def test_replay_unknown_build_is_an_error(layer_0: Path) -> None:
    assert "'nv_tiny' is not known" in one_line_error(replay, layer_0 / "layer_0.cfg", "nv_tiny")


def test_replay_on_another_build_is_judged_by_that_build(layer_0: Path) -> None:
    result = replay(layer_0 / "layer_0.cfg", "nv_large")
    assert result.verdict is Verdict.ILLEGAL
    assert result.errors
    assert result.layers == 0


def test_play_shows_each_layer_as_it_runs(reference_traces: list[Path]) -> None:
    seen: list[tuple[int, int]] = []
    cfg = named(reference_traces, "pair_3") / "pair_3.cfg"
    replayed = play(cfg, observe=lambda device, run: seen.append((run.group, len(device.layers))))
    assert [group for group, _ in seen] == [0, 1]
    assert replayed.trace is not None
    assert replayed.trace.path == cfg


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ("", "holds no data: nothing to compare"),
        ("{offset:0x0, size:4, payload:0x00 0x00 0x00 0x00} ,\n", "bytes wrong"),
    ],
)
def test_golden_file_that_covers_little_is_no_pass(
    reference_traces: list[Path], tmp_path: Path, records: str, message: str
) -> None:
    source = next(folder for folder in reference_traces if folder.name == "layer_0")
    folder = Path(shutil.copytree(source, tmp_path / "layer_0"))
    (folder / "layer_0_out.dat").write_text(f"{{\n{records}}}\n")
    result = replay(folder / "layer_0.cfg")
    assert result.verdict is Verdict.FAILED
    assert message in result.message
    assert any("covers 4 of" in str(warning) for warning in result.warnings) == bool(records)


@pytest.mark.parametrize("name", ["sdp_0", "Sdp_0", "SDP_0"])
def test_replay_interrupt_in_small_letters_is_waited_for(name: str, layer_0: Path, tmp_path: Path) -> None:
    cfg = edited(layer_0, tmp_path, (r"^intr_notify\(SDP_0, ", f"intr_notify({name}, "))
    assert replay(cfg).passed


UNMODELLED = {
    "reg_write(NVDLA_RUBIK.S_POINTER_0, 0x0);": "RUBIK is not modelled",
    "reg_read_expected(NVDLA_RUBIK.S_STATUS_0, 0x0);": "RUBIK is not modelled",
    "poll_field_equal(NVDLA_BDMA.STATUS_0, IDLE, 0x1);": "BDMA is not modelled",
    "poll_reg_equal(NVDLA_BDMA.STATUS_0, 0x0);": "BDMA is not modelled",
    "reg_write(NVDLA_CVIF.CFG_RD_WEIGHT_0_0, 0x0);": "CVIF is not modelled",
    "intr_notify(rubik_1, sync_id_9);": "RUBIK is not modelled",
    "intr_notify(RUBIK_0, a);\nintr_notify(BDMA_0, b);\nintr_notify(RUBIK_1, c);": "RUBIK and BDMA are not modelled",
}


@pytest.mark.parametrize("command", UNMODELLED)
def test_replay_trace_for_a_unit_that_is_not_modelled_is_unsupported(
    command: str, layer_0: Path, tmp_path: Path
) -> None:
    cfg = edited(layer_0, tmp_path, after=f"{command}\n")
    result = replayed(cfg, Verdict.UNSUPPORTED)
    assert result.message == f"{cfg}:{line_of(cfg, command.splitlines()[0])}: {UNMODELLED[command]}"
    assert (result.checks, result.layers, result.passed) == (0, 0, False)


@pytest.mark.parametrize("command", ["reg_write(NVDLA_XYZ.S_POINTER_0, 0x0);", "intr_notify(XYZ_0, sync_id_9);"])
def test_replay_unit_that_no_build_has_is_illegal(command: str, layer_0: Path, tmp_path: Path) -> None:
    assert "does not exist" in replayed(edited(layer_0, tmp_path, after=command), Verdict.ILLEGAL).message


MASK_ALL, MASK_ALL_BUT_SDP = 0x3F03FF, 0x3F03FC


def masked(layer_0: Path, to: Path, *writes: str) -> TraceResult:
    """The trace with writes to the interrupt mask before its wait."""
    text = "".join(f"{write}\n" for write in writes)
    return replayed(edited(layer_0, to, (r"^intr_notify\(SDP_0", f"{text}intr_notify(SDP_0")), Verdict.PASSED)


def test_replay_masked_interrupt_that_is_waited_for_passes_with_a_warning(layer_0: Path, tmp_path: Path) -> None:
    result = masked(layer_0, tmp_path, f"reg_write(NVDLA_GLB.S_INTR_MASK_0, {MASK_ALL:#x});")
    [warning] = result.warnings
    line = line_of(Path(result.path), "intr_notify(SDP_0")
    assert str(warning) == (
        f"warning [interrupt] GLB.S_INTR_MASK = 0x3f03ff: masks SDP_0, which line {line} waits for: "
        "on a board the line never rises"
    )


@pytest.mark.parametrize(
    "writes",
    [
        [f"reg_write(NVDLA_GLB.S_INTR_MASK_0, {MASK_ALL_BUT_SDP:#x});"],
        [f"reg_write(NVDLA_GLB.S_INTR_MASK_0, {MASK_ALL:#x});", "reg_write(NVDLA_GLB.S_INTR_MASK_0, 0x0);"],
        [f"reg_write(NVDLA_GLB.S_INTR_MASK_0, {MASK_ALL & ~1:#x});"],
    ],
)
def test_replay_other_masks_are_no_reason_to_warn(writes: list[str], layer_0: Path, tmp_path: Path) -> None:
    assert masked(layer_0, tmp_path, *writes).warnings == []


def test_replay_masked_interrupt_whose_status_is_polled_is_no_reason_to_warn(layer_0: Path, tmp_path: Path) -> None:
    polled = (
        r"^intr_notify\(SDP_0, (\w+)\);",
        r"reg_write(NVDLA_GLB.S_INTR_MASK_0, 0x3f03ff);\n"
        r"poll_field_equal(NVDLA_GLB.S_INTR_STATUS_0, SDP_DONE_STATUS0, 1);\nsync_notify(\1);",
    )
    result = replayed(edited(layer_0, tmp_path, polled), Verdict.PASSED)
    assert result.warnings == []
