"""Faults in the model's Python: operators on its syntax tree, put into the source as text."""

import ast
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nvdla_bench.mutants.mutant import Mutant

ROOMS = ("stages", "surfaces", "device", "beats")
"""Rooms of the model in which a fault would change what the hardware is held against."""

COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "-", ast.Sub: "+", ast.LShift: ">>", ast.RShift: "<<", ast.BitAnd: "|", ast.BitOr: "&", ast.FloorDiv: "*",
    ast.Mod: "//",
}  # fmt: skip
LONGEST = 60
"""Characters of an expression; longer ones hold others."""


class _Source:
    """A file's text, by the places of the syntax tree."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._lines = [0]
        for line in text.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))

    def start(self, node: ast.expr) -> int:
        return self._lines[node.lineno - 1] + node.col_offset

    def of(self, node: ast.expr) -> str:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.text[self.start(node) : self._lines[node.end_lineno - 1] + node.end_col_offset]


def mutants_of(path: Path, folder: Path) -> list[Mutant]:
    """All faults of a file of the model below ``folder``."""
    text = path.read_text()
    if not text.isascii():  # the tree counts bytes
        return []
    source, name = _Source(text), path.relative_to(folder).as_posix()
    return [
        Mutant("model", operator, name, source.start(node), source.of(node), new)
        for node in ast.walk(_without_annotations(ast.parse(text)))
        if isinstance(node, ast.expr) and len(source.of(node)) <= LONGEST
        for operator, new in _changes(node, source)
    ]


def draw(random: np.random.Generator, folder: Path, count: int) -> list[Mutant]:
    """So many different faults of :data:`ROOMS`, every file as likely as any other."""
    files = [path for room in ROOMS for path in sorted((folder / room).rglob("*.py"))]
    left = {path: some for path in files if (some := mutants_of(path, folder))}
    drawn: list[Mutant] = []
    while len(drawn) < count and left:
        path = list(left)[int(random.integers(len(left)))]
        drawn.append(left[path].pop(int(random.integers(len(left[path])))))
        left = {one: some for one, some in left.items() if some}
    return drawn


def _changes(node: ast.expr, source: _Source) -> Iterator[tuple[str, str]]:
    match node:
        case ast.Compare(left=left, ops=[operator], comparators=[right]) if type(operator) in COMPARISONS:
            yield "swapped operator", f"{source.of(left)} {COMPARISONS[type(operator)]} {source.of(right)}"
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in ARITHMETIC:
            yield "swapped operator", f"({source.of(left)}) {ARITHMETIC[type(operation)]} ({source.of(right)})"
        case ast.BoolOp(op=joined, values=[left, right]):
            word = "or" if isinstance(joined, ast.And) else "and"
            yield "swapped operator", f"({source.of(left)}) {word} ({source.of(right)})"
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "inverted condition", f"bool({source.of(operand)})"
        case ast.IfExp(test=test, body=body, orelse=other):
            yield "inverted condition", f"{source.of(other)} if {source.of(test)} else {source.of(body)}"
        case ast.Constant(value=bool(value)):
            yield "constant", str(not value)
        case ast.Constant(value=int(value)):
            yield "off by one", str(value + 1)
        case _:
            return


def _without_annotations(tree: ast.Module) -> ast.Module:
    """The tree without types: a fault in them shows when the module is read, if at all."""
    for node in ast.walk(tree):
        match node:
            case ast.AnnAssign():
                node.annotation = node.target
            case ast.arg():
                node.annotation = None
            case ast.FunctionDef():
                node.returns = None
            case ast.ClassDef():
                node.decorator_list = []
            case ast.Assign(value=ast.BinOp(op=ast.BitOr(), right=ast.Name(id=name))) if name[:1].isupper():
                node.value = node.targets[0]
            case _:
                continue
    return tree
