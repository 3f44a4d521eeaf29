"""Sections that the code cites ("hardware.md section 4") exist, in a document that users have."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SUFFIXES = {".py", ".v", ".sv", ".vh", ".cpp", ".toml", ".in", ".md"}
THIS = Path(__file__).relative_to(ROOT)

# A comment may break the line anywhere within a citation.
_GAP = r"(?:\s|//|#)+"
_CITED = re.compile(rf"\b([\w-]+\.md){_GAP}sections?{_GAP}((?:\d+(?:,\s|\sand\s|\sto\s)?)+)", re.IGNORECASE)
_OLD_FORM = re.compile(rf"\bspec(?:ification)?(?:'s)?{_GAP}sections?\b|shared/spec/\w+\.md", re.IGNORECASE)
_HEADING = re.compile(r"^## (\d+)\. ", re.MULTILINE)


def sections(document: str) -> set[int]:
    """Numbers of the sections of a page in docs/; none if there is no such page."""
    page = ROOT / "docs" / document
    return {int(number) for number in _HEADING.findall(page.read_text())} if page.is_file() else set()


def cited_sections(numbers: str) -> Iterator[int]:
    """Sections that "2, 3", "2 and 3" or "2 to 5" name."""
    for first, last in re.findall(r"(\d+)(?:\sto\s(\d+))?", numbers):
        yield from range(int(first), int(last or first) + 1)


def wrong_citations(text: str) -> list[str]:
    """Citations of sections that do not exist, and of documents that users do not have."""
    wrong = [f"{' '.join(found.group().split())}: cite 'hardware.md section N'" for found in _OLD_FORM.finditer(text)]
    for document, numbers in _CITED.findall(text):
        missing = [number for number in cited_sections(numbers) if number not in sections(document)]
        wrong += [f"docs/{document} has no section {number}" for number in missing]
    return wrong


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    paths = [Path(name) for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.suffix in SUFFIXES and (ROOT / path).is_file() and path != THIS]


def test_every_section_cited_exists() -> None:
    texts = {path: (ROOT / path).read_text() for path in tracked_files()}
    assert sum(len(_CITED.findall(text)) for text in texts.values()) > 100, "the citations are not found any more"
    wrong = [f"{path}: {line}" for path, text in texts.items() for line in wrong_citations(text)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("As hardware.md section 8 says.", "no section 8"),
        ("(hardware.md sections 2 and 9)", "no section 9"),
        ("(hardware.md sections 5 to 8)", "no section 8"),
        ("// the sum (hardware.md\n// section 12).", "no section 12"),
        ("(nowhere.md section 1)", "docs/nowhere.md has no section 1"),
        ("(spec section 4)", "cite 'hardware.md section N'"),
        ("# the sum (spec\n# sections 2 and 3)", "cite 'hardware.md section N'"),
        ("by the specification's section 2", "cite 'hardware.md section N'"),
        ("see ../shared/spec/facts.md", "cite 'hardware.md section N'"),
    ],
)
def test_a_bad_citation_is_found(text: str, word: str) -> None:
    [line] = wrong_citations(text)
    assert word in line


@pytest.mark.parametrize(
    "text",
    ["(hardware.md section 4)", "hardware.md sections 2, 3 and 5", "(hardware.md\n// sections 1 to 4)", "in section 9"],
)
def test_a_good_citation_is_left_alone(text: str) -> None:
    assert not wrong_citations(text)
