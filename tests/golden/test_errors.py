"""Several problems of one input are told at once, each in its own line with its place."""

import click
import pytest
from click.testing import CliRunner

from nvdla_int8.errors import BenchError, BenchErrors, Problems, located
from nvdla_int8.report.one_line import one_line_errors


def gathered() -> Problems:
    problems = Problems()
    for value in (1, 2, 2, 3):
        with problems.gathered(), located(f"layer {value}"):
            if value > 1:
                raise BenchError(f"{value} is odd or\neven")
    return problems


def test_problems_are_raised_once_each_with_their_places() -> None:
    with pytest.raises(BenchErrors) as caught, located("file"):
        gathered().check()
    assert caught.value.problems == ("file: layer 2: 2 is odd or\neven", "file: layer 3: 3 is odd or\neven")
    Problems().check()


def test_problems_gathered_from_several_lines_stay_lines() -> None:
    outer = Problems()
    for name in "ab":
        with outer.gathered(), located(name):
            gathered().check()
    assert [line[:10] for line in outer.lines] == ["a: layer 2", "a: layer 3", "b: layer 2", "b: layer 3"]


def test_command_prints_a_line_for_each_problem_and_exits_with_2() -> None:
    @click.command()
    @one_line_errors("tool")
    def command() -> None:
        gathered().check()

    result = CliRunner().invoke(command)
    assert result.exit_code == 2
    assert result.stderr == "tool: error: layer 2: 2 is odd or\\neven\ntool: error: layer 3: 3 is odd or\\neven\n"
