"""Images in memory, against the address formula computed byte by byte in plain Python."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvdla_int8.errors import BenchError
from nvdla_int8.seeds import generator
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.pixels import PIXEL_FORMATS, PixelSurface, largest_x_offset

# What each byte of a pixel is, lowest address first. The formats' names read from the highest byte down.
BYTES_OF_PIXEL = {
    0x0C: "RGBA", 0x0D: "BGRA", 0x0E: "ARGB", 0x0F: "ABGR",
    0x10: "RGBA", 0x11: "BGRA", 0x12: "ARGB", 0x13: "ABGR",
    0x1A: "VUYA", 0x1B: "AYUV",
}  # fmt: skip
CHANNELS = {"R": 0, "G": 1, "B": 2, "Y": 0, "U": 1, "V": 2, "A": 3}


def address(surface: PixelSurface, c: int, y: int, x: int) -> int:
    """One byte's address, written from the specification."""
    line = surface.base + y * surface.line_stride
    if surface.pixel_format in BYTES_OF_PIXEL:
        byte = [CHANNELS[letter] for letter in BYTES_OF_PIXEL[surface.pixel_format]].index(c)
        return line + (surface.x_offset + x) * 4 + byte
    if c == 0:
        return line + surface.x_offset + x
    skipped = surface.x_offset % (surface.memory_atom // 2)  # X_OFFSET & 3 with an atom of 8
    byte = {0x1D: c - 1, 0x1C: 2 - c}[surface.pixel_format]
    return surface.base1 + y * surface.uv_stride + (skipped + x) * 2 + byte


@st.composite
def pixel_surfaces(draw: st.DrawFn) -> PixelSurface:
    """Images of every format with every x offset that is legal, with gaps after lines."""
    atom, code = draw(st.sampled_from([8, 16, 32])), draw(st.sampled_from(sorted(PIXEL_FORMATS)))
    width, height = draw(st.integers(1, 9)), draw(st.integers(1, 4))
    line = -(-4 * (width + 8) // atom) * atom + atom * draw(st.integers(0, 2))
    base = atom * draw(st.integers(0, 2**40))
    return PixelSurface(
        pixel_format=code, base=base, width=width, height=height, line_stride=line,
        base1=base + line * height + atom, uv_stride=line + atom, memory_atom=atom,
        x_offset=draw(st.integers(0, largest_x_offset(code, atom))),
    )  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(surface=pixel_surfaces())
def test_pixels_write_puts_every_byte_where_the_formula_says(surface: PixelSurface) -> None:
    channels = 4 if surface.pixel_format in BYTES_OF_PIXEL else {0: 1}.get(surface.pixel_format, 3)
    shape = (channels, surface.height, surface.width)
    assert surface.channels == channels
    image = generator("pixels", str(surface)).integers(0, 256, shape, np.uint8)
    expected = {address(surface, *at): int(image[at]) for at in np.ndindex(shape)}
    memory = Memory()
    surface.write(memory, image)
    first, end = min(expected), max(expected) + 1
    assert memory.read_bytes(first, end - first) == bytes(expected.get(at, 0) for at in range(first, end))
    np.testing.assert_array_equal(surface.read(memory), image)
    extents = surface.extents()
    assert (extents[0][0], extents[-1][1]) == (first, end)
    assert len(extents) == (2 if channels == 3 else 1)


def test_pixels_read_returns_raw_bytes_in_the_order_of_the_channels() -> None:
    memory = Memory()
    memory.write_bytes(64, bytes([0, 0, 0, 0, 200, 10, 20, 30]))
    image = make(pixel_format=0x0F, x_offset=1).read(memory)
    assert image.dtype == np.uint8
    assert image.ravel().tolist() == [30, 20, 10, 200]


@pytest.mark.parametrize(("code", "limit"), [(0x00, 7), (0x0C, 1), (0x1B, 1), (0x1C, 7)])
def test_pixels_largest_x_offset_is_nv_smalls(code: int, limit: int) -> None:
    assert largest_x_offset(code, 8) == limit


def test_pixels_second_plane_skips_the_x_offset_within_an_atom() -> None:
    """nv_small: (X_OFFSET & 3) * 2 bytes."""
    surface = make(pixel_format=0x1D, x_offset=6, base1=0x100)
    assert surface.extents() == [(64 + 6, 64 + 7), (0x100 + 4, 0x100 + 6)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pixel_format": 0x14}, "pixel_format = 0x14 is not an 8-bit format (0x00, 0x0c"),
        ({"x_offset": 32}, "x_offset = 32"),
        ({"base": 66}, "base = 0x42 is not a multiple of the memory atom, 8 bytes"),
        ({"height": 2, "line_stride": 12}, "line_stride = 0xc is not a multiple"),
        ({"pixel_format": 0x1C, "base1": 4}, "base1 = 0x4 is not a multiple"),
        ({"pixel_format": 0x1C, "height": 2, "uv_stride": 4}, "uv_stride = 0x4 is not a multiple"),
        ({"width": 8192, "height": 8193}, "height = 8193"),
        ({"memory_atom": 6}, "memory_atom = 6"),
        ({"base": 2**63 - 8, "width": 3}, "beyond the highest address"),
    ],
)
def test_pixels_surface_that_cannot_be_is_one_line(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BenchError) as caught:
        make(**changes)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_pixels_second_plane_of_a_format_without_one_is_not_looked_at() -> None:
    make(pixel_format=0x0C, base1=3, uv_stride=5, height=2)


def test_pixels_strides_of_a_single_line_need_no_alignment() -> None:
    surface = make(pixel_format=0x1C, line_stride=3, uv_stride=5)
    assert surface.extents() == [(64, 65), (0, 2)]


def test_pixels_write_of_overlapping_lines_is_refused() -> None:
    with pytest.raises(BenchError, match="two runs of 12 bytes overlap at 0x48"):
        make(width=3, height=2, line_stride=8).write(Memory(), np.zeros((4, 2, 3), np.uint8))


@pytest.mark.parametrize("image", [np.zeros((4, 1, 1), np.int8), np.zeros((3, 1, 1), np.uint8), None])
def test_pixels_write_of_another_array_is_refused(image: Any) -> None:
    with pytest.raises(BenchError, match=r"takes uint8 \(4, 1, 1\), got"):
        make().write(Memory(), image)


def make(**changes: Any) -> PixelSurface:
    """One 4-byte pixel at 64, changed."""
    values: dict[str, Any] = {
        "pixel_format": 0x0C, "base": 64, "line_stride": 16, "width": 1, "height": 1, "memory_atom": 8,
    }  # fmt: skip
    return PixelSurface(**values | changes)
