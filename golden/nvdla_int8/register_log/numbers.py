"""Numbers and sums of numbers as they stand in logs and in C code."""

import ast
import operator
import re

from nvdla_int8.errors import BenchError
from nvdla_int8.trace.text import shown

LONGEST = 100
"""Signs of an expression."""

_PREFIXED = re.compile(r"(?:0[xX]|\d{0,3}'[hH])([0-9a-fA-F](?:_?[0-9a-fA-F]){0,31})[uUlL]{0,3}")
_CAST = re.compile(r"\(\s*(?:const\s+|volatile\s+|unsigned\s+)*(?:u?int\d*(?:_t)?|u?long|u32|u64|char|void)\s*\**\s*\)")
_IN_PYTHON = re.compile(r"(?:0[xX]|\d{0,3}'[hH])([0-9a-fA-F_]+)[uUlL]*|(?<![\w.])(\d+)[uUlL]*(?!\w)")
_SIGNS = re.compile(r"[0-9a-fA-FxX+*|&<()\s~-]+")
_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.LShift: operator.lshift,
}


def is_prefixed(text: str) -> bool:
    """Whether a word is a number that is marked as hex."""
    return _PREFIXED.fullmatch(text) is not None


def is_bare(text: str) -> bool:
    """Whether a word is a number that is not marked as hex."""
    return re.fullmatch("[0-9a-fA-F]+", text) is not None


def looks_hex(text: str) -> bool:
    """Whether a number without a mark is hex: with a letter, or a leading zero."""
    return not text.isdecimal() or (len(text) > 1 and text[0] == "0")


def number_of(text: str, *, bare_is_hex: bool) -> int:
    """A number, or a sum or product of numbers as in C code, of at most 64 bits.

    Parameters
    ----------
    text
        ``0x10``, ``16``, ``5*8``, ``(1 << 4) | 3``, ``(uint32_t)0x1u``, ``32'h10``.
    bare_is_hex
        Whether a number without a mark is hex; one with a letter or a leading zero is.

    Raises
    ------
    BenchError
        It is none.
    """
    text = _CAST.sub("", text).strip()
    if len(text) > LONGEST:
        raise BenchError(f"{shown(text)} is no number")
    found = _PREFIXED.fullmatch(text)
    if found:
        value = int(found[1], 16)
    elif re.fullmatch(r"[0-9a-fA-F]+", text):
        value = int(text, 16 if bare_is_hex or looks_hex(text) else 10)
    elif re.fullmatch(r"-\d+", text):
        value = int(text) & 0xFFFF_FFFF if int(text) >= -(1 << 31) else 1 << 64
    else:
        value = _evaluated(text)
    if not 0 <= value < 1 << 64:
        raise BenchError(f"{shown(text)} does not fit 64 bits")
    return value


def _evaluated(text: str) -> int:
    plain = _IN_PYTHON.sub(_decimal, text)
    try:
        if not _SIGNS.fullmatch(plain):
            raise ValueError
        return _value(ast.parse(plain.strip(), mode="eval").body)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        raise BenchError(f"{shown(text)} is no number") from None


def _decimal(found: re.Match[str]) -> str:
    return str(int(found[1].replace("_", "") or "0", 16) if found[1] else int(found[2]))


def _value(node: ast.expr) -> int:
    match node:
        case ast.Constant(value=int(value)):
            return value
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            one, other = _value(left), _value(right)
            if max(abs(one), abs(other)) >> 64 or (isinstance(sign, ast.LShift) and not 0 <= other < 64):
                raise ValueError
            result: int = _OPERATORS[type(sign)](one, other)
            return result
        case ast.UnaryOp(op=ast.Invert(), operand=operand):
            return ~_value(operand) & 0xFFFF_FFFF
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case _:
            raise ValueError
