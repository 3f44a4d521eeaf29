"""docs/registers.html: up to date, complete and self-contained."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from nvdla_int8.registers.register_map import find_register, load_register_map, names_by_address
from tools import register_page


class Page(HTMLParser):
    """Text of every element with an id (an article's heading stands for the article), and links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.cells: dict[str, list[str]] = {}
        self.articles: dict[str, str] = {}
        self._row = self._article = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self.links += [value for name in ("href", "src") if (value := values.get(name)) is not None]
        if name := values.get("id"):
            self.ids.append(name)
        if tag == "tr":
            self._row = name or ""
        elif tag == "td" and self._row:
            self.cells.setdefault(self._row, []).append("")
        elif tag == "h3" and name:
            self._article = name

    def handle_endtag(self, tag: str) -> None:
        if tag == "tr":
            self._row = ""
        elif tag == "article":
            self._article = ""

    def handle_data(self, text: str) -> None:
        if self._row:
            self.cells[self._row][-1] += text
        if self._article:
            self.articles[self._article] = self.articles.get(self._article, "") + text


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(register_page.PAGE.read_text(encoding="utf-8"))


def test_page_is_what_the_generator_writes_now() -> None:
    written = register_page.PAGE.read_text(encoding="utf-8")
    assert written == register_page.page_text(), "run 'python -m tools.register_page'"


def test_page_can_be_written_elsewhere(tmp_path: Path) -> None:
    output = tmp_path / "page.html"
    register_page.main(["--output", str(output)])
    assert output.read_text(encoding="utf-8") == register_page.page_text()


def test_page_has_every_register_with_its_address_and_group(page: Page) -> None:
    assert list(page.articles) == list(names_by_address().values())
    for name, text in page.articles.items():
        register = find_register(name)
        assert text.split()[:2] == [name, f"0x{register.address:04x}"], name
        assert register.description in text, name
        assert ("two groups" in text) == register.grouped, name
        assert ("write 1 to clear" in text.split(register.description)[0]) == register.write_1_to_clear, name
        assert not register.ignored or f"ignored: {register.ignored}" in text, name


def test_page_has_every_field_with_all_that_the_map_says(page: Page) -> None:
    expected = {f"{name}.{field}" for name in names_by_address().values() for field in find_register(name).fields}
    assert page.cells.keys() == expected
    for field_name, (bits, name, access, reset, text) in page.cells.items():
        register, _, short_name = field_name.rpartition(".")
        field = find_register(register).fields[short_name]
        facts = (f"{field.msb}:{field.lsb}", short_name, field.access, f"0x{field.reset:x}")
        assert (bits, name, access, reset) == facts, field_name
        assert text.startswith(field.description), field_name
        values = ", ".join(f"{number} {value}" for value, number in field.enum.items())
        assert values in text, field_name
        assert ("ignored: " in text) == bool(field.ignored), field_name
        assert field.ignored in text, field_name


def test_page_links_lead_to_anchors_on_the_page(page: Page) -> None:
    assert len(set(page.ids)) == len(page.ids)
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert all(link.startswith("#") for link in page.links)
    assert {f"#{block}" for block in load_register_map()} <= set(page.links)


def test_page_needs_nothing_from_elsewhere() -> None:
    text = register_page.PAGE.read_text(encoding="utf-8")
    assert not [word for word in ("://", "@import", "url(", "<link", "fetch(", "import(") if word in text]
