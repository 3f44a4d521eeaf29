"""Scales, shifts and offsets of converters as real numbers and in words."""


def real_factor(scale: int, shift_bits: int, width: int) -> float:
    """The real factor of a scale and a shift; a shift of the whole operand gives 0."""
    return 0.0 if shift_bits >= width else scale / 2**shift_bits


def less(what: str, offset: int) -> str:
    """A value with an offset subtracted."""
    return f"({what} {'-' if offset > 0 else '+'} {abs(offset)})" if offset else what
