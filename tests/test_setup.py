"""Set-up as a user meets it: the Makefile's help, tools/setup.sh and the pins."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
SETUP_INPUTS = ("Makefile", "pyproject.toml", "requirements-lock.txt", "tools/setup.sh")
STUB_TOOLS = ("bash", "dirname", "mktemp", "rm", "flock", "env", "cp", "cmp", "tail", "id", "sed", "expand")
BASE_PYTHON = str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")


def stub_script(folder: Path, name: str, body: str) -> None:
    (folder / name).unlink(missing_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a copy of the files that set-up reads, without a .venv."""
    for name in SETUP_INPUTS:
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / "tree" / name)
    return tmp_path / "tree"


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """Return a PATH folder with a complete python3 and all but iverilog, apt-get and sudo."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in STUB_TOOLS:
        (folder / tool).symlink_to(str(shutil.which(tool)))
    for tool in ("g++", "make", "perl"):
        stub_script(folder, tool, "exit 0")
    stub_script(folder, "python3", f'exec {BASE_PYTHON} "$@"')
    return folder


def run(
    command: Sequence[str], tree: Path, path: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    # The tests themselves run under make: its flags must not reach the make under test.
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "PYTHON")}
    if path:
        env["PATH"] = str(path)
    return subprocess.run(
        command,
        cwd=tree,
        env=env | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def pins(requirements: Sequence[str]) -> dict[str, str]:
    """Return name -> version; anything but one exact version fails."""
    found: dict[str, str] = {}
    for line in requirements:
        match = re.fullmatch(r"([A-Za-z0-9_.-]+)==([0-9][0-9A-Za-z.]*)", line)
        assert match, f"not an exact pin: {line}"
        found[canonicalize_name(match[1])] = match[2]
    return found


def lock() -> dict[str, str]:
    lines = (ROOT / "requirements-lock.txt").read_text().splitlines()
    return pins([line for line in lines if line and not line.startswith("#")])


def declared() -> dict[str, list[str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {"": project["dependencies"], **project["optional-dependencies"]}


def test_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    lines = run(["make"], ROOT).stdout.splitlines()
    listed = [line.split()[0] for line in lines[1:] if line.startswith("  ")]
    assert sorted(listed) == sorted(phony[1].split())
    assert {"setup", "sim", "test", "lint", "bench", "clean", "distclean"} <= set(listed)


@pytest.mark.parametrize("target", ["setup", "sim", "test", "lint"])
def test_second_setup_starts_nothing(tree: Path, target: str) -> None:
    (tree / ".venv").mkdir()
    (tree / ".venv" / ".ready").touch()
    assert "tools/setup.sh" not in run(["make", "-n", target], tree).stdout


@pytest.mark.parametrize("changed", ["pyproject.toml", "requirements-lock.txt", "tools/setup.sh"])
def test_setup_runs_again_after_a_change(tree: Path, changed: str) -> None:
    (tree / ".venv").mkdir()
    stamp = tree / ".venv" / ".ready"
    stamp.touch()
    later = stamp.stat().st_mtime + 5
    os.utime(tree / changed, (later, later))
    assert "tools/setup.sh" in run(["make", "-n", "test"], tree).stdout


def test_missing_tool_without_apt_is_one_line(tree: Path, bare_path: Path) -> None:
    result = run(["tools/setup.sh"], tree, bare_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert "missing iverilog" in result.stderr
    assert not (tree / ".venv").exists()


def test_missing_tool_without_password_names_the_command(tree: Path, bare_path: Path) -> None:
    stub_script(bare_path, "id", "echo 1000")
    stub_script(bare_path, "sudo", "exit 1")
    stub_script(bare_path, "apt-get", "echo must not run")
    result = run(["tools/setup.sh"], tree, bare_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == ("setup: missing iverilog; run: sudo apt-get update && sudo apt-get install -y iverilog\n")


def test_failing_apt_shows_its_message(tree: Path, bare_path: Path) -> None:
    stub_script(bare_path, "id", "echo 0")
    stub_script(bare_path, "apt-get", 'echo "E: Unable to locate package iverilog"; exit 100')
    result = run(["tools/setup.sh"], tree, bare_path)
    assert result.returncode == 1
    assert "E: Unable to locate package iverilog" in result.stderr
    assert "apt-get could not install iverilog" in result.stderr.splitlines()[-1]


def test_unfit_python_is_named(tree: Path, bare_path: Path) -> None:
    stub_script(bare_path, "oldpython", "echo 3.9 version libpython")
    result = run(["tools/setup.sh"], tree, bare_path, PYTHON="oldpython")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert f"{bare_path}/oldpython 3.9 lacks version and libpython" in result.stderr


def test_lock_fits_every_requirement() -> None:
    """The wheel's requirements are loose; the lock chooses one version of each within them."""
    locked = lock()
    for requirement in (Requirement(line) for lines in declared().values() for line in lines):
        name = canonicalize_name(requirement.name)
        assert name in locked, f"requirements-lock.txt lacks {name}"
        assert locked[name] in requirement.specifier, f"{requirement} does not allow the lock's {locked[name]}"


def test_requirements_of_the_wheel_are_loose_and_hold_no_simulator() -> None:
    names = {canonicalize_name(Requirement(line).name) for line in declared()[""]}
    assert names == {
        "click",
        "flatbuffers",
        "jinja2",
        "junitparser",
        "lazy-loader",
        "numpy",
        "onnx",
        "onnxruntime",
        "pillow",
        "protobuf",
        "pydantic",
        "rich",
        "threadpoolctl",
    }
    pinned = [line for lines in declared().values() for line in lines if "==" in line]
    assert pinned == []


def test_lock_covers_everything_installed() -> None:
    locked = lock()
    extras = re.search(r'^extras=.*"([a-z,]+)\$', (ROOT / "tools" / "setup.sh").read_text(), re.MULTILINE)
    assert extras
    waiting = [Requirement(line) for extra in ("", *extras[1].split(",")) for line in declared()[extra]]
    direct = len(waiting)
    seen: set[str] = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in seen or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        seen.add(name)
        assert name in locked, f"requirements-lock.txt lacks {name}"
        assert Version(metadata.version(name)) == Version(locked[name])
        waiting += [Requirement(line) for line in metadata.requires(name) or []]
    assert len(seen) > direct
