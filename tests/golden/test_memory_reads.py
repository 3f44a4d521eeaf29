"""Layers that read memory which nothing wrote: a warning with block, addresses and bytes."""

import zlib
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.device import Device
from nvdla_int8.trace.replay import replay
from nvdla_int8.trace.result import Verdict
from tests.golden.edited_traces import edited, named
from tests.golden.register_programs import (
    INPUT,
    OUTPUT,
    WEIGHTS,
    X1_OPERANDS,
    Convolution,
    RegisterLayer,
    image,
    memory_layer,
    ready_device,
    with_operands,
)


def said(device: Device) -> list[str]:
    return [f"{finding.where}: {finding.text}" for finding in device.diagnostics if finding.rule == "memory"]


def warning(register: str, address: int, count: str, low: int, high: int) -> str:
    place = f"within {low:#x} to {high:#x}"
    return f"{register} = {address:#x}: {count}, {place}, were never written or loaded: 0 here, anything on a board"


def test_convolution_of_nothing_names_features_and_weights() -> None:
    device = Device(strict=True)
    Convolution().layer().run(device)  # 9 channels, two atoms, of 3 x 4 pixels; 9 kernels of 9 x 2 x 2
    assert said(device) == [
        warning("CDMA.D_DAIN_ADDR_LOW_0", INPUT, "192 of the 192 bytes of its features", INPUT, INPUT + 191),
        warning("CDMA.D_WEIGHT_ADDR_LOW", WEIGHTS, "324 of the 324 bytes of its weights", WEIGHTS, WEIGHTS + 323),
    ]
    assert [finding.rule for finding in device.layers[0].diagnostics] == ["memory", "memory"]


def test_convolution_of_what_was_loaded_says_nothing() -> None:
    device, shape = Device(strict=True), Convolution()
    shape.place(device.memory, np.ones((9, 3, 4), np.int8), np.ones((9, 9, 2, 2), np.int8))
    shape.layer().run(device)
    assert device.diagnostics == []


def test_partly_loaded_features_are_counted() -> None:
    device, shape = Device(), Convolution()
    shape.place(device.memory, np.ones((9, 3, 4), np.int8), np.ones((9, 9, 2, 2), np.int8))
    bare = Device()
    bare.memory.write_bytes(WEIGHTS, device.memory.read_bytes(WEIGHTS, 300))
    bare.memory.write_bytes(INPUT + 8, bytes(100))
    shape.layer().run(bare)
    assert said(bare) == [
        warning("CDMA.D_DAIN_ADDR_LOW_0", INPUT, "92 of the 192 bytes of its features", INPUT, INPUT + 191),
        warning("CDMA.D_WEIGHT_ADDR_LOW", WEIGHTS, "24 of the 324 bytes of its weights", WEIGHTS + 300, WEIGHTS + 323),
    ]


def test_pixels_between_the_lines_do_not_count() -> None:
    device, shape = Device(), image(0x0C)  # 3 lines of 4 pixels of 4 bytes, 32 apart
    shape.place(device.memory, np.ones((4, 3, 4), np.uint8), np.ones((9, 4, 2, 2), np.int8))
    shape.layer().run(device)
    assert said(device) == []
    bare = Device()
    shape.layer().run(bare)
    count = "48 of the 48 bytes of its pixels"
    assert said(bare)[0] == warning("CDMA.D_DAIN_ADDR_LOW_0", INPUT, count, INPUT, INPUT + 2 * 32 + 15)


def test_second_plane_is_named_by_its_own_address() -> None:
    device = Device()
    base = 0x8800_0000
    layer = image(0x1C, kernel=(2, 1)).layer()
    layer.but({"CDMA.D_DAIN_ADDR_LOW_1": base, "CDMA.D_LINE_UV_STRIDE": 64}).run(device)
    assert said(device)[1] == warning(
        "CDMA.D_DAIN_ADDR_LOW_1", base, "24 of the 24 bytes of its pixels", base, base + 2 * 64 + 7
    )


def operand_reader() -> RegisterLayer:
    return with_operands(memory_layer(), "x1", "BOTH")


def test_source_and_operands_are_named() -> None:
    device = Device()
    operand_reader().run(device)
    assert said(device) == [
        warning("SDP_RDMA.D_SRC_BASE_ADDR_LOW", INPUT, "192 of the 192 bytes of its source", INPUT, INPUT + 191),
        warning(
            "SDP_RDMA.D_BS_BASE_ADDR_LOW", X1_OPERANDS, "64 of the 64 bytes of its X1 operands",
            X1_OPERANDS, X1_OPERANDS + 63,
        ),
    ]  # fmt: skip


def test_output_of_the_layer_before_was_written() -> None:
    device = ready_device()
    memory_layer().run(device)
    memory_layer().but({"SDP_RDMA.D_SRC_BASE_ADDR_LOW": OUTPUT, "SDP.D_DST_BASE_ADDR_LOW": OUTPUT + 0x1000}).run_next(
        device
    )
    assert said(device) == []


def test_layer_that_reads_where_it_writes_has_not_written_yet() -> None:
    device = Device()
    memory_layer().but({"SDP_RDMA.D_SRC_BASE_ADDR_LOW": OUTPUT}).run(device)
    assert len(said(device)) == 1


@pytest.mark.parametrize(
    ("base", "register", "count"),
    [
        (
            "0x80000000",
            "CDMA.D_DAIN_ADDR_LOW_0 = 0x80000000",
            "6,144 of the 6,144 bytes of its features",
        ),
        (
            "0xb0000000",
            "CDMA.D_WEIGHT_ADDR_LOW = 0xb0000000",
            "768 of the 768 bytes of its weights",
        ),
    ],
)
def test_replay_warns_of_what_a_trace_does_not_load(
    base: str, register: str, count: str, reference_traces: list[Path], tmp_path: Path
) -> None:
    cfg = edited(named(reference_traces, "layer_0"), tmp_path, (rf"^mem_\w+\(pri_mem, {base}, .*\n", ""))
    result = replay(cfg)
    assert result.verdict is Verdict.FAILED
    [found] = [one for one in result.warnings if one.rule == "memory"]
    assert found.where == register
    assert found.text.startswith(count)


def test_reference_programs_load_everything(reference_traces: list[Path]) -> None:
    for folder in reference_traces[::7]:
        assert not [one for one in replay(folder / f"{folder.name}.cfg").warnings if one.rule == "memory"]


def test_checks_of_bytes_that_nothing_wrote_are_told(tmp_path: Path) -> None:
    (tmp_path / "t.cfg").write_text(
        "mem_init(pri_mem, 0x1000, 0x8, ALL_ZERO);\n"
        "sync_notify(done);\n"
        f"check_crc(done, pri_mem, 0x1000, 0x10, {zlib.crc32(bytes(16)):#x});\n"
        "sync_notify(done);\n"
    )
    result = replay(tmp_path)
    assert result.verdict is Verdict.PASSED
    [told] = result.warnings
    assert str(told) == (
        "warning [memory] check of line 3: 8 of the 16 bytes it compares, within 0x1008 to 0x100f, "
        "were never written or loaded: 0 here, anything on a board"
    )
