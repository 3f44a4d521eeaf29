"""Every command of the README runs, in its order, in a copy of the project."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
RUNS_THE_TESTS = "make test"  # this very run


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    bin_folder = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("MAKEFLAGS", None)
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_every_command_of_the_readme_runs() -> None:
    commands = [line for block in blocks("sh") for line in block.splitlines() if line]
    assert RUNS_THE_TESTS in commands
    for command in commands:
        dry = ["-n"] if command == RUNS_THE_TESTS else []
        shell = command.replace("make ", "make -n ", 1) if dry else command
        done = run(["bash", "-c", shell])
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def test_readme_python_runs_on_the_programs_it_made(tmp_path: Path) -> None:
    made = run(
        [
            "nvdla-int8",
            "program",
            "networks/digits/digits.onnx",
            "networks/digits/digits.json",
            "--output",
            str(tmp_path),
        ]
    )
    assert made.returncode == 0, made.stderr
    [code] = [block for block in blocks("python") if "Network.load" in block]
    done = run([sys.executable, "-c", code.replace("sim_build/digits", str(tmp_path))])
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["conv1", "conv2", "conv3", "conv4"]


def test_readme_register_example_runs() -> None:
    [code] = [block for block in blocks("python") if "nvdla_int8.device" in block]
    done = run([sys.executable, "-c", code])
    assert done.stdout.split() == ["0x51", str(0x10000 - 3)], done.stderr


@pytest.mark.parametrize("name", ["sim", "regress", "test", "lint", "synth", "bench", "train", "help", "vectors"])
def test_every_target_the_readme_names_exists(name: str) -> None:
    assert f"make {name}" in README
    assert run(["make", "-n", name]).returncode == 0
