"""The coverage plan with a hole planted in one of its files."""

from pathlib import Path

from nvdla_int8.coverage.plan import PARTS, PARTS_FOLDER, CoveragePlan, load_plan


def edited(folder: Path, part: str, old: str, new: str) -> CoveragePlan:
    """The plan with a change in one of its files."""
    for name in PARTS:
        text = (PARTS_FOLDER / f"{name}.toml").read_text()
        if name == part:
            assert text.count(old) >= 1
            text = text.replace(old, new, 1)
        (folder / f"{name}.toml").write_text(text)
    return load_plan(folder)
