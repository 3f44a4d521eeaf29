"""A run's folder: empty at the start, and never of two runs at a time."""

from pathlib import Path

import pytest

from nvdla_bench.simulator.run_folder import run_folder
from nvdla_int8.errors import BenchError


def test_folder_of_an_older_run_is_emptied(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "result_0.json").write_text("{}")
    with run_folder(tmp_path / "run"):
        assert list((tmp_path / "run").iterdir()) == []


def test_second_run_with_the_same_seed_is_refused_and_leaves_the_first_alone(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with run_folder(folder):
        (folder / "result_0.json").write_text("{}")
        with pytest.raises(BenchError, match="another run with the same seed works there"), run_folder(folder):
            pass
        assert (folder / "result_0.json").exists()
    with run_folder(folder):
        assert list(folder.iterdir()) == []


def test_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BenchError, match=r"Not a directory|File exists"), run_folder(tmp_path / "file" / "run"):
        pass
