"""The committed register blocks are what the register map generates."""

import pytest

from tools.rtl_registers import RTL, register_files

FILES = register_files()


@pytest.mark.parametrize("name", FILES)
def test_register_block_is_up_to_date(name: str) -> None:
    assert (RTL / name).read_text() == FILES[name], "run 'python -m tools.rtl_registers'"


def test_register_blocks_leave_no_stale_file() -> None:
    assert {path.name for path in RTL.glob("nvdla_*_regs.v")} == set(FILES)
