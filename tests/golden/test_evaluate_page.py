"""The page of an evaluation as a reader sees it, in light and dark, on a desk and a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from markupsafe import escape
from playwright.sync_api import Browser

from nvdla_int8.evaluate.evaluation import evaluate
from nvdla_int8.evaluate.page import write_evaluation
from nvdla_int8.evaluate.words import sentences
from tests.golden import evaluated
from tests.golden.browser import needs_browser, opened, problems

DESK, PHONE = 1280, 360
FIGURES = 6

pytestmark = needs_browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with opened() as found:
        yield found


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a network with two bad entries."""
    folder = tmp_path_factory.mktemp("page")
    found = evaluate(evaluated.subject(folder, (("two_relu", 8.0), ("scores", 0.125))))
    write_evaluation(found, folder / "page.html")
    text = (folder / "page.html").read_text()
    assert text.count("<figure") == FIGURES
    assert all(escape(sentence) in text for sentence in sentences(found))
    return folder / "page.html"


@pytest.mark.parametrize("width", [DESK, PHONE])
@pytest.mark.parametrize("dark", [False, True])
def test_evaluate_page_is_legible_and_needs_no_network(page: Path, browser: Browser, dark: bool, width: int) -> None:
    assert problems(browser, page, dark=dark, width=width) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("</body>", "<script>console.error('planted')</script></body>", "console: planted"),
        ("</body>", "<script>planted()</script></body>", "script: planted is not defined"),
        ("</body>", '<img src="https://planted.invalid/x.png"></body>', "request: https://planted.invalid/x.png"),
        ("<svg ", '<svg style="display: none" ', "figure of 0 x 0"),
        ("max-width: 100%; height: auto;", "width: 1500px;", "picture beyond its figure"),
        ("<figure>", '<figure style="margin-left: 2000px">', "figure beyond the window"),
        ("<svg ", '<svg style="overflow: visible"><text x="9999">planted</text></svg><svg ', "cut off"),
        ("--ink: #e7e9ec", "--ink: #1b1f24", "contrast 1.1"),
        ("fill: var(--ink)", "fill: #000000", "contrast 1."),
        ("--muted: #a8b0b9", "--muted: #565e67", "contrast 2."),
        (".wide { overflow-x: auto; }", "", "the page is"),
    ],
)  # fmt: skip
def test_what_a_reader_would_miss_is_found(page: Path, browser: Browser, old: str, new: str, problem: str) -> None:
    text = page.read_text()
    assert old in text
    damaged = page.with_name("damaged.html")
    damaged.write_text(text.replace(old, new))
    found = problems(browser, damaged, dark=True, width=PHONE)
    assert any(one.startswith(problem) for one in found), found
