"""The committed header is what the Python data generates."""

from tools.rtl_header import HEADER, header_text


def test_rtl_header_is_up_to_date() -> None:
    assert HEADER.read_text() == header_text(), "run 'python -m tools.rtl_header'"
