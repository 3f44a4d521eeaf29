"""Programs of X1, X2 and the output converter for one layer: the ways to split its factors and biases among them.

* one multiplier: per kernel X1's, or one factor in the output converter;
* two multipliers: X1 brings every kernel's accumulators to about the same fine steps, of which X2 adds what the bias
  in X1 lacks, and which X2's multiplier brings to output steps - or the output converter, when X2's is taken by slopes;
* addend: X1 brings accumulators to a power-of-two part of the addend's steps, X2 adds it, the output converter scales.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError, located
from nvdla_int8.quantise.dying_kernels import LONGEST_BIAS_SHIFT_BITS, LONGEST_SHIFT_BITS
from nvdla_int8.quantise.exact_layer import ExactLayer
from nvdla_int8.quantise.factor import Factor, shared_shift, shared_shift_factor
from nvdla_int8.quantise.rounding import Q_MIN, Reals, round_to_nearest
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.sdp import AluAlgo, OutputConverter, Source, XStage
from nvdla_int8.stages.sdp_program import SdpProgram
from nvdla_int8.stages.widths import ACC_OUT, ALU_OPERAND, MUL_OPERAND, OUT_OFFSET

FINEST_STEP_BITS = 20
"""X1's steps are no finer than an output step over 2 to this: its 32 bits then reach 2,048 output steps."""

ADDEND_STEP_BITS = 10
"""The steps in which an addend is added are about an output step over 2 to this, where there is room."""

_SPLITS = 256
"""First multipliers that are tried for each kernel."""


class StageIntegers(NamedTuple):
    """One stage's operands for each kernel, (K,) int64, and their shifts; zeros are no operand."""

    alu: NDArray[np.int64]
    alu_shift_bits: int
    mul: NDArray[np.int64] | None
    mul_shift_bits: int


def one_multiplier_program(name: str, exact: ExactLayer, *, per_kernel: bool, streamed: bool) -> SdpProgram:
    """The plain rule: bias in X1, and the factor in X1 per kernel, or in the output converter.

    Parameters
    ----------
    name
        For messages.
    exact
        Without addend; with slopes only per tensor, which then take X1's multiplier.
    per_kernel
        Factors for each kernel; otherwise all kernels' are the first one's.
    streamed
        Operands come from memory even if one register would do.

    Raises
    ------
    BenchError
        When a number cannot be represented; the line names the kernel.
    """
    assert exact.addend is None
    factor = _factor(exact.ratio if per_kernel else exact.ratio[:1])
    wanted = np.divide(exact.bias_lsb, exact.ratio, out=np.zeros_like(exact.ratio), where=exact.ratio != 0)
    alu, alu_shift_bits = bias_operands(wanted, exact.ratio)
    if per_kernel:
        assert exact.slopes is None
        x1 = StageIntegers(alu, alu_shift_bits, factor.multipliers.astype(np.int64), factor.shift_bits)
        converter = OutputConverter(offset=-exact.zero_point)
    else:
        x1 = StageIntegers(alu, alu_shift_bits, None, 0)
        if exact.slopes is not None:
            slopes = _factor(exact.slopes, may_vanish=True)
            x1 = StageIntegers(alu, alu_shift_bits, slopes.multipliers.astype(np.int64), slopes.shift_bits)
        with located(f"kernel 0: ratio {exact.ratio[0]:.9g}"):
            offset = factor.offset_for(exact.zero_point)
        converter = OutputConverter(offset=offset, scale=int(factor.multipliers[0]), shift_bits=factor.shift_bits)
    stage, fields = _stage("x1", x1, relu=exact.relu, prelu=exact.slopes is not None, streamed=streamed)
    return SdpProgram(name=name, x1=stage, output_converter=converter, **fields)


def fine_step_bits(ratio: Reals, *, passing_lsb: float = 0.0) -> int:
    """How many times an output step is halved for X1's steps in a program with two multipliers.

    Parameters
    ----------
    ratio
        (K,), as of :class:`ExactLayer`.
    passing_lsb
        How far values reach, in output steps, that pass X2 as they are, because of slopes, and must not wrap.

    Raises
    ------
    BenchError
        When the largest factor does not fit a multiplier.
    """
    largest = int(np.argmax(np.abs(ratio)))
    size = float(np.abs(ratio[largest]))
    bits = min(
        FINEST_STEP_BITS,
        _room_bits(signed_range(MUL_OPERAND)[1], size),
        _room_bits(signed_range(ACC_OUT)[1] // 2, passing_lsb),
    )
    if bits < 0:
        raise BenchError(f"kernel {largest}: ratio {size:.9g} is too large for a 16-bit multiplier")
    return bits


def whole_products(ratio: Reals, step_bits: int) -> Reals:
    """Factors (K,), positive, moved a little so that each is a product of two multipliers at shifts they share."""
    first, second, shift_bits, second_shift_bits = _split_factors(ratio, step_bits)
    moved: Reals = np.ldexp((first * second).astype(np.float64), -shift_bits - second_shift_bits)
    return moved


def two_multiplier_program(name: str, exact: ExactLayer, step_bits: int, *, streamed: bool) -> SdpProgram:
    """Factors and biases split between X1 and X2; slopes take X2's multiplier.

    Parameters
    ----------
    name, exact, streamed
        As of :func:`one_multiplier_program`.
    step_bits
        From :func:`fine_step_bits`.

    Raises
    ------
    BenchError
        When a number cannot be represented; the line names the kernel.
    """
    assert exact.addend is None
    sizes = np.abs(exact.ratio)
    if exact.slopes is None:
        first, second, shift_bits, second_shift_bits = _split_factors(sizes, step_bits)
        steps = np.ldexp(second.astype(np.float64), -second_shift_bits)
        converter = OutputConverter(offset=-exact.zero_point)
    else:
        factor = _factor(np.ldexp(sizes, step_bits), may_vanish=True)
        first, shift_bits = factor.multipliers.astype(np.int64), factor.shift_bits
        slopes = _factor(exact.slopes, may_vanish=True)
        second, second_shift_bits = slopes.multipliers.astype(np.int64), slopes.shift_bits
        steps = np.full_like(sizes, 2.0**-step_bits)
        converter = OutputConverter(offset=-exact.zero_point << step_bits, shift_bits=step_bits)
    first *= np.where(exact.ratio < 0, -1, 1)
    programmed = np.ldexp(first.astype(np.float64), -shift_bits) * steps
    coarse, coarse_shift_bits, rest = _split_bias(exact.bias_lsb, programmed, steps)
    fine, fine_shift_bits = bias_operands(rest, exact.ratio)
    x1, x1_fields = _stage(
        "x1", StageIntegers(coarse, coarse_shift_bits, first, shift_bits), relu=False, prelu=False, streamed=streamed
    )
    x2, x2_fields = _stage(
        "x2",
        StageIntegers(fine, fine_shift_bits, second, second_shift_bits),
        relu=exact.relu,
        prelu=exact.slopes is not None,
        streamed=streamed,
    )
    return SdpProgram(name=name, x1=x1, x2=x2, output_converter=converter, **x1_fields, **x2_fields)


class AddendStep(NamedTuple):
    """The step in which an addend is added: its own over ``2**shift_bits``, and that in output steps as integers."""

    shift_bits: int
    converter: Factor

    @property
    def lsb(self) -> float:
        """In output steps, as programmed, positive."""
        return abs(float(self.converter.reals[0]))


def addend_step(exact: ExactLayer) -> AddendStep:
    """The finest step in which nothing is clipped that an output byte depends on.

    Raises
    ------
    BenchError
        When the addend's steps are too large or too small beside the layer's.
    """
    assert exact.addend is not None
    size = abs(exact.addend.ratio)
    wanted = ADDEND_STEP_BITS + int(np.ceil(np.log2(size)))
    room = _room_bits(
        signed_range(ACC_OUT)[1] // 4,
        (float(exact.reach_lsb.max()) + max(map(abs, exact.addend_lsb))) / size - 2 * Q_MIN,
    )
    multiplier = _room_bits(signed_range(MUL_OPERAND)[1] - 255, float(np.abs(exact.ratio).max()) / size)
    shift_bits = min(max(wanted, 0), room, multiplier)
    if shift_bits < 0:
        kernel = int(np.argmax(np.abs(exact.ratio)))
        raise BenchError(
            f"kernel {kernel}: a step of the addend is worth {size:.6g} output steps and one of the accumulators "
            f"{abs(exact.ratio[kernel]):.6g}, reaching {exact.reach_lsb.max():.6g}: too far apart to be added"
        )
    return AddendStep(shift_bits, _factor(np.array([np.ldexp(size, -shift_bits)])))


def addend_program(name: str, exact: ExactLayer, step: AddendStep, *, streamed: bool) -> SdpProgram:
    """X1 brings accumulators to the addend's finer steps, X2 adds them, the output converter scales.

    A factor of the addend below 0 is that of the output converter, and X1's is turned over.

    Raises
    ------
    BenchError
        When a number cannot be represented, and for what the hardware does not have: an activation of what is turned
        over, slopes for each kernel beside an addend, an activation of a maximum whose addend has a zero point.
    """
    addend = exact.addend
    assert addend is not None
    turned = addend.ratio < 0
    # Where real zero is the least byte the output's saturation is the ReLU.
    relu = exact.relu and exact.zero_point != Q_MIN
    activated = relu or exact.slopes is not None
    if turned and activated:
        raise BenchError("it subtracts its addend before an activation, which X2 has not: swap the inputs")
    if exact.slopes is not None and np.ptp(exact.slopes) != 0:
        raise BenchError("it has slopes for each kernel and an addend: both take X2's one operand from memory")
    zero_steps = addend.zero_point << step.shift_bits
    zero_lsb = addend.ratio * addend.zero_point
    bias_lsb = exact.bias_lsb
    if addend.operation is not AluAlgo.SUM:
        if activated and zero_steps:
            raise BenchError(
                f"it takes the {addend.operation} with an addend of zero point {addend.zero_point}, then an activation"
            )
        bias_lsb = bias_lsb + zero_lsb
    elif activated:
        bias_lsb, zero_steps = bias_lsb - zero_lsb, 0
    sign = -1 if turned else 1
    factor = _factor(sign * exact.ratio / step.lsb, may_vanish=True)
    lost = np.where(factor.multipliers == 0, np.abs(bias_lsb), 0)
    for kernel in np.flatnonzero(lost > 1)[:1]:
        raise BenchError(
            f"kernel {kernel}: its factor is too small for a multiplier that would hold its bias of "
            f"{bias_lsb[kernel]:.6g} output steps beside an addend"
        )
    kept = factor.multipliers != 0
    alu, alu_shift_bits = bias_operands(
        np.divide(bias_lsb, exact.ratio, out=np.zeros_like(bias_lsb), where=kept), exact.ratio
    )
    x1, fields = _stage(
        "x1",
        StageIntegers(alu, alu_shift_bits, factor.multipliers.astype(np.int64), factor.shift_bits),
        relu=False, prelu=False, streamed=streamed,
    )  # fmt: skip
    slope = None if exact.slopes is None else _factor(exact.slopes[:1])
    x2 = XStage(
        bypass=False,
        alu_bypass=False,
        alu_algo=_turned_over(addend.operation) if turned else addend.operation,
        alu_source=Source.MEM,
        alu_shift_bits=step.shift_bits,
        mul_bypass=slope is None,
        mul_value=0 if slope is None else int(slope.multipliers[0]),
        mul_shift_bits=0 if slope is None else slope.shift_bits,
        prelu=slope is not None,
        relu=relu,
    )
    converter = Factor((sign * step.converter.multipliers).astype(np.int16), step.converter.shift_bits)
    offset = zero_steps + converter.offset_for(exact.zero_point)
    _check_offset(offset)
    return SdpProgram(
        name=name, x1=x1, x2=x2, takes_addend=True,
        output_converter=OutputConverter(
            offset=offset, scale=int(converter.multipliers[0]), shift_bits=converter.shift_bits
        ), **fields,
    )  # fmt: skip


def bias_operands(wanted: Reals, ratio: Reals) -> tuple[NDArray[np.int64], int]:
    """16-bit operands and the shortest left shift that all of them share.

    Parameters
    ----------
    wanted
        (K,), in steps of what the ALU adds to.
    ratio
        (K,), for the message.

    Raises
    ------
    BenchError
        When one does not fit 32 bits; the line names the kernel.
    """
    low, high = signed_range(ALU_OPERAND)
    for shift_bits in range(LONGEST_BIAS_SHIFT_BITS + 1):
        operands = round_to_nearest(np.ldexp(wanted, -shift_bits))
        if operands.min() >= low and operands.max() <= high:
            return operands.astype(np.int64), shift_bits
    kernel = int(np.argmax(np.abs(wanted)))
    raise BenchError(
        f"kernel {kernel}: bias of {wanted[kernel]:.9g} accumulator steps does not fit a 16-bit operand shifted "
        f"left by {LONGEST_BIAS_SHIFT_BITS}, ratio {ratio[kernel]:.9g}"
    )


def _split_bias(bias_lsb: Reals, factors: Reals, steps: Reals) -> tuple[NDArray[np.int64], int, Reals]:
    """X1's bias operands, their shift, and what is left for X2, in its steps: as little as any shift leaves."""
    low, high = signed_range(ALU_OPERAND)
    wanted = np.divide(bias_lsb, factors, out=np.zeros_like(bias_lsb), where=factors != 0)
    best: tuple[NDArray[np.int64], int, Reals] | None = None
    for shift_bits in range(LONGEST_BIAS_SHIFT_BITS + 1):
        operands = np.clip(round_to_nearest(np.ldexp(wanted, -shift_bits)), low, high)
        rest = (bias_lsb - np.ldexp(operands, shift_bits) * factors) / steps
        if best is None or np.abs(rest).max() < np.abs(best[2]).max():
            best = operands.astype(np.int64), shift_bits, rest
    assert best is not None
    return best


def _split_factors(sizes: Reals, step_bits: int) -> tuple[NDArray[np.int64], NDArray[np.int64], int, int]:
    """X1's and X2's multipliers (K,) and shifts whose products are nearest to factors that are not negative."""
    shift_bits = shared_shift(np.ldexp(sizes, step_bits), longest_shift_bits=LONGEST_SHIFT_BITS)
    second_shift_bits = step_bits + MUL_OPERAND - 2
    # From the largest first multiplier that gives steps as fine as that to half of it.
    firsts = np.ldexp(sizes, step_bits + shift_bits)[:, None]
    tried = np.maximum(round_to_nearest(firsts * (1 - np.arange(_SPLITS) / (2 * _SPLITS))), 1)
    products = np.ldexp(sizes, shift_bits + second_shift_bits)[:, None]
    seconds = np.clip(round_to_nearest(products / tried), 1, signed_range(MUL_OPERAND)[1])
    best = np.abs(tried * seconds - products).argmin(axis=1)[:, None]
    first, second = (np.take_along_axis(each, best, axis=1)[:, 0].astype(np.int64) for each in (tried, seconds))
    nothing = sizes == 0
    first[nothing], second[nothing] = 0, 1 << (MUL_OPERAND - 2)
    return first, second, shift_bits, second_shift_bits


def _factor(factors: Reals, *, may_vanish: bool = False) -> Factor:
    """Integers of factors; those that round to 0 are refused unless the caller lets them."""
    if may_vanish:
        shift_bits = shared_shift(factors, longest_shift_bits=LONGEST_SHIFT_BITS)
        factors = np.where(np.abs(np.ldexp(factors, shift_bits)) < 0.5, 0, factors)
    return shared_shift_factor(factors, longest_shift_bits=LONGEST_SHIFT_BITS)


def _stage(
    which: str, integers: StageIntegers, *, relu: bool, prelu: bool, streamed: bool
) -> tuple[XStage, dict[str, Any]]:
    """A stage's parameters, and its memory operands by their names in a program."""
    operands: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    for unit, values in (("alu", integers.alu), ("mul", integers.mul)):
        in_memory = values is not None and (streamed or np.ptp(values) != 0)
        sources[unit] = Source.MEM if in_memory else Source.REG
        if in_memory:
            assert values is not None
            operands[f"{which}_{unit}"] = values.astype(np.int16)
    in_register = {unit: source is Source.REG for unit, source in sources.items()}
    stage = XStage(
        bypass=False,
        alu_bypass=in_register["alu"] and not integers.alu.any(),
        alu_algo=AluAlgo.SUM,
        alu_source=sources["alu"],
        alu_value=int(integers.alu[0]) if in_register["alu"] else 0,
        alu_shift_bits=integers.alu_shift_bits,
        mul_bypass=integers.mul is None,
        mul_source=sources["mul"],
        mul_value=int(integers.mul[0]) if in_register["mul"] and integers.mul is not None else 0,
        mul_shift_bits=integers.mul_shift_bits,
        prelu=prelu,
        relu=relu,
    )
    return stage, operands


def _room_bits(limit: float, size: float) -> int:
    """How often ``size`` can be doubled without leaving ``limit``; below 0 when it does already."""
    return int(np.floor(np.log2(limit) - np.log2(np.clip(size, 2.0**-64, 2.0**64))))


def _turned_over(operation: AluAlgo) -> AluAlgo:
    return {AluAlgo.SUM: AluAlgo.SUM, AluAlgo.MAX: AluAlgo.MIN, AluAlgo.MIN: AluAlgo.MAX}[operation]


def _check_offset(offset: int) -> None:
    low, high = signed_range(OUT_OFFSET)
    if not low <= offset <= high:
        raise BenchError(f"the zero points become an offset of {offset}, which does not fit {OUT_OFFSET} bits")
