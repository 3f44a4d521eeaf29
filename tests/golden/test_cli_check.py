"""nvdla-int8 check: dumps of a board against the model, from whatever the board ran."""

from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.checkup import checked
from nvdla_int8.checkup.explanation import SearchResult
from nvdla_int8.checkup.subjects import timeline_of_trace_file
from nvdla_int8.checkup.timeline import HostWrite, Timeline, TimelineLayer
from nvdla_int8.cli.check_subjects import Placing, open_subject
from nvdla_int8.cli.image_options import AS_THEY_ARE
from nvdla_int8.compiler.allocation import DEFAULT_BASE
from nvdla_int8.errors import BenchError
from nvdla_int8.network.network import Network
from nvdla_int8.registers.register_map import find_register
from nvdla_int8.seeds import generator
from nvdla_int8.surfaces.layout import channels_last
from nvdla_int8.trace.commands import RegWrite, read_trace
from tests.golden.boards import USUAL, addresses_of, output_dump, save_memory
from tests.golden.command import invoke, problem, rows, save, succeed
from tests.golden.loadable_builder import Draft
from tests.golden.loadable_variants import in_two_tasks
from tests.loadable_store import loadable, network

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the search finds has tests of its own."""
    monkeypatch.setattr(checked, "search_causes", lambda *_: SearchResult(singles_tried=7))


@pytest.fixture(scope="module")
def pair(reference_traces: list[Path]) -> tuple[Path, Timeline]:
    """A trace of two layers."""
    folder = next(one for one in reference_traces if one.name == "pair_1")
    return folder, timeline_of_trace_file(folder)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A network's folder and an image."""
    folder = tmp_path_factory.mktemp("digits")
    model, table = ROOT / "networks/digits/digits.onnx", ROOT / "networks/digits/digits.json"
    succeed("program", model, "--table", table, "--output", folder / "programs")
    pixels = generator("check", "digits").integers(0, 256, (1, 8, 8)).astype(np.uint8)
    return folder / "programs", save(folder / "image.npy", pixels)


def test_check_a_trace_whose_dump_agrees_exits_0_and_says_what_was_compared(
    pair: tuple[Path, Timeline], tmp_path: Path
) -> None:
    folder, timeline = pair
    said = succeed("check", folder, "--dump", output_dump(tmp_path / "d.bin", timeline, 1))
    size = timeline.layers[1].run.output.size
    assert said == (
        f"all {size:,} bytes of layer 1 (CDMA to SDP) that the dumps hold are right; "
        "no dump tells of layer 0 (CDMA to SDP)\n"
    )


def test_check_a_wrong_byte_of_a_trace_is_decoded_and_told_at_every_stage(
    pair: tuple[Path, Timeline], tmp_path: Path
) -> None:
    folder, timeline = pair
    dumps = [output_dump(tmp_path / f"{index}.bin", timeline, index, *[10] * index) for index in (0, 1)]
    result = invoke("check", folder / "pair_1.cfg", "--dump", dumps[0], "--dump", dumps[1])
    assert result.exit_code == 1
    layer = timeline.layers[1]
    lines = result.stdout.splitlines()
    assert lines[0] == (
        f"layer 1 (CDMA to SDP) is the first that departs: 1 of {layer.run.output.size:,} bytes wrong; layer 0 agrees"
    )
    right = int(layer.run.output[2, 0, 1])
    wrong = (right ^ -1) & 255
    assert (
        f"first wrong element: channel 2, y 0, x 1, at {layer.run.destination.base + 10:#x}: "
        f"expected {right} (0x{right & 255:02x}), actual"
    ) in lines[1]
    assert lines[1].endswith(f"(0x{wrong:02x})")
    shown = rows(result.stdout)
    assert layer.run.sdp is not None
    assert shown["accumulator"][0] == str(layer.run.sdp.source[2, 0, 1])
    assert shown["x1"][0] == str(layer.run.sdp.x1[2, 0, 1])
    assert shown["byte"] == [str(right), f"0x{right & 255:02x}"]


def test_check_a_network_names_its_layers(digits: tuple[Path, Path], tmp_path: Path) -> None:
    programs, image = digits
    timeline = open_subject(programs, image, USUAL)
    dump = output_dump(tmp_path / "fc.bin", timeline, -1, 0)
    result = invoke("check", programs, image, "--dump", dump)
    assert result.exit_code == 1
    last = timeline.layers[-1]
    assert result.stdout.startswith(f"layer fc (index {last.index}) is the first that departs: 1 of ")
    assert f"no dump tells of layers 0 to {last.index - 1}: the mistake is in one of layers 0 to" in result.stdout


def test_check_follows_the_options_that_place_a_networks_tensors(digits: tuple[Path, Path], tmp_path: Path) -> None:
    programs, image = digits
    kept = Placing(None, None, 0x40000000, "nv_small", True, None, AS_THEY_ARE)
    timeline = open_subject(programs, image, kept)
    dump = output_dump(tmp_path / "d.bin", timeline, 0)
    assert "layer conv1 + pool (index 0)" in succeed(
        "check", programs, image, "--dump", dump, "--base", "0x40000000", "--keep-layers"
    )
    line = problem("check", programs, image, "--dump", dump)
    assert f"{programs} uses 0x80000000 to" in line


def test_check_one_layers_program(digits: tuple[Path, Path], tmp_path: Path) -> None:
    programs, image = digits
    path = programs / "conv1.json"
    timeline = open_subject(path, image, USUAL)
    output = Network.load(programs).layers[0].program.run(np.load(image)).output
    assert np.array_equal(timeline.layers[0].run.output[: len(output)], output)
    assert invoke("check", path, image, "--dump", output_dump(tmp_path / "d.bin", timeline, 0, 3)).exit_code == 1


@pytest.mark.parametrize("order", ["driver", "layers"])
def test_check_a_compiled_network(tmp_path: Path, order: str) -> None:
    path, tensor = loadable("residual", "per_kernel"), network("residual") / "float.npz:input_int8"
    timeline = open_subject(path, tensor, Placing(None, None, DEFAULT_BASE, "nv_small", False, order, AS_THEY_ARE))
    last = timeline.layers[-1]
    result = invoke(
        "check", path, tensor, "--dump", output_dump(tmp_path / "d.bin", timeline, -1, 1), "--work-order", order
    )
    assert result.exit_code == 1
    assert result.stdout.startswith(f"layer {last.name} (index {last.index}) is the first that departs: 1 of ")


def test_check_a_compiled_network_of_two_tasks_is_one_run(tmp_path: Path) -> None:
    """What the first task leaves is not told as loaded for the second, whose dump tells of both."""
    tensor = network("residual") / "float.npz:input_int8"
    path = in_two_tasks(Draft.of(loadable("residual", "per_kernel")), 2).write(tmp_path / "two.nvdla")
    whole, two = (open_subject(one, tensor, USUAL) for one in (loadable("residual", "per_kernel"), path))
    assert [layer.index for layer in two.layers] == [0, 1, 2, 3]
    assert [layer.name.startswith("task1.") for layer in two.layers] == [False, True, True, True]
    for one, other in zip(whole.layers, two.layers, strict=True):
        assert np.array_equal(one.run.output, other.run.output)
    second = next(at for at, event in enumerate(two.events) if isinstance(event, TimelineLayer) and event.index == 1)
    written = set(addresses_of(two, 0).tolist())
    between = [event for event in two.events[second:] if isinstance(event, HostWrite)]
    assert not any(written & set(range(event.base, event.base + len(event.data))) for event in between)
    low = min(layer.run.destination.base for layer in two.layers)
    high = max(layer.run.destination.extent()[1] for layer in two.layers)
    base = two.layers[0].run.destination.base
    result = invoke("check", path, tensor, "--dump", save_memory(tmp_path / "d.bin", two, low, high - low, (base,)))
    assert result.exit_code == 1
    assert "(index 0) is the first that departs: 1 of" in result.stdout


def test_check_what_cannot_be_compared_is_one_line(
    digits: tuple[Path, Path], pair: tuple[Path, Timeline], tmp_path: Path
) -> None:
    programs, image = digits
    folder, _ = pair
    (tmp_path / "d.bin").write_bytes(bytes(64))
    dump = "--dump", f"{tmp_path / 'd.bin'}@0x1000"
    assert "holds 0x1000 to 0x103f" in problem("check", folder, *dump)
    assert problem("check", programs, *dump) == f"{programs}: give the INPUT that the board ran it on"
    assert problem("check", folder, image, *dump) == f"{image}: {folder} is a trace, which holds its input"
    assert problem("check", tmp_path / "none", *dump) == f"{tmp_path / 'none'}: no such file or folder"
    model = ROOT / "networks/digits/digits.onnx"
    assert problem("check", model, image, *dump) == (
        f"{model}: is a network in real numbers: program makes layer programs of it, which check takes"
    )
    assert "--work-order is for compiled networks" in problem("check", programs, image, *dump, "--work-order", "layers")
    path, tensor = loadable("residual", "per_kernel"), network("residual") / "float.npz:input_int8"
    assert "is in the file" in problem("check", path, tensor, *dump, "--keep-layers")


def test_check_bytes_that_software_loads_alone_are_nothing_to_compare(
    pair: tuple[Path, Timeline], tmp_path: Path
) -> None:
    folder, timeline = pair
    outputs = {layer.run.destination.base for layer in timeline.layers}
    load = next(one for one in timeline.events if isinstance(one, HostWrite) and one.base not in outputs)
    (tmp_path / "d.bin").write_bytes(load.data)
    line = problem("check", folder, "--dump", f"{tmp_path / 'd.bin'}@{load.base:#x}")
    assert "no byte that a layer of" in line
    assert line.endswith("nothing to compare")


def xxd(line: bytes) -> str:
    """Bytes as xxd prints them behind their address."""
    return f"{line.hex(' ', 2)}  {''.join(chr(byte) if 32 <= byte < 127 else '.' for byte in line)}"


@pytest.mark.parametrize("form", ["npy", "bin", "xxd", "words"])
def test_check_takes_a_layers_output_in_the_form_that_people_have(
    digits: tuple[Path, Path], tmp_path: Path, form: str
) -> None:
    programs, image = digits
    timeline = open_subject(programs, image, USUAL)
    layer = timeline.layers[1]
    destination = layer.run.destination
    board = layer.run.output[: destination.channels].copy()
    board[3, 2, 1] ^= 64
    path = tmp_path / f"board.{form}"
    data = channels_last(board, destination.memory_atom).tobytes()
    base = destination.base
    if form == "npy":
        np.save(path, board)
    elif form == "bin":
        path.write_bytes(data)
    elif form == "xxd":
        lines = [data[at : at + 16] for at in range(0, len(data), 16)]
        path.write_text("".join(f"{base + 16 * at:08x}: {xxd(line)}\n" for at, line in enumerate(lines)))
    else:
        words = np.frombuffer(data, "<u4")
        path.write_text("".join(f"{base + 4 * at:#010x}: 0x{word:08x}\n" for at, word in enumerate(words)))
    result = invoke("check", programs, image, "--dump", f"{path}@block1.conv1")
    assert result.exit_code == 1, result.output
    assert result.stdout.startswith(f"layer {layer.name} (index 1) is the first that departs: 1 of ")
    assert "first wrong element: channel 3, y 2, x 1," in result.stdout


def test_check_a_register_log_with_its_memory(pair: tuple[Path, Timeline], tmp_path: Path) -> None:
    folder, timeline = pair
    log = tmp_path / "writes.log"
    writes = [one for one in read_trace(folder).commands if isinstance(one, RegWrite)]
    log.write_text("".join(f"0x{find_register(one.register).address:x} 0x{one.value:08x}\n" for one in writes))
    loads: list[str] = []
    for number, event in enumerate(event for event in timeline.events if isinstance(event, HostWrite)):
        (tmp_path / f"{number}.bin").write_bytes(event.data)
        loads += ["--load", f"{tmp_path / f'{number}.bin'}@{event.base:#x}"]
    right = output_dump(tmp_path / "right.bin", timeline, 1)
    assert "are right" in succeed("check", log, "--dump", right, *loads)
    wrong = output_dump(tmp_path / "wrong.bin", timeline, 1, 5)
    result = invoke("check", log, "--dump", wrong, *loads)
    assert result.exit_code == 1
    assert result.stdout.startswith("layer 1 (CDMA to SDP) is the first that departs: 1 of ")
    line = problem("check", log, "--dump", right)
    assert "nothing was loaded for its" in line
    assert "--load FILE@0x" in line
    assert "memory goes behind --load" in problem("check", log, tmp_path / "0.bin", "--dump", right)
    assert "goes with a register log" in problem("check", folder, "--dump", right, *loads[:2])


def test_check_says_which_layer_departs_before_it_looks_for_the_cause(
    pair: tuple[Path, Timeline], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def given_up(*_: object) -> SearchResult:
        raise BenchError("given up")

    monkeypatch.setattr(checked, "search_causes", given_up)
    folder, timeline = pair
    result = invoke("check", folder, "--dump", output_dump(tmp_path / "d.bin", timeline, 1, 10))
    assert result.exit_code == 2
    assert result.stdout.startswith("layer 1 (CDMA to SDP) is the first that departs")
    assert "by channel: 1 of" in result.stdout


def test_check_refuses_an_empty_log_as_empty(tmp_path: Path) -> None:
    (tmp_path / "driver.log").touch()
    (tmp_path / "dump.bin").write_bytes(bytes(8))
    line = problem("check", tmp_path / "driver.log", "--dump", f"{tmp_path / 'dump.bin'}@0x80000000")
    assert line == f"{tmp_path / 'driver.log'}: is empty"
