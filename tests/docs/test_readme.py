"""Every command of the README and of the documents runs, in its order; their links lead somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT, blocks
from tests.golden.command import invoke, succeed
from tests.loadable_store import loadable, network
from tests.shared_data import NETWORKS, needs_shared

README = ROOT / "README.md"
PAGES = [README, *sorted(DOCS.glob("*.md"))]
RUNS_THE_TESTS = "make test"  # this very run
OF_THIS_RUN = ("MAKEFLAGS", "SEED", "ARGS")  # what make hands on to commands of its own


def blocks_of(page: Path, language: str) -> list[str]:
    return [block.text for block in blocks(page.read_text()) if block.language == language]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    bin_folder = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}
    for name in OF_THIS_RUN:
        environment.pop(name, None)
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_every_command_runs() -> None:
    commands = [
        (page.name, line)
        for page in PAGES
        for block in blocks_of(page, "sh")
        for line in re.sub(r"\\\n *", "", block).splitlines()
        if line
    ]
    assert ("README.md", RUNS_THE_TESTS) in commands
    pages: dict[str, str] = {}
    for page, command in commands:
        pages.setdefault(command, page)  # what stands on two pages runs once
    for command, page in pages.items():
        shell = command.replace("make ", "make -n ", 1) if command == RUNS_THE_TESTS else command
        done = run(["bash", "-c", shell])
        assert done.returncode == 0, f"{page}: {command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def test_commands_do_not_take_the_options_of_the_test_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGS", "--of-pytest")
    monkeypatch.setenv("SEED", "of-pytest")
    assert "of-pytest" not in run(["make", "-n", "sim"]).stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_or_heading(page: Path) -> None:
    assert broken_links(page, page.read_text()) == []


def test_a_broken_link_is_found() -> None:
    text = "# One word\n[good](docs/words.md) [good](#one-word) [bad](docs/word.md) [bad](#two-words)"
    assert broken_links(README, text) == ["docs/word.md", "#two-words"]


def broken_links(page: Path, text: str) -> list[str]:
    headings = {re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in text.splitlines()}
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    return [
        link
        for link in links
        if not (link[1:] in headings if link.startswith("#") else (page.parent / link.partition("#")[0]).is_file())
    ]


def test_readme_names_every_room_of_the_packages() -> None:
    text = README.read_text()
    for package in ("golden/nvdla_int8", "tb/nvdla_bench"):
        rooms = [path.parent.name for path in (ROOT / package).glob("*/__init__.py")]
        assert len(rooms) > 5
        assert [room for room in rooms if f"`{room}/`" not in text] == []


def test_readme_python_runs_on_the_programs_it_made(tmp_path: Path) -> None:
    made = run(
        [
            "nvdla-int8",
            "program",
            "networks/digits/digits.onnx",
            "--table",
            "networks/digits/digits.json",
            "--output",
            str(tmp_path),
        ]
    )
    assert made.returncode == 0, made.stderr
    [code] = [block for block in blocks_of(README, "python") if "Network.load" in block]
    done = run([sys.executable, "-c", code.replace("sim_build/digits", str(tmp_path))])
    assert done.returncode == 0, done.stderr
    layers = [line.split()[0] for line in done.stdout.splitlines()]
    assert layers[:3] == ["conv1", "pool", "block1.conv1"]
    assert layers[-1] == "fc"


def test_readme_register_example_runs() -> None:
    [code] = [block for block in blocks_of(README, "python") if "import Device" in block]
    done = run([sys.executable, "-c", code])
    assert done.stdout.split() == ["0x51", str(0x10000 - 3)], done.stderr


@pytest.mark.parametrize(
    "name", ["sim", "regress", "test", "everything", "lint", "synth", "bench", "train", "help", "vectors"]
)
def test_every_target_the_readme_names_exists(name: str) -> None:
    assert f"make {name}" in README.read_text()
    assert run(["make", "-n", name]).returncode == 0


@needs_shared(NETWORKS / "lenet")
def test_four_commands_take_a_caffe_network_with_its_images(tmp_path: Path) -> None:
    """The README's, with a LeNet of other people's: two files of Caffe and forty pictures."""
    lenet = NETWORKS / "lenet"
    [block] = [text for text in blocks_of(README, "sh") if "calibrate" in text]
    _, *commands = re.sub(r"\\\n *", "", block).splitlines()
    assert [command.split()[1] for command in commands] == ["calibrate", "program", "evaluate", "write"]
    for command in commands:
        for old, new in (
            ("networks/digits/digits.onnx", f"{lenet}/lenet.prototxt --scale 0.00390625"),
            ("sim_build/digits_pictures/held_out/0007_9.png", f"{lenet}/images/0_7.jpg"),
            ("sim_build/digits_pictures/held_out", f"{lenet}/images"),
            ("sim_build/digits_pictures/train", f"{lenet}/images"),
            ("sim_build", str(tmp_path)),
        ):
            command = command.replace(old, new)
        done = run(["bash", "-c", command])
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        if " evaluate " in command:
            top1 = re.findall(r"(?:float|INT8 per kernel) +(\d+\.\d+)%", done.stdout)
            assert float(top1[1]) >= float(top1[0]) - 0.5 > 90
    assert list((tmp_path / "program").glob("*.cfg"))


def test_readme_shows_the_answer_that_explain_begins_with() -> None:
    [shown] = [block for block in blocks_of(README, "text") if block.startswith("The results are wrong")]
    given = "--weights", network("residual") / "net.prototxt", "--table", network("residual") / "calib.json"
    assert succeed("explain", loadable("residual", "per_kernel"), *given).splitlines()[0] == " ".join(shown.split())


def test_readme_shows_what_check_answers_on_its_board(tmp_path: Path) -> None:
    """The numbers are those of a table that is calibrated anew."""
    bare = run([sys.executable, "docs/board_example.py"])
    assert (bare.returncode, bare.stdout, bare.stderr.count("\n")) == (2, "", 1)
    table = "networks/digits/digits.json"
    succeed("program", "networks/digits/digits.onnx", "--table", table, "--output", tmp_path / "digits")
    [command] = [text for text in blocks_of(README, "sh") if text.startswith("nvdla-int8 check")]
    [example] = [line for line in README.read_text().splitlines() if line.startswith("python docs/board_example.py")]
    assert run([sys.executable, *example.replace("sim_build", str(tmp_path)).split()[1:]]).returncode == 0
    arguments = re.sub(r"\\\n *", "", command).replace("sim_build", str(tmp_path)).split()
    result = invoke(*arguments[1 : arguments.index("||")])
    assert result.exit_code == 1, result.output
    [shown] = [block for block in blocks_of(README, "text") if "is the first that departs" in block]
    first, _, why = shown.splitlines()
    said = result.stdout.splitlines()
    assert without_numbers(said[0]) == without_numbers(first)
    assert without_numbers(why) in map(without_numbers, said)
    assert (tmp_path / "check.html").is_file()


def without_numbers(text: str) -> str:
    return re.sub(r"(?<![\w.])[\d,]*\d(?!\w)", "#", text)
