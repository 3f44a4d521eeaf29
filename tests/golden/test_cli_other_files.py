"""A file that a command does not take is told with the command that does."""

import pytest

from tests.golden.command import problem
from tests.loadable_store import loadable, network


@pytest.mark.parametrize(
    ("command", "more", "advice"),
    [
        ("replay", (), "run runs it, write makes a trace of it"),
        ("dump", (), "run and explain take it, here it goes behind --loadable"),
    ],
)
def test_a_compiled_network_is_sent_to_its_commands(command: str, more: tuple[str, ...], advice: str) -> None:
    assert f"is a compiled network: {advice}" in problem(command, loadable("conv_relu", "per_kernel"), *more)


@pytest.mark.parametrize(
    ("command", "more", "advice"),
    [
        ("run", ("images",), "program makes layer programs of it"),
        ("check", ("input.npy", "--dump", "board.npy"), "program makes layer programs of it"),
        ("write", ("images", "--output", "folder"), "program makes layer programs of it"),
        ("explain", (), "evaluate tells what INT8 costs it; here it goes with a compiled one"),
    ],
)
def test_a_network_in_real_numbers_is_sent_to_its_commands(command: str, more: tuple[str, ...], advice: str) -> None:
    path = network("conv_relu") / "net.prototxt"
    assert f"is a network in real numbers: {advice}" in problem(command, path, *more)
