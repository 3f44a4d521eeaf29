"""Copies of reference traces with something changed."""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from nvdla_int8.trace.dat import read_dat_image, write_dat


def named(folders: Iterable[Path], name: str) -> Path:
    [folder] = [folder for folder in folders if folder.name == name]
    return folder


def edited(folder: Path, to: Path, *changes: tuple[str, str], after: str = "") -> Path:
    """Copy a trace's folder below ``to``; the ``.cfg`` with patterns replaced, each somewhere, and text added."""
    copy = to / folder.name
    shutil.copytree(folder, copy)
    cfg = copy / f"{folder.name}.cfg"
    text = cfg.read_text()
    for pattern, replacement in changes:
        text, count = re.subn(pattern, replacement, text, flags=re.MULTILINE)
        assert count, f"{pattern} is not in {cfg}"
    cfg.write_text(text + after)
    return cfg


def register(name: str, value: int) -> tuple[str, str]:
    """Change of what is written to a register."""
    return rf"^reg_write\(NVDLA_{re.escape(name)}_0, .*\);", f"reg_write(NVDLA_{name}_0, {value:#x});"


def flip_byte(dat: Path, offset: int, size: int) -> tuple[int, int]:
    """Invert the lowest bit of one byte of a data file; the byte as it was and as it is, unsigned."""
    data = bytearray(read_dat_image(dat, size).data)
    before = data[offset]
    data[offset] ^= 1
    write_dat(dat, bytes(data))
    return before, data[offset]


def line_of(cfg: Path, text: str) -> int:
    """The first line, from 1, that starts with a text."""
    return next(number for number, line in enumerate(cfg.read_text().splitlines(), 1) if line.startswith(text))
