"""Layer programs: every stage against plain integers, and the files they are kept in."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import nvdla_int8.stages.convolution
from nvdla_int8.build import find_build
from nvdla_int8.errors import BenchError
from nvdla_int8.network.network import Network
from nvdla_int8.seeds import generator
from nvdla_int8.stages.accumulator import Accumulator
from nvdla_int8.stages.convolution import ConvGeometry, convolve
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.layer_program import STAGES, LayerProgram
from nvdla_int8.stages.sdp import AluAlgo, OutputConverter, Source, XStage
from nvdla_int8.stages.sdp_tail import OPERANDS
from nvdla_int8.stages.tensor_scale import TensorScale
from tests.golden import plain
from tests.golden.random_layers import random_layer


def plain_x(stage: XStage, alu: NDArray[Any] | None, mul: NDArray[Any] | None, at: tuple[int, ...]) -> plain.PlainX:
    """What one element at (k, y, x) meets in a stage."""

    def operand(array: NDArray[Any] | None, register: int) -> int:
        if array is None:
            return register
        return int(array[at] if array.ndim == 3 else array[at[0]])

    return plain.PlainX(
        alu=None if stage.alu_bypass else operand(alu, stage.alu_value),
        alu_mode={AluAlgo.MAX: 0, AluAlgo.MIN: 1, AluAlgo.SUM: 2}[stage.alu_algo],
        alu_shift=stage.alu_shift_bits,
        mul=None if stage.mul_bypass else operand(mul, stage.mul_value),
        mul_shift=stage.mul_shift_bits,
        prelu=stage.prelu,
        relu=stage.relu,
        bypass=stage.bypass,
    )


def plain_converted(converter: InputConverter, image: NDArray[np.uint8]) -> list[list[list[int]]]:
    """One image (C, H, W) through the input converter."""
    means = None if converter.mean is None else (*converter.mean, 0, 0, 0)[:4]
    return [
        [
            [
                plain.pixel_convert(
                    byte, channel, enabled=converter.enabled, signed=not converter.unsigned, means=means,
                    offset=converter.offset, scale=converter.scale, truncate=converter.truncate_bits,
                )
                for byte in row
            ]
            for row in plane
        ]
        for channel, plane in enumerate(image.tolist())
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(60))
def test_run_random_program_equals_plain_integers_at_every_stage(number: int) -> None:
    program, images = random_layer(generator("tests", "program", number), "conv", find_build("nv_small"))
    stages = program.run(images)
    geometry = program.geometry
    weights = program.weights.tolist()
    counted = dict.fromkeys(("cacc_32", "x1", "x2", "output_17", "output_8"), 0)
    for image in range(len(images)):
        cube = plain_converted(program.input_converter, images[image].view(np.uint8))
        assert stages.converted[image].tolist() == cube
        for at in np.ndindex(stages.output.shape[1:]):
            k, y, x = at
            sums = plain.conv_atoms(
                cube, weights[k], y, x,
                stride=(geometry.stride_y, geometry.stride_x), dilation=(geometry.dilation_y, geometry.dilation_x),
                padding=(geometry.pad_top, geometry.pad_left), pad_value=geometry.pad_value, atomic_c=8,
            )  # fmt: skip
            acc, acc_flag = plain.accumulate(sums, program.accumulator.truncate_bits)
            x1, x1_flag = plain.x_stage(acc, plain_x(program.x1, program.x1_alu, program.x1_mul, at))
            x2, x2_flag = plain.x_stage(x1, plain_x(program.x2, program.x2_alu, program.x2_mul, at))
            out = program.output_converter
            t, out_flag = plain.output_convert(x2, out.offset, out.scale, out.shift_bits, 17)
            value = plain.clip(t, 16 if out.int16 else 8)
            expected = (acc, x1, x2, plain.sx(value, 8))
            assert tuple(int(stages.tensor(stage)[image][at]) for stage in STAGES[1:]) == expected
            flags = (acc_flag, x1_flag, x2_flag, out_flag, value != t)
            for name, flag in zip(counted, flags, strict=True):
                counted[name] += flag
    assert {name: stages.saturations[name] for name in counted} == counted


@pytest.mark.parametrize("name", ["nv_small", "nv_small_256", "nv_large"])
def test_run_adds_up_the_atoms_of_the_build(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With 17-bit accumulators atoms of another size give other sums; 34 bits saturate in no build."""
    monkeypatch.setattr(nvdla_int8.stages.convolution, "ACCUMULATOR_BITS", 17)
    rng = generator("tests", "program", "build")
    data = rng.integers(-128, 128, (96, 3, 4), np.int8)
    weights = rng.integers(-128, 128, (4, 96, 2, 2), np.int8)
    build = find_build(name)
    found = (
        Network.chain((LayerProgram(name="conv", weights=weights),)).run(data, build=build)[0].tensor("accumulators")
    )
    expected = convolve(data, weights, ConvGeometry(), atomic_c=build.atomic_c)
    assert expected.saturated.any()
    np.testing.assert_array_equal(found, expected.value)


def test_random_programs_reach_the_interesting_cases() -> None:
    """The test above proves little if its programs never saturate, pad or use an operand."""
    cases = [
        random_layer(generator("tests", "program", number), "conv", find_build("nv_small")) for number in range(60)
    ]
    programs = [program for program, _ in cases]
    counts = [program.run(images).saturations for program, images in cases]
    for flag in ("input_converter_8", "x1_operand", "x1", "output_17", "output_8"):
        assert sum(count[flag] > 0 for count in counts) >= 3, flag
    for operand in OPERANDS:
        used = [getattr(program, operand) for program in programs if getattr(program, operand) is not None]
        assert {array.ndim for array in used} == {1, 3}, operand
    assert sum(program.geometry.pad_value != 0 and program.geometry.pad_top > 0 for program in programs) >= 5
    assert sum(program.input_converter.mean is not None for program in programs) >= 5
    outputs = np.concatenate([program.run(images).output.ravel() for program, images in cases])
    assert len(np.unique(outputs)) > 200


def test_rule_10_padding_is_inserted_after_conversion() -> None:
    """A converter that would turn a padded 5 into -95 must leave it alone."""
    program = LayerProgram(
        name="padded",
        weights=np.ones((1, 1, 3, 3), np.int8),
        geometry=ConvGeometry(pad_top=1, pad_left=1, pad_bottom=1, pad_right=1, pad_value=5),
        input_converter=InputConverter(enabled=True, offset=100),
    )
    stages = program.run(np.full((1, 1, 1), 101, np.int8))
    assert stages.accumulators.ravel().tolist() == [8 * 5 + 1]


def test_run_batch_equals_image_by_image() -> None:
    program, images = random_layer(generator("tests", "batch"), "conv", find_build("nv_small"))
    batch = program.run(images)
    singles = [program.run(image) for image in images]
    for stage in STAGES:
        np.testing.assert_array_equal(batch.tensor(stage), np.stack([one.tensor(stage) for one in singles]))
    for name, count in batch.saturations.items():
        assert count == sum(one.saturations[name] for one in singles)


def test_run_of_signed_and_unsigned_arrays_reads_the_same_bytes() -> None:
    program, images = random_layer(generator("tests", "batch"), "conv", find_build("nv_small"))
    left, right = program.run(images.view(np.uint8)), program.run(images.view(np.int8))
    np.testing.assert_array_equal(left.output, right.output)


@pytest.mark.parametrize(
    ("shape", "dtype", "word"),
    [((4, 5), np.int8, "(4, 5)"), ((3, 4, 5), np.int8, "3 channels"), ((2, 4, 5), np.int16, "int16")],
)
def test_run_input_that_does_not_fit_names_layer_and_value(shape: tuple[int, ...], dtype: Any, word: str) -> None:
    program = LayerProgram(name="conv9", weights=np.ones((1, 2, 1, 1), np.int8))
    with pytest.raises(BenchError) as caught:
        program.run(np.zeros(shape, dtype))
    assert str(caught.value).startswith("layer conv9: ")
    assert word in str(caught.value)


MEM = XStage(bypass=False, mul_bypass=False, mul_source=Source.MEM)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"weights": np.ones((1, 1, 1, 1), np.int16)}, ["weights", "int16"]),
        ({"weights": np.ones((1, 1, 1), np.int8)}, ["weights", "(1, 1, 1)"]),
        ({"weights": None}, ["weights", "None"]),
        ({"x1": MEM}, ["x1", "mul operand"]),
        ({"x2_alu": np.zeros(2, np.int16)}, ["x2_alu", "does not read"]),
        ({"x1": MEM, "x1_mul": np.zeros(2, np.int32)}, ["x1_mul", "int32"]),
        ({"x1": MEM, "x1_mul": np.zeros(3, np.int16)}, ["x1_mul", "(3,)"]),
        ({"x1": MEM, "x1_mul": [1, 2]}, ["x1_mul", "[1, 2]"]),
        ({"geometry": {"stride_y": 0}}, ["geometry", "stride_y = 0"]),
        ({"geometry": {"stride_y": "2"}}, ["geometry", "stride_y = '2'"]),
        ({"geometry": {"pad_top": True}}, ["geometry", "pad_top = True"]),
        ({"name": 3}, ["name = 3"]),
    ],
)
def test_program_that_does_not_fit_together_is_one_line(values: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(BenchError) as caught:
        LayerProgram(**{"name": "conv1", "weights": np.ones((2, 1, 1, 1), np.int8), **values})
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert "\n" not in message


# --- files


@pytest.mark.parametrize("number", range(6))
def test_save_then_load_gives_an_equal_program(number: int, tmp_path: Path) -> None:
    program, _ = random_layer(generator("tests", "files", number), "conv", find_build("nv_small"))
    program = program.model_copy(update={"input_scale": TensorScale("data", 0.1, -3)})
    path = tmp_path / "conv.1.json"
    program.save(path)
    loaded = LayerProgram.load(path)
    assert loaded == program
    assert loaded.input_scale == program.input_scale


def test_programs_differ_by_one_weight_or_one_field() -> None:
    program, _ = random_layer(generator("tests", "files", 0), "conv", find_build("nv_small"))
    weights = program.weights.copy()
    weights.flat[0] ^= 1
    assert program != program.model_copy(update={"weights": weights})
    assert program != program.model_copy(update={"accumulator": Accumulator(truncate_bits=31)})
    assert program == program.model_copy(update={"weights": program.weights.copy()})


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one saved program that reads an operand, conv.json and conv.npz."""
    folder = tmp_path_factory.mktemp("program")
    LayerProgram(
        name="conv", weights=np.ones((2, 1, 1, 1), np.int8), x1=MEM, x1_mul=np.array([3, 4], np.int16),
        input_scale=TensorScale("data", 0.5), output_converter=OutputConverter(scale=3),
    ).save(folder / "conv.json")  # fmt: skip
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def load_error(folder: Path) -> str:
    with pytest.raises(BenchError) as caught:
        LayerProgram.load(folder / "conv.json")
    message = str(caught.value)
    assert "\n" not in message
    return message


JSON_TEXT_DEFECTS: dict[str, Callable[[str], str]] = {
    "truncated": lambda text: text[: len(text) // 2],
    "empty": lambda text: "",
    "a list": lambda text: "[1]",
    "not JSON": lambda text: "weights",
    "deeply nested": lambda text: "[" * 100_000,
}


@pytest.mark.parametrize("defect", JSON_TEXT_DEFECTS)
def test_load_json_that_is_none_names_the_file(folder: Path, defect: str) -> None:
    path = folder / "conv.json"
    path.write_text(JSON_TEXT_DEFECTS[defect](path.read_text()))
    assert load_error(folder).startswith(f"{path}: ")


def test_load_json_that_is_not_text_names_the_file(folder: Path) -> None:
    (folder / "conv.json").write_bytes(b"\xff\xfe{}")
    assert load_error(folder).startswith(f"{folder / 'conv.json'}: ")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"extra": 1}, ["extra = 1"]),
        ({"self": 1}, ["self = 1"]),
        ({"x1": {"mul_shift": 3}}, ["x1", "mul_shift = 3"]),
        ({"output_converter": {"scale": 40000}}, ["output_converter", "scale = 40000"]),
        ({"output_converter": {"scale": "3"}}, ["output_converter", "scale = '3'"]),
        ({"output_converter": 7}, ["output_converter = 7"]),
        ({"geometry": {"stride_x": 1.5}}, ["geometry", "stride_x = 1.5"]),
        ({"input_scale": {"name": "data", "scale": -1.0}}, ["input_scale", "-1.0"]),
        ({"input_scale": {"name": "data", "scale": "0.5"}}, ["input_scale", "'0.5'"]),
        ({"input_scale": {"name": "data", "scale": 0.5, "zero": 1}}, ["input_scale", "zero"]),
        ({"name": None}, ["name = None"]),
        ({"format": "nvdla-int8 layer program 2"}, ["format", "program 2"]),
        ({"weights": [[[[1]]]]}, ["weights", "conv.npz"]),
    ],
)
def test_load_json_with_a_wrong_value_names_file_field_and_value(
    folder: Path, change: dict[str, Any], words: list[str]
) -> None:
    path = folder / "conv.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    message = load_error(folder)
    assert message.startswith(f"{path}: ")
    assert all(word in message for word in words), message


@pytest.mark.parametrize("field", ["name", "format"])
def test_load_json_without_a_field_names_it(folder: Path, field: str) -> None:
    path = folder / "conv.json"
    header = json.loads(path.read_text())
    del header[field]
    path.write_text(json.dumps(header))
    assert load_error(folder) == f"{path}: LayerProgram: {field} is missing"


@pytest.mark.parametrize("suffix", ["json", "npz"])
def test_load_without_one_of_its_files_names_the_file(folder: Path, suffix: str) -> None:
    (folder / f"conv.{suffix}").unlink()
    assert load_error(folder).startswith(f"{folder / f'conv.{suffix}'}: ")
    (folder / f"conv.{suffix}").mkdir()
    assert load_error(folder).startswith(f"{folder / f'conv.{suffix}'}: ")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weights": None}, ["weights", "missing"]),
        ({"x1_mul": None}, ["x1", "mul operand"]),
        ({"x2_mul": np.zeros(2, np.int16)}, ["x2_mul"]),
        ({"bias": np.zeros(2, np.int16)}, ["array 'bias'"]),
        ({"weights": np.zeros((2, 1, 1, 1), np.uint8)}, ["weights", "uint8"]),
        ({"weights": np.zeros((2, 1, 1), np.int8)}, ["weights", "(2, 1, 1)"]),
        ({"x1_mul": np.zeros((2, 1), np.int16)}, ["x1_mul", "(2, 1)"]),
        ({"x1_mul": np.zeros(2, ">i2")}, ["x1_mul", ">i2"]),
        ({"x1_mul": np.array([None, None])}, ["arrays"]),
    ],
)
def test_load_arrays_that_do_not_fit_are_one_line(folder: Path, change: dict[str, Any], words: list[str]) -> None:
    path = folder / "conv.npz"
    with np.load(path) as stored:
        arrays = {**stored, **change}
    np.savez(path, allow_pickle=True, **{name: array for name, array in arrays.items() if array is not None})
    message = load_error(folder)
    assert message.startswith(str(folder / "conv."))
    assert all(word in message for word in words), message


def test_load_a_single_array_in_place_of_the_archive_names_the_file(folder: Path) -> None:
    with (folder / "conv.npz").open("wb") as file:
        np.save(file, np.zeros((2, 1, 1, 1), np.int8))
    assert load_error(folder).startswith(f"{folder / 'conv.npz'}: ")


def test_load_any_damaged_byte_or_cut_of_the_arrays_is_one_line_or_harmless(folder: Path) -> None:
    """Whatever byte of the archive is damaged, nothing but BenchError comes out."""
    path = folder / "conv.npz"
    sound, rng = path.read_bytes(), generator("program", "damage")
    original = LayerProgram.load(folder / "conv.json")
    messages = []
    for position in range(len(sound)):
        damaged = bytearray(sound)
        damaged[position] ^= int(rng.integers(1, 256))
        path.write_bytes(sound[:position] if position % 4 == 0 else bytes(damaged))
        try:
            assert LayerProgram.load(folder / "conv.json") == original
        except BenchError as error:
            messages.append(str(error))
    assert len(messages) > len(sound) // 3
    assert all(message.startswith(str(folder / "conv.")) and "\n" not in message for message in messages)
