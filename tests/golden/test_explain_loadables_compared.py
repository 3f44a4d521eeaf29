"""Where two compiled networks differ."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.golden.command import invoke, succeed
from tests.golden.edited_loadables import edited, with_operation_field, with_surface_fields
from tests.loadable_store import loadable

SCALE = 4
"""Of the output converter in SDP's operation."""
PAD_LEFT = 63
RELU = 24
"""``act`` of X1."""
WEIGHTS, BIASES = "tb-1", "tb-2"
"""The blobs of ``conv_relu``."""
OUTPUT_OFFSET = 128 + 4
"""Of the destination cube in SDP's surface."""


def compared(one: Path, other: Path) -> list[str]:
    """The lines, of two that compute different things."""
    result = invoke("explain", one, other)
    assert result.exit_code == 1, result.output
    assert result.stderr == ""
    lines: list[str] = result.stdout.splitlines()
    return lines


def test_compare_a_file_with_itself(tmp_path: Path) -> None:
    path = loadable("lenet", "per_filter")
    copy = tmp_path / "copy.nvdla"
    copy.write_bytes(path.read_bytes())
    assert succeed("explain", path, copy).splitlines()[0] == "The two files hold the same, byte for byte."


def test_compare_files_that_compute_the_same_elsewhere(tmp_path: Path) -> None:
    path = loadable("residual", "per_kernel")
    moved = with_surface_fields(path, tmp_path / "moved.nvdla", 6, {OUTPUT_OFFSET: 0x200})
    output = succeed("explain", path, moved)
    assert output.startswith("Equal in everything that the hardware computes: ")
    assert "  elsewhere: output: output memory 4 + 0x0 / output memory 4 + 0x200" in output


def test_compare_weights_that_differ_as_those_of_grouped_convolutions_do(tmp_path: Path) -> None:
    path = loadable("conv_relu", "per_kernel")

    def second_half(data: bytearray) -> None:
        data[-5:] = bytes(byte ^ 1 for byte in data[-5:])

    lines = compared(path, edited(path, tmp_path / "again.nvdla", WEIGHTS, second_half))
    assert lines[0] == "1 of 1 layer computes something else."
    assert lines[1].startswith("Nothing but weights differs")
    assert "uninitialised" in lines[1]
    assert any(line.startswith("  weights: 5 of 1,152 bytes, in kernel") for line in lines)


@pytest.mark.parametrize(
    ("operation", "offset", "kind", "value", "line"),
    [
        (1, SCALE, "<h", 16384, "  output converter: scale "),
        (0, PAD_LEFT, "<B", 2, "  does: convolution 3 x 3, pad 1 / convolution 3 x 3, pad 1 1 2 1 (top, bottom, left"),
        (1, RELU, "<B", 0, "  beside: bias, ReLU / bias"),
    ],
)
def test_compare_programs(tmp_path: Path, operation: int, offset: int, kind: str, value: int, line: str) -> None:
    path = loadable("conv_relu", "per_kernel")
    lines = compared(path, with_operation_field(path, tmp_path / "other.nvdla", operation, offset, kind, value))
    assert lines[0] == "1 of 1 layer computes something else."
    assert not any("uninitialised" in one for one in lines)
    assert any(one.startswith(line) for one in lines), lines


def test_compare_tells_what_the_tables_must_differ_in(tmp_path: Path) -> None:
    path = loadable("conv_relu", "per_kernel")

    def halved(data: bytearray) -> None:
        biases = np.frombuffer(bytes(data), "<i2") // 2
        data[:] = biases.astype("<i2").tobytes()

    lines = compared(path, edited(path, tmp_path / "other.nvdla", BIASES, halved))
    assert any("so the second's table must have its input's scale 2" in line for line in lines), lines


def test_compare_the_compilers_two_modes() -> None:
    lines = compared(loadable("residual", "per_kernel"), loadable("residual", "per_filter"))
    assert lines[0] == "3 of 3 layers compute something else, and 1 layer is in one of them only."
    assert any(line.startswith("  quantisation mode: per-kernel, which") for line in lines)
    assert "  only in the first: sum (ReLU)" in lines
    assert "  beside: bias / bias, factors per kernel, sum, ReLU" in lines


def test_compare_as_json() -> None:
    result = invoke("explain", loadable("residual", "per_kernel"), loadable("residual", "per_filter"), "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["compared"]) == (1, 3)
    assert [layer["other"] for layer in found["layers"]] == [0, 1, 2, None]


def test_compare_takes_no_other_options() -> None:
    path = loadable("residual", "per_kernel")
    result = invoke("explain", path, path, "--images", path)
    assert result.exit_code == 2
    assert "only --json goes with them" in result.stderr
