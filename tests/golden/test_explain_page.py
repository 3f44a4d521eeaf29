"""The page of an explanation as a reader sees it, in light and dark, on a desk and a phone."""

from itertools import product
from pathlib import Path

import pytest

from nvdla_int8.generator import generate
from tests.golden.browser import needs_browser, opened, problems
from tests.golden.command import succeed


@needs_browser
@pytest.mark.parametrize("kind", ["lrn", "memory"])
def test_explain_page_is_legible_and_needs_no_network(kind: str, tmp_path: Path) -> None:
    generate("explained-page", kind=kind).write(tmp_path)
    page = tmp_path / "page.html"
    succeed("explain", tmp_path, "--html", page)
    views = list(product((False, True), (1280, 360)))
    with opened() as browser:
        assert [problems(browser, page, dark=dark, width=width) for dark, width in views] == [[]] * len(views)
