"""The wheel in an empty environment in another folder: what it holds, without a simulator, and with one."""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from nvdla_bench.files import DEFAULT_DUT, HDL, RTL
from tests.bench.copy_traces import write_copy

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("pyproject.toml", "LICENSE", "golden", "tb", "rtl", "duts", "networks", "tests", "tools")
UNREACHABLE = ("Could not find a version", "Connection", "connection", "No matching distribution")
LIMIT_S = 300


def run(command: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a stranger would: nothing of this checkout on any path, no bytecode written."""
    foreign = {"PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS", "MFLAGS", "MAKELEVEL"}
    environment = {name: value for name, value in os.environ.items() if name not in foreign}
    own = str(Path(sys.executable).parent)
    environment["PATH"] = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if part != own)
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=LIMIT_S
    )


def pip(python: Path, folder: Path, *arguments: str) -> None:
    """Run pip; skip where it reaches no package index."""
    command: list[str | Path] = [python, "-m", "pip", "-q", "--disable-pip-version-check", *arguments]
    done = run(command, folder)
    if done.returncode and any(word in done.stderr for word in UNREACHABLE):
        pytest.skip(f"pip reaches no package index here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of what git holds, links as links."""
    folder = tmp_path_factory.mktemp("wheel")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "sim_build")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / "tree" / name, symlinks=True, ignore=ignored)
        else:
            (folder / "tree").mkdir(exist_ok=True)
            shutil.copy2(ROOT / name, folder / "tree" / name)
    pip(Path(sys.executable), folder, "wheel", "--no-deps", "--wheel-dir", "built", "./tree")
    [built] = (folder / "built").glob("*.whl")
    return built


def test_wheel_holds_the_two_packages_with_their_data_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        tops = {name.partition("/")[0] for name in names}
        assert {top for top in tops if not top.endswith(".dist-info")} == {"nvdla_int8", "nvdla_bench"}
        for folder, inside in ((RTL, "rtl"), (HDL, "hdl"), (DEFAULT_DUT.parent, "duts")):
            files = [path for path in folder.iterdir() if path.is_file()]
            assert files
            for path in files:
                assert archive.read(f"nvdla_bench/{inside}/{path.name}") == path.read_bytes()
    assert {"nvdla_int8/registers/registers.json", "nvdla_int8/py.typed", "nvdla_bench/py.typed"} <= names


def test_wheel_works_in_an_empty_environment_without_and_with_a_simulator(wheel: Path, tmp_path: Path) -> None:
    elsewhere, environment = tmp_path / "elsewhere", tmp_path / "environment"
    elsewhere.mkdir()
    venv.create(environment, with_pip=True, symlinks=True)
    python, command = environment / "bin" / "python", environment / "bin" / "nvdla-int8"
    trace = write_copy(elsewhere / "copy", shape=(8, 2, 3))
    locked = ("--constraint", str(ROOT / "requirements-lock.txt"))

    pip(python, elsewhere, "install", *locked, str(wheel))
    replayed = run([command, "replay", trace], elsewhere)
    assert (replayed.returncode, replayed.stderr) == (0, "")
    assert "1 passed, 0 failed" in replayed.stdout
    without = run([command, "simulate", trace], elsewhere)
    assert (without.returncode, without.stdout) == (2, "")
    assert without.stderr == "nvdla-int8: error: cocotb is not installed: this needs pip install 'nvdla-int8[bench]'\n"
    for name in (
        "simulate",
        "regress",
        "serve",
        "table",
        "calibrate",
        "program",
        "run",
        "check",
        "requantise",
        "explain",
    ):
        assert run([command, name, "--help"], elsewhere).returncode == 0

    pip(python, elsewhere, "install", *locked, f"{wheel}[bench]")
    installed = files_below(environment)
    own = run([command, "simulate", "--sim", "icarus", "--seed", "own", trace], elsewhere)
    assert own.returncode == 0, own.stdout + own.stderr
    assert "1 passed, 0 failed; seed own; files in sim_build/replay/nvdla_core-icarus-own" in own.stdout
    live = run([command, "replay", "--on", "sim:icarus", "--timeout", "60", trace], elsewhere)
    assert (live.returncode, live.stderr) == (0, "")
    assert "1 passed, 0 failed" in live.stdout
    [packages] = (environment / "lib").glob("python*/site-packages")
    shutil.copytree(packages / "nvdla_bench" / "rtl", elsewhere / "mine" / "rtl")
    shutil.copytree(packages / "nvdla_bench" / "duts", elsewhere / "mine" / "duts")
    description = elsewhere / "mine" / "duts" / "nvdla_core.toml"
    description.write_text(description.read_text().replace('name = "nvdla_core"', 'name = "mine"'))
    mine = run([command, "simulate", "--sim", "icarus", "--dut", description, "--seed", "mine", trace], elsewhere)
    assert mine.returncode == 0, mine.stdout + mine.stderr
    assert "files in sim_build/replay/mine-icarus-mine" in mine.stdout
    assert files_below(environment) == installed, "a run wrote into the environment"
    assert {path.name for path in elsewhere.iterdir()} == {"copy", "mine", "sim_build"}


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}
