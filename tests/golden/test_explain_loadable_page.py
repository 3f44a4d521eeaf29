"""The page of a compiled network as a reader sees it, in light and dark, on a desk and a phone."""

from itertools import product
from pathlib import Path

import numpy as np

from nvdla_int8.seeds import generator
from tests.golden.browser import needs_browser, opened, problems
from tests.golden.command import save, succeed
from tests.loadable_store import loadable, network, network_input


@needs_browser
def test_loadable_page_is_legible_and_needs_no_network(tmp_path: Path) -> None:
    path, page = loadable("dead_filter", "per_filter"), tmp_path / "page.html"
    images = generator("page").integers(-128, 128, (2, *network_input(path).shape), np.int8)
    files = ("--table", network("dead_filter") / "calib.json", "--weights", network("dead_filter") / "net.prototxt")
    succeed("explain", path, *files, "--images", save(tmp_path / "images.npy", images), "--html", page)
    text = page.read_text()
    assert text.count("<figure") == 4 + 1, "four of all layers, the factors of one"
    assert "instead of the bias" in text
    assert 'href="#layer0"' in text
    assert 'id="layer0"' in text
    views = list(product((False, True), (1280, 360)))
    with opened() as browser:
        assert [problems(browser, page, dark=dark, width=width) for dark, width in views] == [[]] * len(views)
