"""SDP operand surfaces, against the address formula computed byte by byte in plain Python."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvdla_int8.errors import BenchError
from nvdla_int8.seeds import generator
from nvdla_int8.stages.sdp import Operand
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.operands import OperandSurface, OperandUse


def expected_bytes(surface: OperandSurface, alu: Operand | None, mul: Operand | None) -> dict[int, int]:
    """Byte at each address, written from the specification."""
    atom = surface.memory_atom
    given_operands = [operand for operand in (alu, mul) if operand is not None]
    unit = atom * surface.element_bytes * len(given_operands)
    found = {}
    for index, operand in enumerate(given_operands):
        cube = operand.reshape(len(operand), *operand.shape[1:] or (1, 1))
        for c, y, x in np.ndindex(cube.shape):
            if cube.shape[1:] == (1, 1):
                start = surface.base + c // atom * unit
            else:
                start = surface.base + c // atom * surface.surface_stride + y * surface.line_stride + x * unit
            start += (c % atom * len(given_operands) + index) * surface.element_bytes
            for byte, value in enumerate(int(cube[c, y, x]).to_bytes(2, "little", signed=True)):
                if byte < surface.element_bytes:
                    found[start + byte] = value
    return found


@st.composite
def operand_surfaces(draw: st.DrawFn) -> OperandSurface:
    """Surfaces whose units do not overlap, with gaps after lines and atoms of channels."""
    atom = draw(st.sampled_from([1, 3, 8, 16, 32]))
    element_bytes, use = draw(st.sampled_from([1, 2])), draw(st.sampled_from(OperandUse))
    width, height, channels = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 40))
    line = atom * (width * element_bytes * (2 if use is OperandUse.BOTH else 1) + draw(st.integers(0, 3)))
    return OperandSurface(
        base=atom * draw(st.integers(0, 2**40)), width=width, height=height, channels=channels,
        line_stride=line, surface_stride=line * height + atom * draw(st.integers(0, 5)), memory_atom=atom,
        element_bytes=element_bytes, use=use, per_element=draw(st.booleans()),
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(surface=operand_surfaces())
def test_operand_write_puts_every_byte_where_the_formula_says(surface: OperandSurface) -> None:
    lanes = -(-surface.channels // surface.memory_atom) * surface.memory_atom
    shape = (lanes, surface.height, surface.width) if surface.per_element else (lanes,)
    alu, mul = random_operands(surface, shape)
    expected = expected_bytes(surface, alu, mul)
    memory = Memory()
    surface.write(memory, alu, mul)
    low, end = surface.extent()
    assert (low, end) == (min(expected), max(expected) + 1)
    assert memory.read_bytes(low, end - low) == bytes(expected.get(at, 0) for at in range(low, end))
    for found, wanted in zip(surface.read(memory), (alu, mul), strict=True):
        if wanted is None:
            assert found is None
        else:
            assert found is not None
            assert found.dtype == np.int16
            np.testing.assert_array_equal(found, wanted)


def random_operands(surface: OperandSurface, shape: tuple[int, ...]) -> tuple[Operand | None, Operand | None]:
    rng = generator("operands", str(surface))
    limit = 2 ** (8 * surface.element_bytes - 1)
    alu, mul = (rng.integers(-limit, limit, shape, np.int16) for _ in range(2))
    return None if surface.use is OperandUse.MUL else alu, None if surface.use is OperandUse.ALU else mul


def test_operand_both_puts_alu_before_mul_in_each_channel() -> None:
    memory = Memory()
    make().write(memory, np.array([0x0201, 0x0403], np.int16), np.array([0x0605, -1], np.int16))
    assert memory.read_bytes(64, 10).hex() == "01020506" + "0304ffff" + "0000"


def test_operand_read_keeps_the_padding_lanes_as_they_lie() -> None:
    memory = Memory()
    memory.write_bytes(64, bytes(range(1, 9)))
    alu, mul = make(element_bytes=1, use=OperandUse.ALU).read(memory)
    assert alu is not None
    assert (alu.tolist(), mul) == ([1, 2, 3, 4, 5, 6, 7, 8], None)


def test_operand_one_byte_is_sign_extended() -> None:
    memory = Memory()
    memory.write_bytes(64, b"\x80\x7f")
    _, mul = make(element_bytes=1, use=OperandUse.MUL).read(memory)
    assert mul is not None
    assert mul[:2].tolist() == [-128, 127]


ONES = np.ones(2, np.int16)


@pytest.mark.parametrize(
    ("changes", "alu", "mul", "words"),
    [
        ({}, ONES, None, "use = BOTH, but no mul operand is given"),
        ({"use": OperandUse.MUL}, ONES, ONES, "use = MUL holds no alu operand, one is given"),
        ({}, ONES, ONES.astype(np.int32), r"mul must be int16 \(2,\), got int32 \(2,\)"),
        ({"per_element": True}, ONES, ONES, r"alu must be int16 \(2, 3, 4\), got int16 \(2,\)"),
        ({"element_bytes": 1}, ONES, ONES * 128, "mul = 128 does not fit 1 byte"),
        ({"element_bytes": 1}, ONES * -129, ONES, "alu = -129 does not fit 1 byte"),
    ],
)
def test_operand_write_of_what_does_not_fit_is_refused(changes: dict[str, Any], alu: Any, mul: Any, words: str) -> None:
    with pytest.raises(BenchError, match=words):
        make(**changes).write(Memory(), alu, mul)


def test_operand_write_of_overlapping_units_is_refused() -> None:
    operand = np.zeros((2, 3, 4), np.int16)
    with pytest.raises(BenchError, match="two runs of 32 bytes overlap at 0x60"):
        make(per_element=True, line_stride=32).write(Memory(), operand, operand)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"element_bytes": 3}, "element_bytes = 3"),
        ({"base": 65}, "base = 0x41 is not a multiple"),
        ({"per_element": True, "line_stride": 100}, "line_stride = 0x64 is not a multiple"),
        ({"per_element": True, "width": 4096, "height": 4096}, "holds 536,870,912 bytes"),
    ],
)
def test_operand_surface_that_cannot_be_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BenchError, match=words):
        make(**changes)


def make(**changes: Any) -> OperandSurface:
    """Two channels of 16-bit operands per kernel for a 3x4 cube, at 64, changed."""
    values: dict[str, Any] = {
        "base": 64, "width": 4, "height": 3, "channels": 2, "line_stride": 128, "surface_stride": 384,
        "memory_atom": 8, "element_bytes": 2, "use": OperandUse.BOTH, "per_element": False,
    }  # fmt: skip
    return OperandSurface(**values | changes)
