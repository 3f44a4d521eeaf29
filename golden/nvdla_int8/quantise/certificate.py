"""How far a program's bytes may be from what its layer should compute, over every input: the bound of a report.

Without an addend the bound is exact over all accumulators between the ends of their reach: for each byte the
accumulators that become it are a range, and the error is largest at an end of it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.quantise.exact_layer import ExactLayer
from nvdla_int8.quantise.preimage import LEAST_32, MOST_32, Span, byte_spans, span_before_alu, summed_spans
from nvdla_int8.quantise.rounding import Q_MAX, Q_MIN, Reals
from nvdla_int8.stages.fixedpoint import left_shift
from nvdla_int8.stages.sdp import AluAlgo, Operand, XStage
from nvdla_int8.stages.sdp_tail import SdpTail
from nvdla_int8.stages.widths import ACC_OUT

BYTES = np.arange(Q_MIN, Q_MAX + 1)
"""Every int8 value."""

_KERNELS_AT_ONCE = 64

_TOUCHING = 1e-3
"""Accumulator steps by which float64 may miss that two lines meet."""


def bound_lsb(program: SdpTail, exact: ExactLayer) -> Reals:
    """No output byte is further than this from the exact result, clipped to int8; (K,) in output steps.

    Parameters
    ----------
    program
        Of a convolution or of SDP alone, with operands for each kernel or registers.
    exact
        What it stands for.

    Raises
    ------
    BenchError
        When accumulators leave 32 bits, or sums do that PReLU would let wrap or that have an addend.
    """
    _check_accumulators(exact)
    _check_sums(program, exact)
    everything = np.arange(len(exact.ratio))
    if exact.addend is None:
        return _by_kernels(program, exact, everything, _worst_of_accumulators) + exact.slack_lsb
    few = exact.most - exact.least <= (Q_MAX - Q_MIN) * exact.stride
    wide = ~few & ~_leaves_gaps(program, exact)
    gaps = ~few & ~wide
    worst = np.zeros(len(everything))
    if few.any():
        worst[few] = _worst_of_pairs(program, exact, everything[few])
    if gaps.any():
        worst[gaps] = _by_kernels(program, exact, everything[gaps], _worst_with_each_addend)
    if wide.any():
        worst[wide] = _by_kernels(program, exact, everything[wide], _worst_with_addend)
    return worst + exact.slack_lsb


@dataclass(frozen=True)
class _Operands:
    """The four operands of some kernels, (K, 1) int64 each."""

    x1_alu: NDArray[np.int64]
    x1_mul: NDArray[np.int64]
    x2_alu: NDArray[np.int64]
    x2_mul: NDArray[np.int64]

    @classmethod
    def of(cls, program: SdpTail, kernels: NDArray[np.intp]) -> "_Operands":
        """From memory or registers."""
        return cls(
            _operand(program.x1_alu, program.x1.alu_value, kernels),
            _operand(program.x1_mul, program.x1.mul_value, kernels),
            _operand(program.x2_alu, program.x2.alu_value, kernels),
            _operand(program.x2_mul, program.x2.mul_value, kernels),
        )

    def with_each_addend(self, kernel: int) -> "_Operands":
        """Those of one kernel, once for each byte of the addend."""
        once = np.full((len(BYTES), 1), 1)
        return _Operands(
            once * self.x1_alu[kernel], once * self.x1_mul[kernel], BYTES[:, None], once * self.x2_mul[kernel]
        )


def _operand(memory: Operand | None, register: int, kernels: NDArray[np.intp]) -> NDArray[np.int64]:
    values = np.full(len(kernels), register) if memory is None else memory[kernels]
    return values.astype(np.int64)[:, None]


def _by_kernels(
    program: SdpTail,
    exact: ExactLayer,
    kernels: NDArray[np.intp],
    worst: Callable[[SdpTail, _Operands, ExactLayer], Reals],
) -> Reals:
    """Worst error of each of some kernels, a number of them at a time, which keeps arrays small."""
    parts = np.split(kernels, range(_KERNELS_AT_ONCE, len(kernels), _KERNELS_AT_ONCE))
    return np.concatenate([worst(program, _Operands.of(program, part), exact.alone(part)) for part in parts])


def _worst_of_accumulators(program: SdpTail, operands: _Operands, exact: ExactLayer) -> Reals:
    """Worst error of each kernel without an addend."""
    worst = np.zeros(len(exact.ratio))
    spans = byte_spans(program.output_converter)
    for x2_sums in summed_spans(program.x2, operands.x2_mul, spans):
        x1_results = span_before_alu(program.x2, operands.x2_alu, x2_sums)
        for x1_sums in summed_spans(program.x1, operands.x1_mul, x1_results):
            accumulators = span_before_alu(program.x1, operands.x1_alu, x1_sums)
            worst = np.maximum(worst, _worst_in(accumulators, exact))
    return worst


def _worst_in(accumulators: Span, exact: ExactLayer) -> Reals:
    """Worst error of each kernel when the accumulators of each byte's span (K, 256) become that byte."""
    stride = exact.stride[:, None]
    low = np.ceil(np.maximum(accumulators.low, exact.least[:, None]) / stride) * stride
    high = np.floor(np.minimum(accumulators.high, exact.most[:, None]) / stride) * stride
    possible = low <= high
    ends = np.stack([np.where(possible, low, 0), np.where(possible, high, 0)], axis=-1)
    sums = exact.ratio[:, None, None] * ends + exact.bias_lsb[:, None, None]
    return _worst_between(sums, possible, exact)


def _worst_between(sums: Reals, possible: NDArray[np.bool_], exact: ExactLayer) -> Reals:
    """Worst error of each kernel when exact sums between two (K, 256, ..., 2) become the byte of axis 1.

    The activation may turn at 0, so that its largest error may be there.
    """
    bytes_ = BYTES.reshape(-1, *[1] * (sums.ndim - 2))
    errors = np.abs(exact.output(sums) - bytes_).max(axis=-1)
    if exact.slopes is not None:
        turns = (sums.min(axis=-1) < 0) & (sums.max(axis=-1) > 0)
        at_turn = np.abs(np.clip(exact.zero_point, Q_MIN, Q_MAX) - bytes_[..., 0])
        errors = np.where(turns, np.maximum(errors, at_turn), errors)
    worst: Reals = np.where(possible, errors, 0).reshape(len(errors), -1).max(axis=1)
    return worst


def _worst_of_pairs(program: SdpTail, exact: ExactLayer, kernels: NDArray[np.intp]) -> Reals:
    """Worst error of kernels of few accumulators over all pairs of one and an addend: the stages themselves say it."""
    operands, some = _Operands.of(program, kernels), exact.alone(kernels)
    slopes = np.zeros_like(some.ratio) if some.slopes is None else some.slopes
    numbers = [some.ratio, some.bias_lsb, some.least, some.most, some.stride, slopes]
    columns = np.column_stack([*numbers, operands.x1_alu, operands.x1_mul, operands.x2_mul])
    _, first, same = np.unique(columns, axis=0, return_index=True, return_inverse=True)
    return np.array([_worst_pair(program, kernel, exact) for kernel in kernels[first]])[same.ravel()]


def _worst_pair(program: SdpTail, kernel: int, exact: ExactLayer) -> float:
    assert exact.addend is not None
    some = np.array([kernel])
    operands, alone = _Operands.of(program, some), exact.alone(some)
    values = np.arange(alone.least[0], alone.most[0] + 1, alone.stride[0])[:, None]
    x1 = program.x1.compute(values.astype(np.int64), operands.x1_alu, operands.x1_mul)
    x2 = program.x2.compute(x1.value, BYTES, operands.x2_mul)
    found = program.output_converter.apply(x2.value).value
    own, other = alone.ratio[0] * values + alone.bias_lsb[0], exact.addend.ratio * (BYTES - exact.addend.zero_point)
    joined = {AluAlgo.SUM: np.add, AluAlgo.MAX: np.maximum, AluAlgo.MIN: np.minimum}[exact.addend.operation]
    return float(np.abs(found - alone.output(joined(own, other)[None])).max())


def _leaves_gaps(program: SdpTail, exact: ExactLayer) -> NDArray[np.bool_]:
    """Kernels that reach less than a step of the addend, or have no multiplier: their sums are far from everything."""
    assert exact.addend is not None
    multipliers = _Operands.of(program, np.arange(len(exact.ratio))).x1_mul[:, 0]
    reach_lsb = np.abs(exact.ratio) * (exact.most - exact.least)
    gaps: NDArray[np.bool_] = (reach_lsb < 1 + abs(exact.addend.ratio)) | (multipliers == 0)
    return gaps


def _worst_with_each_addend(program: SdpTail, operands: _Operands, exact: ExactLayer) -> Reals:
    """Worst error of each kernel, exactly: every byte of the addend is a bias of its own."""
    addend = exact.addend
    assert addend is not None
    others = addend.ratio * (BYTES - addend.zero_point)
    worst = []
    for kernel in range(len(exact.ratio)):
        repeated = np.full(len(BYTES), kernel)
        alone = exact.alone(repeated)
        alone = replace(alone, bias_lsb=alone.bias_lsb + others, addend=None)
        worst.append(_worst_of_accumulators(program, operands.with_each_addend(kernel), alone).max())
    return np.array(worst)


def _worst_with_addend(program: SdpTail, operands: _Operands, exact: ExactLayer) -> Reals:
    """Worst error of each kernel whose accumulators are added to another tensor.

    Between the accumulators at the ends of a byte's span and those at the ends of their reach the error is linear in
    the addend, taken as a real number like the accumulators: so it is largest where one of these lines starts or ends.
    """
    assert exact.addend is not None
    worst = np.zeros(len(exact.ratio))
    step = 2.0**program.x2.alu_shift_bits
    scale = np.ldexp(1.0 / operands.x1_mul, program.x1.mul_shift_bits)[..., None]
    half = 0.5 if program.x1.mul_shift_bits else 0.0
    bias = left_shift(operands.x1_alu, program.x1.alu_shift_bits, ACC_OUT).value[..., None]
    least, most = exact.least[:, None, None], exact.most[:, None, None]
    for sums in summed_spans(program.x2, operands.x2_mul[:1], byte_spans(program.output_converter)):
        low, high = (
            np.broadcast_to(end, (1, len(BYTES)))[..., None] * scale - bias
            for end in (sums.low - half, sums.high + half)
        )
        low, high = np.where(scale < 0, high, low), np.where(scale < 0, low, high)
        per_byte = step * scale
        turns = [(end - reach) / per_byte for end in (low, high) for reach in (least, most)]
        ends = [np.full_like(turns[0], Q_MIN), np.full_like(turns[0], Q_MAX)]
        addends = np.clip(np.concatenate([*turns, *ends], axis=-1), Q_MIN, Q_MAX)
        first, last = np.maximum(low - per_byte * addends, least), np.minimum(high - per_byte * addends, most)
        possible = first <= last + _TOUCHING
        accumulators = np.clip(np.stack([first, last], axis=-1), least[..., None], most[..., None])
        others = exact.addend.ratio * (addends - exact.addend.zero_point)
        own = exact.ratio[:, None, None, None] * accumulators + exact.bias_lsb[:, None, None, None]
        worst = np.maximum(worst, _worst_between(own + others[..., None], possible, exact))
    return worst


def _check_accumulators(exact: ExactLayer) -> None:
    reach = np.maximum(-exact.least, exact.most)
    for kernel in np.flatnonzero(reach > MOST_32)[:1]:
        raise BenchError(
            f"kernel {kernel}: accumulators up to {reach[kernel]:.0f} do not fit {ACC_OUT} bits, "
            f"ratio {exact.ratio[kernel]:.9g}"
        )


def _check_sums(program: SdpTail, exact: ExactLayer) -> None:
    """Refuse sums that leave 32 bits where PReLU would let them wrap, or beside an addend."""
    operands = _Operands.of(program, np.arange(len(exact.ratio)))
    ends = np.stack([exact.least, exact.most], axis=1).astype(np.int64)
    x1_sums = _sums(program.x1, ends, operands.x1_alu)
    x1 = program.x1.compute(ends, operands.x1_alu, operands.x1_mul).value
    addends = np.array([[Q_MIN], [Q_MAX]])[..., None] if program.takes_addend else operands.x2_alu
    x2_sums = _sums(program.x2, x1, addends)
    for stage, sums in ((program.x1, x1_sums), (program.x2, x2_sums)):
        wraps = stage.prelu and not stage.mul_bypass and sums.max() > MOST_32
        clips = stage is program.x2 and program.takes_addend and not LEAST_32 <= sums.min() <= sums.max() <= MOST_32
        if wraps or clips:
            raise BenchError(f"sums of {sums.min()} to {sums.max()} do not fit {ACC_OUT} bits")


def _sums(stage: XStage, values: NDArray[np.integer], operands: NDArray[np.int64]) -> NDArray[np.int64]:
    wide = values.astype(np.int64)
    if stage.bypass or stage.alu_bypass:
        return wide
    return wide + left_shift(operands, stage.alu_shift_bits, ACC_OUT).value
