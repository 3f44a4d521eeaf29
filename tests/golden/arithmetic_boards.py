"""Layers on boards of plain integers in which mistakes of arithmetic and operands are planted."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.causes.activations import suggest_activations
from nvdla_int8.checkup.causes.biases import suggest_biases
from nvdla_int8.checkup.causes.factors import suggest_factors
from nvdla_int8.checkup.causes.offsets import suggest_offsets
from nvdla_int8.checkup.causes.operand_places import suggest_operand_places
from nvdla_int8.checkup.causes.operand_streams import suggest_operand_streams
from nvdla_int8.checkup.causes.operand_values import suggest_operand_values
from nvdla_int8.checkup.causes.rounding import suggest_roundings
from nvdla_int8.checkup.causes.second_units import suggest_second_units
from nvdla_int8.checkup.causes.shifts import suggest_far_shifts, suggest_shifts
from nvdla_int8.checkup.causes.widths import suggest_widths
from tests.golden.board_programs import Explained, explained, program_of
from tests.golden.plain_board import PlainBoard, PlainStage
from tests.golden.planted import Program
from tests.golden.register_programs import OUTPUT as OUTPUT_ADDRESS
from tests.golden.register_programs import X1_OPERANDS, X2_OPERANDS

ARITHMETIC = (
    suggest_roundings, suggest_shifts, suggest_factors, suggest_activations, suggest_biases, suggest_widths,
    suggest_offsets, suggest_second_units, suggest_operand_values, suggest_far_shifts, suggest_operand_streams,
    suggest_operand_places,
)  # fmt: skip
UNITS = ("CDMA input converter", "CACC", "SDP X1", "SDP X2", "SDP output converter", "all converters")
INPUT, CACC, X1, X2, OUTPUT, ALL = UNITS
OF = {"input": INPUT, "cacc": CACC, "x1": X1, "x2": X2, "output": OUTPUT}
KERNELS, LANES = 9, 16


def in_lanes(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Operands of the kernels, 0 in the lanes that fill the last atom."""
    lanes = np.zeros((LANES, 1, 1), np.int64)
    lanes[: len(values), 0, 0] = values
    return lanes


@cache
def fine() -> PlainBoard:
    """A calibrated layer: biases and 16-bit multipliers per kernel, a second factor, offsets at both ends."""
    random = np.random.default_rng(7)
    return PlainBoard(
        data=random.integers(-128, 128, (9, 8, 9)),
        weights=random.integers(-128, 128, (KERNELS, 9, 3, 3)),
        in_offset=-21, in_scale=23171, in_shift=15, cacc_shift=1,
        x1=PlainStage(
            alu=in_lanes(random.integers(-900, 900, KERNELS)), alu_shift=3,
            mul=in_lanes(random.integers(9000, 30000, KERNELS)), shift=16,
        ),
        x2=PlainStage(alu=77, alu_shift=2, mul=21001, shift=15),
        offset=450, scale=20123, shift=19,
    )  # fmt: skip


@cache
def coarse() -> PlainBoard:
    """A layer of short shifts, so that every unit meets ties, and no ReLU, so that negatives are seen."""
    random = np.random.default_rng(11)
    return PlainBoard(
        data=random.integers(-12, 13, (5, 12, 12)),
        weights=random.integers(-6, 7, (KERNELS, 5, 2, 2)),
        in_offset=1, in_scale=11, in_shift=2, cacc_shift=2,
        x1=PlainStage(
            alu=in_lanes(random.integers(-40, 40, KERNELS)), mul=in_lanes(random.integers(3, 7, KERNELS)), shift=2
        ),
        x2=PlainStage(mul=5, shift=2),
        offset=3, scale=3, shift=3,
    )  # fmt: skip


@cache
def active() -> PlainBoard:
    """X1 with a PReLU of one slope a kernel, X2 with an addend for each element, of one byte, and a ReLU."""
    random = np.random.default_rng(23)
    board = fine()
    addend = np.zeros((LANES, 6, 7), np.int64)
    addend[:KERNELS] = random.integers(-128, 128, (KERNELS, 6, 7))
    return board.but(
        x1=board.x1.but(alu=in_lanes(random.integers(-900, 900, KERNELS)), prelu=True, shift=17),
        x2=board.x2.but(alu=addend, alu_shift=5, relu=True),
        offset=-300, scale=9999, shift=20,
    )  # fmt: skip


@cache
def of_fine() -> Explained:
    return explained(fine(), ARITHMETIC)


@cache
def of_coarse() -> Explained:
    return explained(coarse(), [suggest_roundings])


def program_in_two_layers() -> Program:
    """Two layers of SDP's operands, the second one with operands of its own elsewhere."""
    first, second = program_of(fine()), program_of(active(), ["x2"])
    moved = {"SDP.D_DST_BASE_ADDR_LOW.DST_BASE_ADDR_LOW": OUTPUT_ADDRESS + 0x10000}
    host = dict(first.host)
    for name, base in (("BS", X1_OPERANDS), ("BN", X2_OPERANDS)):
        moved[f"SDP_RDMA.D_{name}_BASE_ADDR_LOW.{name}_BASE_ADDR_LOW"] = base + 0x10000
        host[base + 0x10000] = second.host[base]
    return Program([first.layers[0], second.layers[0].but(moved)], host)
