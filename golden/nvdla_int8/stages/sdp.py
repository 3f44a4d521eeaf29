"""SDP: the X1 and X2 stages and the output converter (hardware.md section 2).

The arithmetic is written in int64, for any way of rounding and clipping. The hardware's own, on int32, runs on blocks
of float64 (sdp_blocks.py), with equal results.
"""

from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.parameters import S16, S32, U6, U8, Flag, Parameters
from nvdla_int8.stages.blocks import FlagCollector, blocks, load_block, no_flags, part, runs_on_blocks, spread_flags
from nvdla_int8.stages.fixedpoint import HARDWARE, Arithmetic, check_width, left_shift, round_shift, sign_extend
from nvdla_int8.stages.float_rounding import Extent, Scaling
from nvdla_int8.stages.sdp_blocks import OutputBlocks, XBlocks
from nvdla_int8.stages.widths import (
    ACC_OUT,
    ALU_OPERAND,
    ALU_RESULT,
    FEATURE,
    MUL_OPERAND,
    MUL_PRODUCT,
    MUL_SHIFT,
    OUT_INT16,
    OUT_PRODUCT,
    OUT_ROUNDED,
    OUT_SCALE,
)

Operand = NDArray[np.int16]
"""A memory operand: (K,) per kernel or (K, H, W) per element, signed 16 bits."""


class AluAlgo(StrEnum):
    """What the ALU of X1 or X2 does."""

    MAX = "MAX"
    MIN = "MIN"
    SUM = "SUM"


_COMBINE: dict[AluAlgo, np.ufunc] = {AluAlgo.MAX: np.maximum, AluAlgo.MIN: np.minimum, AluAlgo.SUM: np.add}


class Source(StrEnum):
    """Where an operand comes from: a register, one value a layer, or a memory surface."""

    REG = "REG"
    MEM = "MEM"


class XResult(NamedTuple):
    """Output of X1 or X2 with its flags, all of the input's shape.

    ``saturated`` is the flag of the multiplier's 49 to 32 bit shift, ``operand_saturated`` that of
    the ALU operand's left shift.
    """

    value: NDArray[np.int32]
    saturated: NDArray[np.bool_]
    operand_saturated: NDArray[np.bool_]


class XStage(Parameters):
    """Parameters of X1 (BS) or X2 (BN): ALU, then multiplier with shift, then ReLU.

    Attributes
    ----------
    bypass
        The whole stage passes its input on.
    alu_bypass, alu_algo, alu_source, alu_value, alu_shift_bits
        The ALU's operand is ``LSH(operand, alu_shift_bits)``; sums are 33 bits wide and do not
        saturate. ``alu_value`` is the register operand.
    mul_bypass, mul_source, mul_value, mul_shift_bits
        Multiplier and rounding shift. The field has 8 bits of which the hardware uses 6. Bypassing
        the multiplier does not bypass the shift.
    prelu
        Values that are not negative skip multiplier and shift and wrap at 32 bits. Without effect
        when the multiplier is bypassed.
    relu
        Negative results become 0 (RELU_BYPASS off).
    """

    bypass: Flag = True
    alu_bypass: Flag = True
    alu_algo: AluAlgo = AluAlgo.SUM
    alu_source: Source = Source.REG
    alu_value: S16 = 0
    alu_shift_bits: U6 = 0
    mul_bypass: Flag = True
    mul_source: Source = Source.REG
    mul_value: S16 = 0
    mul_shift_bits: U8 = 0
    prelu: Flag = False
    relu: Flag = False

    @property
    def _shift_bits(self) -> int:
        """The shift as the hardware takes it."""
        return self.mul_shift_bits & ((1 << MUL_SHIFT) - 1)

    @property
    def reads_alu(self) -> bool:
        """The stage takes an ALU operand from memory."""
        return not self.bypass and not self.alu_bypass and self.alu_source is Source.MEM

    @property
    def reads_mul(self) -> bool:
        """The stage takes a multiplier operand from memory."""
        return not self.bypass and not self.mul_bypass and self.mul_source is Source.MEM

    def apply(self, data: NDArray[np.integer], *, alu: Operand | None = None, mul: Operand | None = None) -> XResult:
        """Run the stage.

        Parameters
        ----------
        data
            (..., K, H, W), signed 32 bits.
        alu, mul
            Memory operands, (K,), (K, H, W) or of the data's shape, int16; given exactly when the stage reads them.

        Raises
        ------
        BenchError
            When ``data`` is wider, or an operand is missing, not wanted, of another dtype or shape.
        """
        check_width("XStage", data, ACC_OUT)
        return self.compute(data, *self.operands(data.shape, alu, mul))

    def operands(
        self, shape: tuple[int, ...], alu: Operand | None, mul: Operand | None
    ) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
        """The ALU's and the multiplier's operand, memory or register, for data of a shape; as :meth:`apply` checks."""
        return (
            self._operand("alu", self.reads_alu, alu, self.alu_value, shape),
            self._operand("mul", self.reads_mul, mul, self.mul_value, shape),
        )

    @staticmethod
    def _operand(
        what: str, wanted: bool, operand: Operand | None, value: int, shape: tuple[int, ...]
    ) -> NDArray[np.int16]:
        if not wanted:
            if operand is not None:
                raise BenchError(f"XStage: an {what} operand is given, but the stage does not read one from memory")
            return np.full((1, 1, 1), value, np.int16)
        if operand is None:
            raise BenchError(f"XStage: {what}_source is MEM, but no {what} operand is given")
        if operand.dtype != np.int16:
            raise BenchError(f"XStage: the {what} operand has dtype {operand.dtype}, it takes int16")
        if operand.shape not in (shape[-3:-2], shape[-3:], shape):
            raise BenchError(
                f"XStage: the {what} operand has shape {operand.shape}, data of shape {shape} takes "
                f"{shape[-3:-2]} or {shape[-3:]}"
            )
        return operand.reshape(operand.shape + (1,) * (3 - operand.ndim))

    def compute(
        self,
        data: NDArray[np.integer],
        alu: NDArray[np.integer],
        mul: NDArray[np.integer],
        arithmetic: Arithmetic = HARDWARE,
    ) -> XResult:
        """The stage's arithmetic, element by element, on any shapes that broadcast.

        Parameters
        ----------
        data
            Signed 32 bits.
        alu, mul
            The operands, memory or register, signed 16 bits.
        arithmetic
            How it rounds, saturates and reads its factor.
        """
        if data.dtype == np.int32 and runs_on_blocks(data, arithmetic):
            return self._on_blocks(data, alu, mul)
        wide = np.asarray(data, np.int64)
        none = np.zeros(wide.shape, np.bool_)
        if self.bypass:
            return XResult(wide.astype(np.int32), none, none)
        summed, operand_saturated = self._alu(wide, sign_extend(alu, ALU_OPERAND), arithmetic)
        factor = np.int64(1) if self.mul_bypass else arithmetic.reading(mul, MUL_OPERAND)
        rounded = round_shift(summed * factor, self._shift_bits, MUL_PRODUCT, ACC_OUT, arithmetic=arithmetic)
        skips = none | ((summed >= 0) if self.prelu and not self.mul_bypass else False)
        value = np.where(skips, sign_extend(summed, ACC_OUT), rounded.value)
        if self.relu:
            value = np.maximum(value, 0)
        return XResult(value.astype(np.int32), rounded.saturated & ~skips, none | operand_saturated)

    def _alu(
        self, wide: NDArray[np.int64], operand: NDArray[np.int64], arithmetic: Arithmetic
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_] | bool]:
        if self.alu_bypass:
            return wide, False
        shifted = left_shift(operand, self.alu_shift_bits, ACC_OUT)
        if self.alu_algo is AluAlgo.MAX:
            return np.maximum(wide, shifted.value), shifted.saturated
        if self.alu_algo is AluAlgo.MIN:
            return np.minimum(wide, shifted.value), shifted.saturated
        # The hardware's sums fit; those of another arithmetic may not.
        return arithmetic.clipping(wide + shifted.value, ALU_RESULT).value, shifted.saturated

    def on_blocks(self, alu: NDArray[np.integer], mul: NDArray[np.integer]) -> tuple[XBlocks, NDArray[np.bool_]]:
        """The stage, which is not bypassed, for blocks of float64, and the flags of the operand's shift.

        Parameters
        ----------
        alu, mul
            The operands as :meth:`compute` takes them.
        """
        operand: NDArray[np.integer] = _signed(alu)
        operand_factor, saturated = 1.0, no_flags(alu.shape)
        if self.alu_shift_bits <= ACC_OUT - ALU_OPERAND:
            operand_factor = 2.0**self.alu_shift_bits
        elif not self.alu_bypass:
            operand, saturated = left_shift(operand, self.alu_shift_bits, ACC_OUT)
        factor = 1 if self.mul_bypass else _signed(mul)
        changes = self._shift_bits or not self.mul_bypass
        stage = XBlocks(
            combine=None if self.alu_bypass else _COMBINE[self.alu_algo],
            operand=operand,
            operand_factor=operand_factor,
            operand_extent=Extent.of(operand) * Extent(operand_factor, operand_factor),
            scaling=Scaling.of(factor, self._shift_bits) if changes else None,
            skips=self.prelu and not self.mul_bypass,
            relu=self.relu,
        )
        return stage, saturated

    def _on_blocks(self, data: NDArray[np.integer], alu: NDArray[np.integer], mul: NDArray[np.integer]) -> XResult:
        if self.bypass:
            return XResult(data.astype(np.int32, copy=False), no_flags(data.shape), no_flags(data.shape))
        stage, operand_saturated = self.on_blocks(alu, mul)
        shape = np.broadcast(data, alu, mul).shape
        value, flags = np.empty(shape, np.int32), FlagCollector(shape)
        for index in blocks(shape):
            given = part(data, index)
            values = load_block(given, value[index].shape)
            flags.put(index, stage.run(values, Extent.of(given), index)[1])
            np.copyto(value[index], values, casting="unsafe")
        return XResult(value, flags.flags, spread_flags(operand_saturated, shape))


def _signed(operand: NDArray[np.integer]) -> NDArray[np.integer]:
    """The low 16 bits of an operand as a number; int16 takes no memory for it."""
    return operand if operand.dtype == np.int16 else sign_extend(operand, ALU_OPERAND)


class OutputResult(NamedTuple):
    """Output bytes with the flags of the two saturating steps, all of the input's shape.

    ``saturated_17`` is what D_PERF_OUT_SATURATION counts; the hardware has no counter for
    ``saturated_8``, the clip to the output's own width.
    """

    value: NDArray[np.int8]
    saturated_17: NDArray[np.bool_]
    saturated_8: NDArray[np.bool_]


class OutputConverter(Parameters):
    """Parameters of the output converter: ``clip(RSH((x - offset) * scale, shift, 49, 17), 8)``.

    It is never bypassed: the identity is offset 0, scale 1, shift 0, which is the default.

    Attributes
    ----------
    offset, scale, shift_bits
        Signed 32 bits, signed 16 bits, 0..63 (49 and more give 0).
    int16
        OUT_PRECISION = INT16: the clip is to 16 bits, and nv_small writes the low byte.
    """

    offset: S32 = 0
    scale: S16 = 1
    shift_bits: U6 = 0
    int16: Flag = False

    def apply(self, data: NDArray[np.integer], arithmetic: Arithmetic = HARDWARE) -> OutputResult:
        """Convert values of signed 32 bits, any shape, to output bytes; BenchError for wider ones."""
        check_width("OutputConverter", data, ACC_OUT)
        if runs_on_blocks(data, arithmetic):
            return self._on_blocks(data)
        product = (np.asarray(data, np.int64) - self.offset) * arithmetic.reading(self.scale, OUT_SCALE)
        rounded = round_shift(product, self.shift_bits, OUT_PRODUCT, OUT_ROUNDED, arithmetic=arithmetic)
        out = arithmetic.clipping(rounded.value, OUT_INT16 if self.int16 else FEATURE)
        byte = sign_extend(out.value, FEATURE).astype(np.int8)
        return OutputResult(byte, rounded.saturated, out.saturated)

    def on_blocks(self) -> OutputBlocks:
        """The converter for blocks of float64."""
        scale = int(sign_extend(self.scale, OUT_SCALE))
        return OutputBlocks(self.offset, Scaling.of(scale, self.shift_bits), self.int16)

    def _on_blocks(self, data: NDArray[np.integer]) -> OutputResult:
        converter = self.on_blocks()
        byte, rounded, clipped = np.empty(data.shape, np.int8), FlagCollector(data.shape), FlagCollector(data.shape)
        for index in blocks(data.shape):
            given = data[index]
            values = load_block(given, given.shape)
            flags_17, flags_8 = converter.run(values, Extent.of(given), byte[index])
            rounded.put(index, flags_17)
            clipped.put(index, flags_8)
        return OutputResult(byte, rounded.flags, clipped.flags)
