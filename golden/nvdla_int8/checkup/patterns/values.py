"""What wrong bytes are: one value, old memory, saturated, without sign, off by a constant, with one bit wrong."""

from collections.abc import Iterator

import numpy as np

from nvdla_int8.checkup.expected import CLEARED, LOADED, writers_before
from nvdla_int8.checkup.patterns.wrong_output import FEW_BYTES, FEW_VALUES, Mask, WrongOutput
from nvdla_int8.device.sdp_layer import SdpLayer
from nvdla_int8.quantise.rounding import Q_MAX, Q_MIN
from nvdla_int8.stages.widths import FEATURE

ONE_BIT = 1 << (FEATURE - 1)
"""A difference that is the sign's bit alone."""

LINE_BYTES = (64, 32)
"""Cache lines, the longer first."""

SCALES = ((2, 1, "twice"), (4, 1, "four times"), (1, 2, "half of"), (1, 4, "a quarter of"))
FEW_BITS = 2
"""More bits that are wrong say little: a difference of one may carry through all of them."""

LEAST_SCALED = 8
"""Bytes that are all smaller cannot tell a factor from noise."""


def find_values(output: WrongOutput) -> Iterator[str]:
    """Sentences on the wrong bytes' values, each of them true of all."""
    old = list(_old_memory(output))
    yield from old
    if not old:
        yield from _one_value(output)
    if output.count < FEW_BYTES:
        return
    yield from _ends(output)
    yield from _signs(output)
    differences = list(_differences(output))
    yield from differences or _scaled(output)
    yield from _bits(output)


def _old_memory(output: WrongOutput) -> Iterator[str]:
    wrong = output.wrong
    if not np.array_equal(output.actual[wrong], output.before[wrong]):
        return
    whole = bool((output.actual == output.before)[output.known].all())
    what = f" ({_what_was_there(output)})"
    if whole:
        count = f"all {int(output.known.sum()):,} bytes compared"
        yield f"{count} are what lay there before the layer ran{what}: perhaps none was written"
    elif output.count >= FEW_BYTES:
        lines = next((size for size in LINE_BYTES if _whole_lines(output, size)), 0)
        yield f"the wrong bytes are what lay there before the layer ran{what}"
        if lines:
            yield f"they are whole lines of {lines} bytes, as of a cache; all other lines are right"


def _what_was_there(output: WrongOutput) -> str:
    addresses = np.sort(output.addresses[output.wrong])
    writers = writers_before(output.timeline, output.layer, addresses)
    values = np.unique(output.before[output.wrong])
    parts = [f"all {_signed(int(values[0]))}"] if values.size == 1 else []
    for writer in np.unique(writers)[::-1][:2]:
        if writer >= 0:
            parts.append(f"the output of layer {output.timeline.layers[writer].name}")
        else:
            parts.append(
                {LOADED: "loaded by software", CLEARED: "cleared by software"}.get(int(writer), "never written")
            )
    return ", ".join(parts)


def _whole_lines(output: WrongOutput, size: int) -> bool:
    """Whether the wrong bytes are lines in which everything is old, and there are lines that are as they should be."""
    lines = output.addresses // size
    stale = np.isin(lines, np.unique(lines[output.wrong]))
    stale &= output.known
    fresh = output.known & ~stale
    old = bool((output.actual == output.before)[stale].all())
    return old and bool((output.expected != output.before)[fresh].any())


def _one_value(output: WrongOutput) -> Iterator[str]:
    known = output.actual[output.known]
    values = np.unique(output.actual[output.wrong])
    if np.unique(known).size == 1:
        yield f"all {known.size:,} bytes compared are {_signed(int(known[0]))}"
    elif values.size == 1 and output.count >= FEW_BYTES:
        yield f"all wrong bytes are {_signed(int(values[0]))}"


def _ends(output: WrongOutput) -> Iterator[str]:
    """Bytes at an end of int8."""
    for values, sentence in (
        (output.wrong_values, "the wrong bytes are all {}: saturated"),
        (output.right_values, "bytes are wrong only where {} is right: where the last clip is at work"),
    ):
        ends = np.unique(values)
        if np.isin(ends, (Q_MIN, Q_MAX)).all() and (ends.size == 2 or values is output.right_values):
            yield sentence.format(" or ".join(str(end) for end in ends[::-1]))


def _signs(output: WrongOutput) -> Iterator[str]:
    right, wrong = output.right_values, output.wrong_values
    all_right = output.expected.view(np.int8)[output.known]
    all_actual = output.actual.view(np.int8)[output.known]
    if (all_actual >= 0).all() and (all_right < 0).any():
        if np.array_equal(np.maximum(all_right, 0), all_actual):
            yield "the bytes are the right ones with 0 for all that is negative: a ReLU too many"
        else:
            yield f"no byte is negative, {int((all_right < 0).sum()):,} of the right ones are: a ReLU too many?"
    if (wrong < 0).all() and (right == 0).all() and (all_right >= 0).all():
        yield "all wrong bytes are negative where 0 is right, and no right one is negative: a ReLU is missing?"
    if np.array_equal(wrong, np.clip(-right, Q_MIN, Q_MAX)) and np.unique(right).size >= FEW_VALUES:
        yield "the wrong bytes are the right ones with the other sign"


def _differences(output: WrongOutput) -> Iterator[str]:
    """Wrong bytes that are off by a constant, or by one."""
    difference = output.wrong_values - output.right_values
    apart = np.unique(difference)
    share = f"{output.count / int(output.known.sum()):.3%} of the bytes"
    if np.array_equal(apart, (-1, 1)):
        away = np.sign(output.right_values) == difference
        toward = np.sign(output.right_values) == -difference
        side = "further from 0" if away.all() else "nearer to 0" if toward.all() else "too large or too small"
        yield f"the wrong bytes, {share}, are exactly 1 {side}{_ties(output)}"
    elif (np.abs(apart) == ONE_BIT).all():
        return  # told of the bit
    elif apart.size == 1:
        by = int(apart[0])
        size = "large" if by > 0 else "small"
        yield f"the wrong bytes, {share}, are exactly {abs(by)} too {size}{_ties(output) if abs(by) == 1 else ''}"
    elif (wrapped := np.unique(difference % (1 << FEATURE))).size == 1:
        yield f"the wrong bytes are {int(wrapped[0])} too large, wrapped to 8 bits"


def _ties(output: WrongOutput) -> str:
    """Whether the output converter's rounding has to do with it: where exactly half a step is left over."""
    ties = _tie_places(output)
    if ties is None or not ties[output.known].any():
        return ""
    at_ties = ties[output.wrong]
    if at_ties.all():
        every = ", and there always" if np.array_equal(ties & output.known, output.wrong) else ""
        return f", only where the output converter rounds exactly half a step{every}"
    return "" if at_ties.any() else ", never where the output converter rounds exactly half a step"


def _tie_places(output: WrongOutput) -> Mask | None:
    run = output.layer.run
    if run.sdp is None or run.pooling is not None or run.lrn is not None:
        return None
    converter = SdpLayer(run.registers, output.timeline.build).output_converter
    if not converter.shift_bits:
        return None
    product = (run.sdp.x2[output.lanes].astype(np.int64) - converter.offset) * converter.scale
    half = 1 << (converter.shift_bits - 1)
    ties: Mask = product & (2 * half - 1) == half
    return ties


def _scaled(output: WrongOutput) -> Iterator[str]:
    right = output.expected.view(np.int8)[output.known].astype(np.int64)
    actual = output.actual.view(np.int8)[output.known]
    if np.unique(right).size < LEAST_SCALED or np.abs(right).max() < LEAST_SCALED:
        return
    for times, over, words in SCALES:
        low, high = (np.clip((times * right + side * over) // over, Q_MIN, Q_MAX) for side in (-1, 1))
        if ((actual >= low) & (actual <= high)).all():
            yield f"every byte is {words} the right one, to within one"


def _bits(output: WrongOutput) -> Iterator[str]:
    changed = output.actual[output.wrong] ^ output.expected[output.wrong]
    bits = [bit for bit in range(FEATURE) if (changed >> bit & 1).any()]
    if (changed == 0xFF).all():
        yield "in the wrong bytes every bit is inverted"
    elif len(bits) == 1:
        held = np.unique(output.actual[output.known] >> bits[0] & 1)
        stuck = f", which is {held[0]} in every byte" if held.size == 1 else ""
        yield f"only bit {bits[0]} is wrong{stuck}"
    elif len(bits) <= FEW_BITS:
        yield f"only bits {' and '.join(map(str, bits))} are wrong"


def _signed(byte: int) -> str:
    return str(byte - 256 if byte > Q_MAX else byte)
