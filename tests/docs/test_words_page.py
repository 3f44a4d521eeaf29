"""docs/words.md: every word has one line, and the file, class or module that it names exists."""

import ast
import re
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT

PAGE = (DOCS / "words.md").read_text()
PLACES = [ROOT / "golden" / "nvdla_int8", ROOT / "tb" / "nvdla_bench", ROOT / "rtl"]


def rows(page: str) -> list[list[str]]:
    """The cells of the page's table, without its head."""
    table = [line for line in page.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[1:]]


def defined_names(path: Path) -> set[str]:
    """What a Python file defines at its top, or the modules of a Verilog file."""
    text = path.read_text()
    if path.suffix != ".py":
        return set(re.findall(r"^module (\w+)", text, re.MULTILINE))
    names = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def wrong_places(page: str) -> list[str]:
    """Files that do not exist, or are in two places, and names that their file does not define."""
    wrong = []
    for word, _, where in rows(page):
        defined: set[str] = set()
        for code in re.findall(r"`([^`]+)`", where):
            if "." in code:
                found = [place / code for place in PLACES if (place / code).is_file()]
                if len(found) != 1 and not code.endswith("__init__.py"):
                    wrong.append(f"{word}: {code} is in {len(found)} places")
                defined = set().union(*map(defined_names, found))
            elif code not in defined:
                wrong.append(f"{word}: {code} is not defined there")
    return wrong


def test_every_place_exists() -> None:
    assert len(rows(PAGE)) > 20
    assert wrong_places(PAGE) == []


def test_every_word_has_one_line() -> None:
    words = [word for cell, *_ in rows(PAGE) for word in cell.split(", ")]
    assert len(set(words)) == len(words)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("`build.py`", "`builds.py`", "build: builds.py is in 0 places"),
        ("`LayerProgram` |", "`LayersProgram` |", "layer program: LayersProgram is not defined there"),
        ("`nvdla_csb_slave` |", "`nvdla_csb_master` |", "CSB slave: nvdla_csb_master is not defined there"),
    ],
)
def test_a_wrong_place_is_found(old: str, new: str, found: str) -> None:
    assert PAGE.count(old) == 1
    assert found in wrong_places(PAGE.replace(old, new))
