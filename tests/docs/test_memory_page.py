"""docs/memory.md: every picture of bytes is what the code above it prints."""

import contextlib
import io
import re
from typing import Any

import pytest

from tests.docs.pages import DOCS, blocks

PAGE = (DOCS / "memory.md").read_text()


def wrong_pictures(page: str) -> list[str]:
    """Run the page's Python blocks in one namespace; each text block must be what the block before it printed."""
    names: dict[str, Any] = {}
    printed, wrong = "", []
    for language, text in blocks(page):
        if language == "python":
            if printed:
                wrong.append(f"no picture of what is printed:\n{printed}")
            with contextlib.redirect_stdout(io.StringIO()) as output:
                try:
                    exec(compile(text, "docs/memory.md", "exec"), names)
                except AssertionError:
                    wrong.append(f"an assertion fails in\n{text}")
            printed = output.getvalue()
        else:
            shown = re.sub(r" +#.*", "", text)
            wrong += [] if shown == printed else [f"the page shows\n{shown}\nthe code prints\n{printed}"]
            printed = ""
    return wrong


def test_every_picture_is_what_its_code_prints() -> None:
    assert PAGE.count("```text") >= 10
    assert not wrong_pictures(PAGE), "\n".join(wrong_pictures(PAGE))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0108: 01 11 21", "0108: 01 11 20"),
        ("c + 4 * y + x", "c + 4 * y - x"),
        ("36 bytes", "35 bytes"),
        ("(surface.read(memory) == cube)", "(surface.read(memory) != cube)"),
        ("0808: 01 11 00 00 00 00 00 00   # pixel 1\n", ""),
    ],
)
def test_a_wrong_picture_is_found(old: str, new: str) -> None:
    assert PAGE.count(old) == 1
    assert wrong_pictures(PAGE.replace(old, new))


def test_every_layout_of_the_table_has_its_section() -> None:
    linked = re.findall(r"^\| \[.*\]\(#(.*?)\)", PAGE, re.MULTILINE)
    headings = [line[3:].lower().replace(" ", "-") for line in PAGE.splitlines() if line.startswith("## ")]
    assert linked == headings
