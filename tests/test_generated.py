"""``make generated`` runs every tool that writes committed files."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
FROM_OUTSIDE = {"pack_archive", "pack_loadables"}
"""Tools whose input is not in the repository."""


def test_make_generated_runs_every_writer() -> None:
    recipe = (ROOT / "Makefile").read_text().split("\ngenerated:")[1].split("\n\n")[0]
    writers = {path.stem for path in (ROOT / "tools").glob("*.py")} - {"__init__"} - FROM_OUTSIDE
    assert {line.rpartition("tools.")[2] for line in recipe.splitlines()[1:]} == writers
