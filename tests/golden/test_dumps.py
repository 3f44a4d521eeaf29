"""``.dimg``: every format reads back, NVIDIA's scrambled goldens say what the hardware says, damage is one line."""

import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.dumps.dimg import HEADER, dump_of_bytes, read_dimg, write_dimg
from nvdla_int8.dumps.dump import Dump
from nvdla_int8.dumps.formats import ELEMENTS, DumpFormat
from nvdla_int8.dumps.layout import DumpLayout
from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.loadable import read_loadable
from nvdla_int8.trace.commands import CheckCrc
from nvdla_int8.trace.replay import play
from tests.shared_data import LOADABLES, needs_shared

GOLDENS = ["CDP", "CONV_D", "PDP", "SDP_X1"]
SCRAMBLED = DumpLayout(DumpFormat.CXHWX_X32_INT8, (20, 3, 2), 16, 48, 144)
"""An nv_small cube, marked as one with atom 32."""


def drawn(layout: DumpLayout) -> np.ndarray:
    """A tensor whose neighbours differ."""
    return (np.arange(layout.count) * 37 % 101).astype(layout.elements.dtype).reshape(layout.shape)


@pytest.mark.parametrize("format", DumpFormat, ids=lambda one: one.name)
def test_a_dump_of_each_format_reads_back(format: DumpFormat, tmp_path: Path) -> None:
    channels = ELEMENTS[format].pixel or (3 if ELEMENTS[format].pixel == 0 else 50)
    layout = DumpLayout.packed((channels, 4, 5), format)
    write_dimg(tmp_path / "one.dimg", drawn(layout), layout)
    found = read_dimg(tmp_path / "one.dimg")
    assert found.layout == layout
    assert not layout.scrambled
    assert found.tensor.known.all()
    np.testing.assert_array_equal(found.tensor.values, drawn(layout))


def test_elements_stand_in_the_order_of_channels_lines_and_pixels(tmp_path: Path) -> None:
    tensor = np.arange(-40, 32, dtype=np.int8).reshape(12, 2, 3)
    write_dimg(tmp_path / "output.dimg", tensor)
    data = (tmp_path / "output.dimg").read_bytes()
    assert struct.unpack_from("<8I", data, 4) == (0, 41, 3, 2, 12, 24, 48, 96)
    assert data[36:] == tensor.tobytes()


@pytest.mark.parametrize("name", GOLDENS)
@needs_shared(LOADABLES)
def test_nvidias_golden_files_are_what_the_hardware_leaves_in_memory(name: str, tmp_path: Path) -> None:
    folder = LOADABLES / f"regression_{name}_small"
    golden = read_dimg(folder / "golden.dimg")
    replayed = play(folder / "trace")
    assert replayed.trace is not None
    [check] = [command for command in replayed.trace.commands if isinstance(command, CheckCrc)]
    buffer = np.frombuffer(replayed.device.memory.read_bytes(check.base, golden.layout.size), np.int8)
    hardware = buffer[golden.layout.places()]

    tensor = golden.tensor
    assert np.count_nonzero(tensor.known) == check.size == 704
    np.testing.assert_array_equal(tensor.values[tensor.known], hardware[tensor.known])
    [output] = read_loadable(folder / "loadable.nvdla").outputs
    write_dimg(tmp_path / "output.dimg", hardware, DumpLayout.of_tensor(output.tensor))
    assert (tmp_path / "output.dimg").read_bytes() == (folder / "golden.dimg").read_bytes()


def test_a_scrambled_dump_tells_which_elements_it_holds() -> None:
    tensor = drawn(SCRAMBLED)
    dump = Dump.of_tensor(tensor, SCRAMBLED)
    assert SCRAMBLED.scrambled
    assert (dump.elements != tensor).any()
    fetched = {y * 16 + x * 32 + c for c in range(20) for y in range(3) for x in range(2)}
    assert np.count_nonzero(dump.tensor.known) == len(fetched & set(SCRAMBLED.places().flat))
    np.testing.assert_array_equal(dump.tensor.values, np.where(dump.tensor.known, tensor, 0))


def test_elements_that_are_one_byte_and_differ_are_no_dump_of_such_a_buffer() -> None:
    elements = Dump.of_tensor(drawn(SCRAMBLED), SCRAMBLED).elements.copy()
    elements[16, 0, 0] += 1  # byte 16, as is (0, 1, 0)
    with pytest.raises(BenchError, match=r"\(c=0, y=1, x=0\).*\(c=16, y=0, x=0\).*both byte 16"):
        _ = Dump(SCRAMBLED, elements).tensor


@pytest.mark.parametrize("channels", [10, 32])
def test_classes_of_one_pixel_are_read_right_whatever_the_format(channels: int) -> None:
    layout = DumpLayout(DumpFormat.CXHWX_X32_INT8, (channels, 1, 1), 8, 8, 32)
    assert not layout.scrambled


def test_more_classes_than_an_atom_are_scrambled() -> None:
    layout = DumpLayout(DumpFormat.CXHWX_X32_INT8, (40, 1, 1), 8, 8, 40)
    tensor = np.arange(40, dtype=np.int8).reshape(40, 1, 1)
    dump = Dump.of_tensor(tensor, layout)
    assert dump.elements[32:, 0, 0].tolist() == list(range(8, 16))
    assert np.count_nonzero(dump.tensor.known) == 32


def with_number(place: int, value: int) -> bytes:
    """A dump whose header has another number at a place: version, format, w, h, c, strides, size."""
    numbers = [0, 41, 3, 2, 12, 24, 48, 96]
    numbers[place] = value
    return HEADER.pack(b"DIMG", *numbers) + bytes(72)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "begins with b''"),
        (b"DIMX" + bytes(40), "begins with b'DIMX'"),
        (b"DIMG\0\0", "is cut off: 6 bytes"),
        (with_number(0, 7), "version 7"),
        (with_number(1, 29), "format 29 is none.*41 CXHWX_X8_INT8"),
        (with_number(2, 4), "has 108 bytes, a dump of 12 x 2 x 4 elements.* has 132"),
        (with_number(2, 0xFFFFFFFF), "has 108 bytes"),
        (with_number(4, 11), "has 108 bytes"),
        (with_number(7, 80), "reach 92 bytes into a buffer of 80"),
        (with_number(6, 0xFFFFFFFF), "into a buffer of 96"),
        (HEADER.pack(b"DIMG", 0, 41, 0, 2, 12, 24, 48, 96), r"shape \(12, 2, 0\)"),
        (HEADER.pack(b"DIMG", 0, 13, 1, 1, 5, 4, 0, 8) + bytes(5), "5 channels in the format A8B8G8R8"),
    ],
)
def test_a_damaged_dump_is_one_line(data: bytes, word: str, tmp_path: Path) -> None:
    (tmp_path / "bad.dimg").write_bytes(data)
    with pytest.raises(BenchError, match=word) as caught:
        read_dimg(tmp_path / "bad.dimg")
    [line] = caught.value.problems
    assert line.startswith(f"{tmp_path / 'bad.dimg'}: ")


def test_any_byte_of_the_header_may_be_wrong_without_a_traceback() -> None:
    good = HEADER.pack(b"DIMG", 0, 40, 2, 3, 20, 16, 48, 144) + bytes(120)
    for place in range(HEADER.size):
        for value in (0, 1, 0x7F, 0xFF):
            data = good[:place] + bytes([value]) + good[place + 1 :]
            with suppress(BenchError):
                _ = dump_of_bytes(data).tensor


def test_a_tensor_of_another_type_or_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"float64 \(20, 3, 2\) is no tensor of the format CXHWX_X32_INT8"):
        write_dimg(tmp_path / "one.dimg", np.zeros(SCRAMBLED.shape), SCRAMBLED)
    with pytest.raises(BenchError, match=r"shape \(4, 4\)"):
        write_dimg(tmp_path / "one.dimg", np.zeros((4, 4), np.int8))
