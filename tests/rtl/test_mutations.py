"""A unit bench that cannot fail proves nothing: each of these faults must be reported by its bench."""

import shutil
import tomllib
from pathlib import Path

import pytest

from nvdla_bench.files import RTL
from nvdla_bench.units.catalog import UNITS, run_unit
from tests.mutations import chosen, misfits

MUTATIONS = tomllib.loads(Path(__file__).with_name("mutations.toml").read_text())["mutation"]
CHOSEN = chosen(MUTATIONS)


@pytest.mark.parametrize("mutation", CHOSEN, ids=[mutation["name"] for mutation in CHOSEN])
def test_mutation_is_reported_by_its_unit_bench(mutation: dict[str, str], tmp_path: Path) -> None:
    rtl_dir = tmp_path / "rtl"
    shutil.copytree(RTL, rtl_dir)
    source = rtl_dir / mutation["file"]
    source.write_text(source.read_text().replace(mutation["old"], mutation["new"]))
    unit = mutation["unit"]
    results = run_unit(
        unit, "icarus", tmp_path / "run", rtl_dir=rtl_dir, compiled_root=tmp_path / "build", until_failure=True
    )
    assert not results.passed, f"{unit} passed with the fault {mutation['name']!r} in {source.name}"
    assert f"AssertionError: {unit}: " in results.log.read_text()


def test_every_listed_mutation_fits_the_rtl() -> None:
    assert misfits(MUTATIONS, RTL) == []
    assert [mutation["name"] for mutation in MUTATIONS if mutation["unit"] not in UNITS] == []
