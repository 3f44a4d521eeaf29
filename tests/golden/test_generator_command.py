"""nvdla-int8 generate."""

from pathlib import Path

from nvdla_int8.generator import generate
from tests.golden.command import problem, succeed


def test_generate_writes_traces_that_replay_passes(tmp_path: Path) -> None:
    output = tmp_path / "random"
    lines = succeed("generate", "--output", output, "-n", "3", "--seed", "cli").splitlines()
    programs = [generate(f"cli-{number}") for number in range(3)]
    assert lines == [f"{output / one.name / one.name}.cfg: {one.summary}" for one in programs]
    assert succeed("replay", "--strict", output).splitlines()[-1] == "3 passed, 0 failed"


def test_generate_single_program_is_that_of_its_seed(tmp_path: Path) -> None:
    succeed("generate", "--output", tmp_path, "--seed", "cli-2", "--kind", "pair", "--build", "nv_large", "--errata")
    program = generate("cli-2", "nv_large", kind="pair", errata=True)
    assert (tmp_path / program.name / f"{program.name}.cfg").exists()


def test_generate_bad_arguments_are_one_line(tmp_path: Path) -> None:
    assert "build 'nv_tiny' is not known" in problem("generate", "--output", tmp_path, "--build", "nv_tiny")
    assert "seed = 'two words'" in problem("generate", "--output", tmp_path, "--seed", "two words")
