"""Feature cubes in memory, against the address formula computed byte by byte in plain Python."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvdla_int8.build import find_build
from nvdla_int8.errors import BenchError
from nvdla_int8.seeds import generator
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.memory import Memory


def address(surface: FeatureSurface, c: int, y: int, x: int) -> int:
    """One byte's address, written from the specification."""
    atom, group = surface.memory_atom, surface.packed_lines
    if surface.packs_one_pixel and surface.width == surface.height == 1:
        return surface.base + c // atom * atom + c % atom
    line = y // group * group * surface.line_stride + y % group * surface.width * atom
    return surface.base + c // atom * surface.surface_stride + line + x * atom + c % atom


@st.composite
def feature_surfaces(draw: st.DrawFn) -> FeatureSurface:
    """Surfaces whose atoms do not overlap, with gaps after lines and atoms of channels."""
    atom = draw(st.sampled_from([1, 3, 8, 16, 32]))
    width, height, channels = draw(st.integers(1, 5)), draw(st.integers(1, 5)), draw(st.integers(1, 70))
    packed_lines = draw(st.integers(1, 6))
    line_atoms = width + draw(st.integers(0, 3))
    surface_atoms = line_atoms * height + draw(st.integers(0, 5))
    return FeatureSurface(
        base=atom * draw(st.integers(0, 2**40)), width=width, height=height, channels=channels,
        line_stride=line_atoms * atom, surface_stride=surface_atoms * atom, memory_atom=atom,
        packs_one_pixel=draw(st.booleans()), packed_lines=packed_lines,
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(surface=feature_surfaces())
def test_feature_write_puts_every_byte_where_the_formula_says(surface: FeatureSurface) -> None:
    lanes = -(-surface.channels // surface.memory_atom) * surface.memory_atom
    shape = (lanes, surface.height, surface.width)
    cube = generator("feature", str(surface)).integers(-128, 128, shape, np.int8)
    expected = {address(surface, *at): int(cube[at]) & 255 for at in np.ndindex(shape)}
    memory = Memory()
    surface.write(memory, cube)
    low, end = surface.extent()
    assert (low, end) == (min(expected), max(expected) + 1)
    assert memory.read_bytes(low, end - low) == bytes(expected.get(at, 0) for at in range(low, end))
    np.testing.assert_array_equal(surface.read_lanes(memory), cube)
    np.testing.assert_array_equal(surface.read(memory), cube[: surface.channels])


def test_feature_atom_addresses_are_those_of_lane_0() -> None:
    surface = make(channels=20, packed_lines=2, height=3)
    assert surface.atom_addresses().tolist() == [
        [[address(surface, 8 * s, y, x) for x in range(2)] for y in range(3)] for s in range(3)
    ]


def test_feature_write_of_channels_only_zeroes_the_padding_lanes() -> None:
    surface, memory = make(channels=3), Memory()
    surface.write(memory, np.full((8, 2, 2), -1, np.int8))
    surface.write(memory, np.full((3, 2, 2), 7, np.int8))
    assert surface.read_lanes(memory)[:, 0, 0].tolist() == [7, 7, 7, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(("packs", "second"), [(True, 8), (False, 64)])
def test_feature_one_pixel_uses_the_surface_stride_only_when_not_packed(packs: bool, second: int) -> None:
    surface = make(width=1, height=1, channels=9, packs_one_pixel=packs)
    assert surface.atom_addresses().ravel().tolist() == [64, 64 + second]


def test_feature_packed_lines_longer_than_their_stride_count_in_the_extent() -> None:
    """Two lines run together from base, the third starts at twice the stride, which lies before their end."""
    surface = make(width=4, height=3, line_stride=8, packed_lines=2)
    assert surface.extent() == (64, 64 + 2 * 4 * 8)


def test_feature_read_may_overlap_but_write_refuses_to() -> None:
    surface, memory = make(line_stride=8), Memory()
    memory.write_bytes(64, bytes(range(1, 25)))
    assert surface.read(memory)[0].tolist() == [[1, 9], [9, 17]]
    with pytest.raises(BenchError, match="overlap at 0x48"):
        surface.write(memory, np.zeros((8, 2, 2), np.int8))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"base": 4}, "base = 0x4 is not a multiple of the memory atom, 8 bytes"),
        ({"line_stride": 12}, "line_stride = 0xc is not a multiple"),
        ({"channels": 9, "surface_stride": 60}, "surface_stride = 0x3c is not a multiple"),
        ({"width": 0}, "width = 0"),
        ({"channels": 8193}, "channels = 8193"),
        ({"line_stride": 2**32}, "line_stride = 4294967296"),
        ({"packed_lines": 0}, "packed_lines = 0"),
        ({"base": 2**63}, "base = 9223372036854775808"),
        ({"base": 2**63 - 16}, "beyond the highest address 0x7fffffffffffffff"),
        ({"width": 8192, "height": 8192}, "holds 536,870,912 bytes, a surface may hold 268,435,456"),
    ],
)
def test_feature_surface_that_cannot_be_is_one_line(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BenchError) as caught:
        make(**changes)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_feature_strides_that_are_not_used_need_no_alignment() -> None:
    surface = make(width=1, height=1, channels=9, line_stride=3, surface_stride=5)
    assert surface.extent() == (64, 80)


@pytest.mark.parametrize("cube", [np.zeros((8, 2, 2), np.uint8), np.zeros((7, 2, 2), np.int8), np.int8(0), None])
def test_feature_write_of_another_array_is_refused(cube: Any) -> None:
    with pytest.raises(BenchError, match=r"takes int8 \(8, 2, 2\), got"):
        make().write(Memory(), cube)


def test_hardware_by_name_gives_the_public_builds() -> None:
    builds = {
        "nv_small": (8, 8, 8, 4096),
        "nv_small_256": (8, 32, 8, 4096),
        "nv_medium_512": (16, 32, 16, 16384),
        "nv_medium_1024_full": (32, 32, 32, 16384),
        "nv_large": (32, 64, 32, 32768),
    }
    for name, sizes in builds.items():
        build = find_build(name)
        assert (build.memory_atom, build.atomic_c, build.atomic_k, build.cbuf_bank_bytes) == sizes
        assert build.name == name


def test_hardware_unknown_name_lists_the_known() -> None:
    with pytest.raises(BenchError, match=r"'nv_tiny' is not known; there are nv_small, .*nv_large"):
        find_build("nv_tiny")


def make(**changes: Any) -> FeatureSurface:
    """A 2x2x8 cube at 64, changed."""
    values: dict[str, Any] = {
        "base": 64, "width": 2, "height": 2, "channels": 8, "line_stride": 16, "surface_stride": 64,
        "memory_atom": 8, "packs_one_pixel": True,
    }  # fmt: skip
    return FeatureSurface(**values | changes)
