"""The units that multiply, shift and round, as registers describe them, and the ways in which causes change one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Change, Scene
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.points import Point
from nvdla_int8.stages.fixedpoint import HARDWARE, Arithmetic
from nvdla_int8.stages.widths import (
    ACC,
    ACC_OUT,
    CVT_PRODUCT,
    CVT_ROUNDED,
    MUL_PRODUCT,
    MUL_SHIFT,
    OUT_PRODUCT,
    OUT_ROUNDED,
)


@dataclass(frozen=True)
class Unit:
    """A unit with a rounding shift.

    Attributes
    ----------
    name
        As sentences call it.
    title
        The specification's name.
    point
        Where its function stands.
    switch
        The field that turns it on or off, and its value when on; None for one that always runs.
    shift, scale
        The fields of its shift and its factor; no scale in CACC.
    in_width, out_width
        Of the value that is shifted, and of the result.
    """

    name: str
    title: str
    point: Point
    block: str
    switch: tuple[str, int] | None
    shift: str
    scale: str | None
    in_width: int
    out_width: int

    def runs(self, registers: LayerRegisters) -> bool:
        """The layer goes through it."""
        return self.block in registers.blocks and (
            self.switch is None or registers.field(self.switch[0]) == self.switch[1]
        )

    def shift_bits(self, registers: LayerRegisters) -> int:
        """Its shift, as the hardware takes it."""
        return registers.field(self.shift) & ((1 << MUL_SHIFT) - 1)

    def rounds(self, registers: LayerRegisters) -> bool:
        """The layer goes through it and it shifts bits out."""
        return self.runs(registers) and 0 < self.shift_bits(registers) < self.in_width

    def multiplies(self, registers: LayerRegisters) -> bool:
        """The layer goes through it and it has a factor."""
        return self.scale is not None and self.runs(registers)


@dataclass(frozen=True)
class XUnit(Unit):
    """X1 or X2.

    Attributes
    ----------
    stage
        Its key among the stages of an SDP pass.
    prefix, stream
        What the registers of SDP, and those of SDP_RDMA, call it.
    operands
        The point at which its operands stand.
    """

    stage: str
    prefix: str
    stream: str
    operands: Point

    def field(self, register: str, name: str) -> str:
        """A field's full name: ``field("ALU_CFG", "ALU_SRC")`` is ``SDP.D_DP_BS_ALU_CFG.BS_ALU_SRC``."""
        return f"SDP.D_DP_{self.prefix}_{register}.{self.prefix}_{name}"

    def multiplies(self, registers: LayerRegisters) -> bool:
        """The layer goes through its multiplier."""
        return self.runs(registers) and registers.field(self.field("CFG", "MUL_BYPASS")) == 0

    def has_prelu(self, registers: LayerRegisters) -> bool:
        """Values that are not negative skip its multiplier and shift."""
        return self.multiplies(registers) and registers.field(self.field("CFG", "MUL_PRELU")) == 1

    def has_relu(self, registers: LayerRegisters) -> bool:
        """Its negative results become 0."""
        return self.runs(registers) and registers.field(self.field("CFG", "RELU_BYPASS")) == 0

    def adds(self, registers: LayerRegisters) -> bool:
        """The layer goes through its ALU, which sums."""
        return self.has_alu(registers) and registers.field(self.field("CFG", "ALU_ALGO")) >= ALGO_SUM

    def has_alu(self, registers: LayerRegisters) -> bool:
        """The layer goes through its ALU."""
        return self.runs(registers) and registers.field(self.field("CFG", "ALU_BYPASS")) == 0

    def reads(self, registers: LayerRegisters, operand: str) -> bool:
        """``ALU`` or ``MUL`` takes its operand from memory."""
        used = self.has_alu if operand == "ALU" else self.multiplies
        return used(registers) and registers.field(self.field(f"{operand}_CFG", f"{operand}_SRC")) == 1

    def per_element(self, registers: LayerRegisters) -> bool:
        """Its operands in memory are one for each element."""
        return registers.field(f"SDP_RDMA.D_{self.stream}_CFG.{self.stream}_DATA_MODE") == 1

    def register_operand(self, operand: str) -> str:
        """The field of ``ALU``'s or ``MUL``'s operand that is one for the layer."""
        return self.field(f"{operand}_SRC_VALUE", f"{operand}_OPERAND")


ALGO_SUM = 2
"""ALU_ALGO from which on the ALU sums."""


def _x_unit(stage: str, prefix: str, stream: str, operands: Point, point: Point) -> XUnit:
    registers = f"SDP.D_DP_{prefix}"
    return XUnit(
        name=stage.upper(),
        title=f"SDP {stage.upper()}",
        point=point,
        block="SDP",
        switch=(f"{registers}_CFG.{prefix}_BYPASS", 0),
        shift=f"{registers}_MUL_CFG.{prefix}_MUL_SHIFT_VALUE",
        scale=f"{registers}_MUL_SRC_VALUE.{prefix}_MUL_OPERAND",
        in_width=MUL_PRODUCT,
        out_width=ACC_OUT,
        stage=stage,
        prefix=prefix,
        stream=stream,
        operands=operands,
    )


INPUT = Unit(
    "the input converter", "CDMA input converter", Point.CONVERTER, "CDMA", ("CDMA.D_CVT_CFG.CVT_EN", 1),
    "CDMA.D_CVT_CFG.CVT_TRUNCATE", "CDMA.D_CVT_SCALE.CVT_SCALE", CVT_PRODUCT, CVT_ROUNDED,
)  # fmt: skip
CACC = Unit("CACC", "CACC", Point.DELIVERY, "CACC", None, "CACC.D_CLIP_CFG.CLIP_TRUNCATE", None, ACC, ACC_OUT)
X1 = _x_unit("x1", "BS", "BRDMA", Point.X1_OPERANDS, Point.X1)
X2 = _x_unit("x2", "BN", "NRDMA", Point.X2_OPERANDS, Point.X2)
OUTPUT = Unit(
    "the output converter", "SDP output converter", Point.OUTPUT_CONVERTER, "SDP", None, "SDP.D_CVT_SHIFT.CVT_SHIFT",
    "SDP.D_CVT_SCALE.CVT_SCALE", OUT_PRODUCT, OUT_ROUNDED,
)  # fmt: skip
UNITS = (OUTPUT, X1, X2, INPUT, CACC)
"""All of them, the likeliest place of a mistake first."""
X_UNITS = (X1, X2)


def alu_name(unit: XUnit, registers: LayerRegisters) -> str:
    """What sentences call the ALU's operand: a bias, unless there is one for each element."""
    return "addend" if unit.reads(registers, "ALU") and unit.per_element(registers) else "bias"


def scale_field(unit: Unit) -> str:
    """The field of the factor of a unit that has one."""
    assert unit.scale is not None, "the unit multiplies"
    return unit.scale


def from_memory(unit: Unit, registers: LayerRegisters) -> bool:
    """Its factor is one of memory's."""
    return isinstance(unit, XUnit) and unit.reads(registers, "MUL")


def is_identity(unit: Unit, registers: LayerRegisters) -> bool:
    """Its factor is 1, unshifted, and not from memory."""
    if from_memory(unit, registers):
        return False
    return registers.signed_field(scale_field(unit)) == 1 and not unit.shift_bits(registers)


def with_arithmetic(unit: Unit, change: Callable[[Arithmetic], Arithmetic]) -> Change:
    """Another arithmetic in a unit; others' changes of the same unit are kept."""

    def how(function: Callable[..., Any], _scene: Scene) -> Callable[..., Any]:
        now = function.keywords.get("arithmetic", HARDWARE) if isinstance(function, partial) else HARDWARE
        return partial(function, arithmetic=change(now))

    return Change(unit.point, how)


def with_fields(change: Callable[[LayerRegisters], dict[str, int | str]]) -> Change:
    """Other values in fields of registers: those that ``change`` gives; none where the layer has no room for it."""
    return Change(Point.REGISTERS, lambda registers, _scene: registers.with_fields(change(registers)))


def with_operand(unit: XUnit, operand: str, change: Callable[[Any], Any]) -> tuple[Change, ...]:
    """Another operand of ``ALU`` or ``MUL``, from memory or register; a result beyond 16 bits loses its high bits."""

    def in_memory(operands: Any, scene: Scene) -> Any:
        if not unit.reads(scene.registers, operand):
            return operands
        name = operand.lower()
        return operands._replace(**{name: change(getattr(operands, name))})

    def in_register(registers: LayerRegisters) -> dict[str, int | str]:
        used = unit.has_alu(registers) if operand == "ALU" else unit.multiplies(registers)
        if not used or unit.reads(registers, operand):
            return {}
        field = unit.register_operand(operand)
        return {field: int(change(registers.signed_field(field))) & 0xFFFF}

    return Change(unit.operands, in_memory), with_fields(in_register)


def operand_values(unit: Unit, operand: str, scene: Scene) -> NDArray[np.int64]:
    """An ``ALU`` or ``MUL`` operand that the layer takes, of its real channels from memory; (1,) from a register.

    That of a converter is its scale.
    """
    if isinstance(unit, XUnit) and unit.reads(scene.registers, operand):
        assert scene.sdp is not None, "a unit of SDP"
        stored = getattr(scene.sdp.operand_surface(unit.stage).read(scene.state.memory), operand.lower())
        values: NDArray[np.int64] = stored[: scene.sdp.channels].astype(np.int64)
        return values
    field = unit.register_operand(operand) if isinstance(unit, XUnit) else scale_field(unit)
    return np.array([scene.registers.signed_field(field)])


def then(changes: Sequence[Change], last: Change) -> tuple[Change, ...]:
    """Changes and one more behind them, each point once."""
    before = [change for change in changes if change.point is last.point]
    others = [change for change in changes if change.point is not last.point]
    if not before:
        return (*others, last)
    [first] = before
    return (*others, Change(last.point, lambda value, scene: last.how(first.how(value, scene), scene)))
