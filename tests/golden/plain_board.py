"""A board that computes one convolution in plain integers and can be told to make mistakes: nothing of golden's stages.

Rounding is written with divisions, clipping with minima: another hand than ``stages/fixedpoint.py``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Round = Callable[[Integers, int], Integers]
Clip = Callable[[Integers, int], Integers]


def nearest(value: Integers, shift: int) -> Integers:
    """Half away from zero."""
    step = 1 << shift
    rounded: Integers = np.sign(value) * ((2 * np.abs(value) + step) // (2 * step))
    return rounded


def clamp(value: Integers, width: int) -> Integers:
    """To signed ``width`` bits."""
    return np.minimum(np.maximum(value, -(1 << (width - 1))), (1 << (width - 1)) - 1)


def wrap(value: Integers, width: int) -> Integers:
    """The low ``width`` bits."""
    half = 1 << (width - 1)
    return (value + half) % (2 * half) - half


def same(value: Integers) -> Integers:
    """Nothing is done."""
    return value


@dataclass(frozen=True)
class PlainStage:
    """X1 or X2: operands of all lanes, (lanes, 1, 1) or (lanes, H, W), or numbers; None where bypassed."""

    bypassed: bool = False
    alu: Any = None
    alu_shift: int = 0
    mul: Any = None
    shift: int = 0
    relu: bool = False
    prelu: bool = False
    before: Callable[[Integers], Integers] = same
    after: Callable[[Integers], Integers] = same

    def but(self, **changes: object) -> "PlainStage":
        return replace(self, **changes)  # type: ignore[arg-type]


BYPASSED = PlainStage(bypassed=True)


@dataclass(frozen=True)
class PlainBoard:
    """One convolution, K kernels on nv_small, with all its numbers.

    Attributes
    ----------
    data, weights
        (C, H, W) int8 and (K, C, R, S); stride 1, no padding.
    in_offset, in_scale, in_shift
        The input converter; off when the scale is None.
    rounding, clipping
        By the unit's name: ``input``, ``cacc``, ``x1``, ``x2``, ``output``; where absent the hardware's way.
    """

    data: Integers
    weights: Integers
    in_offset: int = 0
    in_scale: int | None = None
    in_shift: int = 0
    cacc_shift: int = 0
    x1: PlainStage = BYPASSED
    x2: PlainStage = BYPASSED
    offset: int = 0
    scale: int = 1
    shift: int = 0
    rounding: Mapping[str, Round] = field(default_factory=dict)
    clipping: Mapping[str, Clip] = field(default_factory=dict)
    sums: Callable[[Integers], Integers] = same
    output: Callable[[Integers], Integers] = same

    def but(self, **changes: object) -> "PlainBoard":
        """The board with other numbers."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def bytes(self) -> NDArray[np.uint8]:
        """What it writes, (lanes, H, W)."""
        value = self._rsh("cacc", self.sums(self._convolved()), self.cacc_shift, 34, 32)
        lanes = np.zeros((-(-len(value) // 8) * 8, *value.shape[1:]), np.int64)
        lanes[: len(value)] = value
        value = self._stage("x2", self.x2, self._stage("x1", self.x1, lanes))
        value = self._rsh("output", (value - self.offset) * self.scale, self.shift, 49, 17)
        value = self.output(self.clipping.get("output", clamp)(value, 8))
        return (value % 256).astype(np.uint8)

    def _rsh(self, unit: str, value: Integers, shift: int, in_width: int, out_width: int) -> Integers:
        if shift >= in_width:
            return np.zeros_like(value)
        rounded = self.rounding.get(unit, nearest)(value, shift)
        return self.clipping.get(unit, clamp)(rounded, out_width)

    def _convolved(self) -> Integers:
        data = self.data
        if self.in_scale is not None:
            data = self._rsh("input", (data - self.in_offset) * self.in_scale, self.in_shift, 34, 17)
            data = self.clipping.get("input", clamp)(data, 8)
        kernels, channels, lines, pixels = self.weights.shape
        height, width = data.shape[1] - lines + 1, data.shape[2] - pixels + 1
        total = np.zeros((kernels, height, width), np.int64)
        for c in range(channels):
            for r in range(lines):
                for s in range(pixels):
                    total += self.weights[:, c, r, s, None, None] * data[c, r : r + height, s : s + width]
        return total

    def _stage(self, unit: str, stage: PlainStage, value: Integers) -> Integers:
        if stage.bypassed:
            return value
        value = stage.before(value)
        if stage.alu is not None:
            operand = np.asarray(stage.alu, np.int64) * 2**stage.alu_shift
            value = value + self.clipping.get(unit, clamp)(operand, 32)
        product = value * (1 if stage.mul is None else np.asarray(stage.mul, np.int64))
        result = self._rsh(unit, product, stage.shift, 49, 32)
        if stage.prelu:
            result = np.where(value >= 0, wrap(value, 32), result)
        return stage.after(np.maximum(result, 0) if stage.relu else result)
