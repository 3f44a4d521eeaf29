"""A copy of the core with one fault in it, as a device of its own."""

import shutil
from pathlib import Path

from nvdla_bench.files import DEFAULT_DUT, RTL


def faulty_core(folder: Path, file: str, old: str, new: str) -> Path:
    """Copy description and RTL, replace ``old``, which occurs once; the copy's description."""
    shutil.copytree(RTL, folder / "rtl")
    shutil.copytree(DEFAULT_DUT.parent, folder / "duts")
    source = folder / "rtl" / file
    text = source.read_text()
    assert text.count(old) == 1, f"{file} must hold {old!r} exactly once"
    source.write_text(text.replace(old, new))
    return folder / "duts" / DEFAULT_DUT.name
