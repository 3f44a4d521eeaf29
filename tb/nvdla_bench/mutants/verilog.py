"""Faults in Verilog source: operators that know expressions and statements of the core's style, not its lines."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from nvdla_bench.mutants.mutant import Mutant

Change = tuple[int, str, str]
"""Offset, old and new text."""

BLANK = re.compile(r"//[^\n]*|/\*.*?\*/|^`[^\n]*|\bfor \([^\n]*\)", re.DOTALL | re.MULTILINE)
"""Comments, directives, and loops, which would not end."""

BODY = re.compile(r"^\);", re.MULTILINE)
"""The end of a module's ports."""

SWAPS = {
    " + ": " - ", " - ": " + ", " < ": " <= ", " > ": " >= ", " >= ": " > ", " == ": " != ", " != ": " == ",
    " && ": " || ", " || ": " && ", " & ": " | ", " | ": " & ", " ^ ": " | ", " << ": " >> ", " >> ": " << ",
}  # fmt: skip
SWAP = re.compile("|".join(re.escape(text) for text in SWAPS))
LITERAL = re.compile(r"(\d+)'d(\d+)")
BIT = re.compile(r"1'b[01]")
ONE_MORE = re.compile(r" [+-] (?:1'b1|\d+'d1|\{\{[^{}]*\{1'b0\}\}, 1'b1\})")
ARMS = re.compile(r"\? ([\w']+(?:\[[^\]\n]*\])?) : ([\w']+(?:\[[^\]\n]*\])?)")
ASSIGNMENT = re.compile(r"(?<=[\s)])(\w+(?:\[[^\]\n]*\])?)\s*<= ([^;]+);")
REGISTER = re.compile(r"\breg\s+(?:signed\s+)?\[([^\]:]+):0\]\s+(\w+)\s*;")
WIRE = re.compile(r"\bwire\s+\[([^\]:]+):0\]\s+\w+\s*= ([^;]+);")
MASK = re.compile(r"& (\d+)'h([0-9a-f]+)$")
RESET = re.compile(r"if \(!(\w*rst\w*)\)")
CONDITION = re.compile(r"\bif \(")


def code_of(text: str) -> str:
    """The text with blanks for comments, directives, loops and all before the module's body; every offset stays."""
    code = BLANK.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)
    body = BODY.search(code)
    start = body.end() if body else 0
    return re.sub(r"[^\n]", " ", code[:start]) + code[start:]


def off_by_one(code: str) -> Iterator[Change]:
    """A number one too large or small, or a step left out."""
    for found in LITERAL.finditer(code):
        width, value = int(found.group(1)), int(found.group(2))
        for other in (value + 1, value - 1):
            if 0 <= other < 1 << width:
                yield found.start(), found.group(), f"{width}'d{other}"
    for found in ONE_MORE.finditer(code):
        yield found.start(), found.group(), ""


def swapped_operator(code: str) -> Iterator[Change]:
    """Another operator; an assignment's arrow is none."""
    for found in SWAP.finditer(code):
        yield found.start(), found.group(), SWAPS[found.group()]


def constant(code: str) -> Iterator[Change]:
    """A constant bit inverted."""
    for found in BIT.finditer(code):
        yield found.start(), found.group(), "1'b1" if found.group().endswith("0") else "1'b0"


def inverted_condition(code: str) -> Iterator[Change]:
    """An if the other way round, or the arms of a choice exchanged."""
    for found in CONDITION.finditer(code):
        end = _closing(code, found.end() - 1)
        condition = code[found.end() : end]
        if not RESET.match(found.group() + condition + ")"):
            yield found.end(), condition, f"!({condition})"
    for found in ARMS.finditer(code):
        yield found.start(), found.group(), f"? {found.group(2)} : {found.group(1)}"


def lost_bits(code: str) -> Iterator[Change]:
    """A register or wire that never gets its highest bit, or the upper half of its bits."""
    widths = {found.group(2): found.group(1).strip() for found in REGISTER.finditer(code)}
    places = [(found.start(2), found.group(1).strip(), found.group(2)) for found in WIRE.finditer(code)]
    places += [
        (found.start(2), widths[found.group(1)], found.group(2))
        for found in ASSIGNMENT.finditer(code)
        if found.group(1) in widths and not _in_reset(code, found.start())
    ]
    for at, highest, value in places:
        masked = MASK.search(value)
        bits, ones = (int(masked.group(1)), int(masked.group(2), 16)) if masked else (0, 0)
        for count, kept in ((bits - 1, f"({highest})"), (bits // 2, f"(({highest} + 1) / 2)")):
            if masked and not ones >> count:
                continue  # the bits that would be lost are 0 anyway
            mask = f"{{{{(({highest} + 1) - {kept}){{1'b0}}}}, {{{kept}{{1'b1}}}}}}"
            yield at, value, f"({value}) & {mask}"


def removed_assignment(code: str) -> Iterator[Change]:
    """A register keeps what it holds."""
    for found in ASSIGNMENT.finditer(code):
        if not _in_reset(code, found.start()):
            yield found.start(), found.group(), ";"


def blocked_reset(code: str) -> Iterator[Change]:
    """A register, or all of a block, that reset leaves alone."""
    for found in RESET.finditer(code):
        yield found.start(), found.group(), "if (1'b0)"
    for found in ASSIGNMENT.finditer(code):
        if _in_reset(code, found.start()):
            yield found.start(), found.group(), ";"


OPERATORS: Mapping[str, Callable[[str], Iterator[Change]]] = {
    "off by one": off_by_one,
    "swapped operator": swapped_operator,
    "constant": constant,
    "inverted condition": inverted_condition,
    "lost bits": lost_bits,
    "removed assignment": removed_assignment,
    "blocked reset": blocked_reset,
}


def mutants_of(path: Path, operator: str) -> list[Mutant]:
    """All faults that an operator makes of a file."""
    code = code_of(path.read_text())
    return [Mutant("rtl", operator, path.name, *change) for change in OPERATORS[operator](code)]


def draw(random: np.random.Generator, sources: list[Path], count: int) -> list[Mutant]:
    """So many different faults, or all there are: every module as likely as any other, then every operator.

    Parameters
    ----------
    random
        The source of every choice.
    sources
        Files, each with one module.
    """
    left = {path: {name: mutants_of(path, name) for name in OPERATORS} for path in sources}
    drawn: list[Mutant] = []
    while len(drawn) < count:
        left = {path: {name: some for name, some in kinds.items() if some} for path, kinds in left.items()}
        left = {path: kinds for path, kinds in left.items() if kinds}
        if not left:
            break
        kinds = left[list(left)[int(random.integers(len(left)))]]
        some = kinds[list(kinds)[int(random.integers(len(kinds)))]]
        drawn.append(some.pop(int(random.integers(len(some)))))
    return drawn


def _closing(code: str, at: int) -> int:
    """Where the parenthesis that opens at a place is closed."""
    depth = 0
    for index in range(at, len(code)):
        depth += {"(": 1, ")": -1}.get(code[index], 0)
        if not depth:
            return index
    return len(code)


def _in_reset(code: str, at: int) -> bool:
    """Whether a statement is one of those that a reset begins with."""
    start = max((found.end() for found in RESET.finditer(code, 0, at)), default=-1)
    if start < 0:
        return False
    between = code[start:at]
    if not between.lstrip().startswith("begin"):
        return between.count(";") == 0 and "else" not in between
    depth = 0
    for word in re.findall(r"\b(begin|end)\b", between):
        depth += 1 if word == "begin" else -1
        if not depth:
            return False
    return True
