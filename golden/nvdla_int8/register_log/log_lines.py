"""Lines of a log as register accesses: C calls, shells, drivers, test benches, pairs of address and value."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from nvdla_int8.errors import BenchError
from nvdla_int8.register_log.access import Access, block_of, register_named
from nvdla_int8.register_log.numbers import is_bare, is_prefixed, looks_hex, number_of
from nvdla_int8.registers.register_map import find_register
from nvdla_int8.trace.text import check_data_name, shown

LONGEST_LINE = 1 << 12

WRITES = frozenset(
    ("write", "writel", "wr", "iowrite", "out", "poke", "mw", "mww", "mwr", "w", "writereg", "regwrite", "setreg")
)
READS = frozenset(
    ("read", "readl", "rd", "ioread", "in", "peek", "md", "mdw", "mrd", "r", "readreg", "regread", "getreg")
)
VALUE_FIRST = frozenset(("writel", "iowrite"))
"""Linux's functions, which take the value before the address."""

_PROMPT = re.compile(
    r"^[^\n]{0,80}?[#$>]\s+(?=(?:sudo\s+|busybox\s+|\./)*(?:devmem2?|mw|md|poke|peek|mww|mdw|mwr|mrd)\b)"
)
_COMMENT = re.compile(r"//|#|/\*|--\s")
_NAME_IN_COMMENT = re.compile(r"NVDLA_(\w+?)\.(\w+)")
_WORD = re.compile(r"[A-Za-z_][\w]*(?:(?:\.|->)[A-Za-z_]\w*)*")
_NAMED_BASE = re.compile(r"(?<![\w'])[A-Za-z_][\w.]*(?:->\w+)*\s*[+|]|[+|]\s*[A-Za-z_][\w.]*(?:->\w+)*(?!\w)")
_BARE = re.compile(r"[0-9a-fA-F]{3,16}")
_NAME = re.compile(r"[A-Za-z_][\w.]{0,60}", re.ASCII)
_CALL = re.compile(r"([A-Za-z_]\w*)\s*\((.*)\)\s*[;,]?\s*(?:(?:=|->|==|:)\s*(\S+))?\s*")
_STORE = re.compile(
    r"(?:set\s+)?\*\s*\(?\s*\(\s*(?:volatile\s+|unsigned\s+)*\w+\s*\*\s*\)\s*([^=]+?)\s*=\s*([^=;]+?)\s*;?\s*"
)
_PAIR = re.compile(
    r"[\[({@]*\s*([A-Za-z_][\w.>-]*|0[xX]\w+|[0-9a-fA-F]{3,16})\s*[\])]?\s*(?::=|<=|<-|=>|->|[:=,;|]|\s)\s*"
    r"(0[xX]\w+|\d+'h\w+|-?[0-9a-fA-F]+)[uUlL]*\s*[})]*\s*[;,]?\s*"
)
_VIRTUAL_PLATFORM = re.compile(r"iswrite=([01])\s+addr=(\w+)\s+len=(\d+)\s+data=0x\s*([0-9a-fA-F]+)")
_OPERAND = re.compile(r"(?<![\w.'])(?:0[xX]\w+|\d{1,3}'[hH]\w+|\d+|[0-9a-fA-F]{4,16})(?![\w.])")
_OF_A_PAIR = re.compile(r"\b(?:addr(?:ess)?|reg(?:ister)?|offset|off|val(?:ue)?|data|wdata|rdata)\b", re.IGNORECASE)
_LOAD = re.compile(r"load_mem\s+(\w+)\s+\w+\s+(\S+)")
_COMMAND_MODEL = re.compile(r"\b(Addr|Data|Is write):\s*(?:0x)?([0-9a-fA-F]+)\s*$")


class LogLines:
    """Reads the lines of a log one after the other.

    Attributes
    ----------
    skipped
        Lines so far that hold no register access.
    loads
        Addresses and files that NVIDIA's test bench loads into memory (``load_mem``).
    """

    def __init__(self) -> None:
        self.skipped = 0
        self.loads: list[tuple[int, str]] = []
        self._command_model: dict[str, int] = {}

    def accesses(self, lines: Sequence[str]) -> Iterator[Access]:
        """Every access; BenchError with the line for one that cannot be read."""
        for number, line in enumerate(lines, start=1):
            try:
                access = self._access(line, number) if len(line) <= LONGEST_LINE else None
            except BenchError as error:
                raise BenchError(f"line {number}: {error}") from None
            if access is not None:
                yield access
            elif line.strip() and not line.lstrip().startswith(("#", "//", "/*", "*")):
                self.skipped += 1

    def _access(self, line: str, number: int) -> Access | None:
        pair = _pair(line, number)
        if pair is not None:
            return pair
        load = _LOAD.match(line)
        if load:
            self.loads.append((number_of(load[1], bare_is_hex=True), check_data_name(load[2])))
            return None
        platform = _VIRTUAL_PLATFORM.search(line)
        if platform:
            if "dbb_adaptor" in line or "sram_adaptor" in line:  # memory, not registers
                return None
            if platform[3] != "4":
                raise BenchError(f"{shown(platform[0])}: a register has 4 bytes")
            return _made(number, platform[2], platform[4], writes=platform[1] == "1", bare_is_hex=True)
        modelled = _COMMAND_MODEL.search(line)
        if modelled:
            return self._of_command_model(number, modelled[1], int(modelled[2], 16))
        line = _PROMPT.sub("", line)
        comment = _COMMENT.search(line)
        body = line[: comment.start()].strip() if comment else line.strip()
        if not body:
            return None
        hint = _hinted(line[comment.start() :]) if comment else None
        access = _of_body(body, number)
        return replace(access, place=hint) if access is not None and hint else access

    def _of_command_model(self, number: int, what: str, value: int) -> Access | None:
        """NVIDIA's C model prints address, data and direction in lines of their own."""
        self._command_model[what] = value
        if what != "Is write" or set(self._command_model) != {"Addr", "Data", "Is write"}:
            return None
        told, self._command_model = self._command_model, {}
        return Access(number, told["Addr"], told["Data"] & 0xFFFF_FFFF, bool(told["Is write"]))


def _pair(text: str, number: int) -> Access | None:
    """An address or a register's name, and a value, and nothing else; None for any other text."""
    pair = _PAIR.fullmatch(text)
    if pair is None or not _is_place(pair[1]):
        return None
    return _made(number, pair[1], pair[2], writes=None, bare_is_hex=not is_prefixed(pair[1]))


def _of_body(body: str, number: int) -> Access | None:
    store = _STORE.fullmatch(body)
    if store:
        return _made(number, _balanced(store[1]), store[2], writes=True)
    call = _CALL.search(body)
    if call and (direction := _direction((call[1],))) is not None:
        return _of_call(number, call, direction)
    words = [word for word in _WORD.findall(body) if register_named(word) is None]
    first = body.split(None, 1)[0].lower()
    if first in ("write_reg", "read_reg"):
        return _of_test_bench(number, body.split(), writes=first == "write_reg")
    if first in ("devmem", "devmem2"):
        return _of_devmem(number, body.split())
    pair = _pair(body, number)
    if pair is not None:
        return pair
    direction = _direction(words)
    if direction is None and len(_OF_A_PAIR.findall(body)) < 2:
        return None
    return _of_words(number, body, direction)


def _balanced(text: str) -> str:
    """Without the parentheses that close what is before the text."""
    while text.endswith(")") and text.count(")") > text.count("("):
        text = text[:-1].rstrip()
    return text


def _is_place(text: str) -> bool:
    """Whether a word is an address or a register's name."""
    return is_prefixed(text) or _BARE.fullmatch(text) is not None or register_named(text) is not None


def _direction(words: Sequence[str]) -> bool | None:
    """True for a write, False for a read, None when no word says."""
    for word in words:
        parts = {part.rstrip("0123456789") for part in word.lower().replace(".", "_").split("_")}
        if parts & WRITES:
            return True
        if parts & READS:
            return False
    return None


def _of_call(number: int, call: re.Match[str], writes: bool) -> Access | None:
    function, arguments = call[1], _arguments(call[2])
    block = block_of(function)
    if not writes:
        return _made(number, arguments[-1], call[3], writes=False, block=block) if arguments else None
    if len(arguments) < 2:
        raise BenchError(f"{shown(call[0])} takes an address and a value")
    parts = {part.rstrip("0123456789") for part in function.lower().split("_")}
    place, value = reversed(arguments[-2:]) if parts & VALUE_FIRST else arguments[-2:]
    return _made(number, place, value, writes=True, block=block)


def _arguments(text: str) -> list[str]:
    """Arguments between commas that are in no parentheses."""
    found, depth, begin = [], 0, 0
    for at, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and not depth:
            found.append(text[begin:at].strip())
            begin = at + 1
    return [*found, text[begin:].strip()] if text.strip() else []


def _of_test_bench(number: int, words: Sequence[str], *, writes: bool) -> Access | None:
    """``write_reg ADDRESS DATA`` and ``read_reg ADDRESS MASK [COMPARISON] EXPECTED [POLLS]``."""
    if len(words) < 3:
        raise BenchError(f"{shown(' '.join(words))}: takes an address and {'data' if writes else 'a mask and data'}")
    value = words[2] if writes else words[4 if len(words) > 4 and words[3] in ("==", "<=", ">=") else -1]
    return _made(number, words[1], value, writes=writes)


def _of_devmem(number: int, words: Sequence[str]) -> Access | None:
    """``devmem ADDRESS [WIDTH [VALUE]]``."""
    if len(words) < 2:
        return None
    writes = len(words) > 3
    if writes and words[2].lower() not in ("w", "32"):
        raise BenchError(f"{shown(' '.join(words))}: registers are written in words of 32 bits (w)")
    return _made(number, words[1], words[3] if writes else None, writes=writes)


def _of_words(number: int, body: str, writes: bool | None) -> Access | None:
    """A line with a verb, an address or a register's name, and a value, in this order."""
    named = next(((found, register) for found in _WORD.finditer(body) if (register := register_named(found[0]))), None)
    rest = body[named[0].end() :] if named else body
    operands = [found[0] for found in _OPERAND.finditer(rest)]
    if named is None:
        marked = [at for at, operand in enumerate(operands) if is_prefixed(operand)]
        if not marked and (writes is None or len(operands) < 2):
            return None
        operands = operands[marked[0] if marked else 0 :]
        place, operands = operands[0], operands[1:]
    else:
        place = named[1]
    marked_values = [operand for operand in operands if is_prefixed(operand)]
    value = next(iter(marked_values or operands), None)
    if value is None:
        if writes and is_prefixed(place):
            raise BenchError(f"{shown(body)} writes no value")
        return None
    return _made(number, place, value, writes=writes)


def _made(
    number: int,
    place: str,
    value: str | None,
    *,
    writes: bool | None,
    block: str | None = None,
    bare_is_hex: bool = False,
) -> Access:
    """An access from its texts; BenchError for what is no register, address or 32-bit value."""
    place = place.strip().strip("&")
    name = register_named(place) or (register_named(f"{block}_{place}") if block else None)
    found = _address(place) if name is None else name
    if value is None:
        return Access(number, found, None, writes)
    value = value.rstrip(";,)")
    word = number_of(value, bare_is_hex=bare_is_hex)
    if word >> 32:
        raise BenchError(f"{shown(value)} does not fit 32 bits")
    digits = value if is_bare(value) and not bare_is_hex else ""
    return Access(number, found, word, writes, digits, bool(digits) and looks_hex(digits))


def _address(text: str) -> int:
    """An address, perhaps a sum with a base that has a name."""
    for part in reversed(re.split(r"[+|]", text)):
        part = part.strip(" ()&")
        name = register_named(part)
        if name is not None:
            return find_register(name).address
    known = _NAMED_BASE.sub("", text)
    block = block_of(text) if _NAME.fullmatch(text) and not is_prefixed(text) else None
    if block is not None:
        name = text.upper().removeprefix("NVDLA_").removesuffix("_0")
        find_register(f"{block}.{name[len(block) + 1 :]}")  # names similar ones
    return number_of(known, bare_is_hex=True)


def _hinted(comment: str) -> str | None:
    """The register that NVIDIA's comment behind an access names, which text may follow without a blank."""
    found = _NAME_IN_COMMENT.search(comment)
    if found is None:
        return None
    text = found[2]
    while text:
        name = register_named(f"{found[1]}.{text}") if text.endswith("_0") else None
        if name is not None:
            return name
        text = text[:-1]
    return None
