"""A layer's whole program, what running it gives, and its files (hardware.md sections 1 and 2)."""

import json
import os
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, ConfigDict, Field, SkipValidation

from nvdla_int8.build import NV_SMALL, Build
from nvdla_int8.errors import BenchError, file_trouble, writing
from nvdla_int8.parameters import Parameters
from nvdla_int8.stages.accumulator import Accumulator
from nvdla_int8.stages.convolution import ConvGeometry, convolve
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.saturation import convolution_flags, count_flags, sdp_flags
from nvdla_int8.stages.sdp import Operand, OutputConverter, XStage
from nvdla_int8.stages.tensor_scale import TensorScale

STAGES = ("converted", "accumulators", "x1", "x2", "output")
"""The stages in the data's order, as :class:`LayerStages` names them."""

OPERANDS = ("x1_alu", "x1_mul", "x2_alu", "x2_mul")
"""The memory operands, as :class:`LayerProgram` names them."""


def _tensor_scale(value: object) -> object:
    """Give a file's entry to TensorScale's own checks: pydantic would take "0.5" for a number."""
    if not isinstance(value, dict):
        return value
    try:
        return TensorScale(**value)
    except TypeError as error:  # a field too many or too few
        raise BenchError(f"{value}: {error}") from None


Scale = Annotated[TensorScale | None, BeforeValidator(_tensor_scale)]
_Weights = Annotated[NDArray[np.int8], SkipValidation, Field(exclude=True)]
_Operand = Annotated[Operand | None, SkipValidation, Field(exclude=True)]


@dataclass(frozen=True)
class LayerStages:
    """Every stage of one run; arrays have a leading image axis if the input had one.

    Attributes
    ----------
    converted
        (C, H, W) int8, after the input converter, before padding.
    accumulators, x1, x2
        (K, Ho, Wo) int32: CACC's delivery, after X1, after X2.
    output
        (K, Ho, Wo) int8, the bytes that go to memory.
    saturations
        Elements each saturating step clipped. ``output_17`` is what the hardware's
        D_PERF_OUT_SATURATION counts (lanes beyond the last kernel excluded here).
    """

    converted: NDArray[np.int8]
    accumulators: NDArray[np.int32]
    x1: NDArray[np.int32]
    x2: NDArray[np.int32]
    output: NDArray[np.int8]
    saturations: Mapping[str, int]

    @property
    def names(self) -> tuple[str, ...]:
        """The stages, :data:`STAGES`."""
        return STAGES

    def tensor(self, stage: str) -> NDArray[np.integer]:
        """The array of one of :data:`STAGES`."""
        tensor: NDArray[np.integer] = getattr(self, stage)
        return tensor


class LayerProgram(Parameters):
    """Everything one convolution layer needs: converters, int8 weights, operands.

    Attributes
    ----------
    name
        The layer's name, for messages.
    weights
        (K, C, R, S) int8.
    geometry
        Stride, dilation, padding and the padded elements' value.
    input_converter, accumulator, x1, x2, output_converter
        Parameters of the stages.
    x1_alu, x1_mul, x2_alu, x2_mul
        Memory operands, (K,) per kernel or (K, Ho, Wo) per element int16, where the stage reads one.
    input_scale, output_scale
        What the layer's input (after conversion) and output bytes mean, when known.

    Raises
    ------
    BenchError
        When a field does not fit its bits, an array has another dtype or rank, or an operand does
        not belong to the stages' sources.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    format: Literal["nvdla-int8 layer program 1"] = "nvdla-int8 layer program 1"
    name: str
    geometry: ConvGeometry = ConvGeometry()
    input_converter: InputConverter = InputConverter()
    accumulator: Accumulator = Accumulator()
    x1: XStage = XStage()
    x2: XStage = XStage()
    output_converter: OutputConverter = OutputConverter()
    input_scale: Scale = None
    output_scale: Scale = None
    weights: _Weights
    x1_alu: _Operand = None
    x1_mul: _Operand = None
    x2_alu: _Operand = None
    x2_mul: _Operand = None

    def model_post_init(self, _context: object) -> None:
        """Check the arrays against the stages, so that ``run`` cannot fail half-way."""
        if not isinstance(self.weights, np.ndarray) or self.weights.dtype != np.int8 or self.weights.ndim != 4:
            raise BenchError(f"layer {self.name}: weights must be int8 (K, C, R, S), got {_describe(self.weights)}")
        kernels = self.weights.shape[0]
        for operand_name in OPERANDS:
            stage_name, what = operand_name.split("_")
            stage: XStage = getattr(self, stage_name)
            wanted = stage.reads_alu if what == "alu" else stage.reads_mul
            operand: Operand | None = getattr(self, operand_name)
            if wanted and operand is None:
                raise BenchError(f"layer {self.name}: {stage_name} reads its {what} operand from memory, none is given")
            if operand is None:
                continue
            if not wanted:
                raise BenchError(f"layer {self.name}: {operand_name} is given, but {stage_name} does not read it")
            is_int16 = isinstance(operand, np.ndarray) and operand.dtype == np.int16
            if not is_int16 or operand.ndim not in (1, 3) or operand.shape[0] != kernels:
                raise BenchError(
                    f"layer {self.name}: {operand_name} must be int16 ({kernels},) or ({kernels}, Ho, Wo), "
                    f"got {_describe(operand)}"
                )

    def __eq__(self, other: object) -> bool:
        """Equal parameters and equal arrays."""
        if not isinstance(other, LayerProgram):
            return NotImplemented
        mine, theirs = self._arrays(), other._arrays()
        return (
            self.model_dump() == other.model_dump()
            and mine.keys() == theirs.keys()
            and all(np.array_equal(mine[key], theirs[key]) for key in mine)
        )

    __hash__ = None  # type: ignore[assignment]  # arrays can change

    def run(self, data: NDArray[np.integer], *, build: Build = NV_SMALL) -> LayerStages:
        """Run the layer through every stage.

        Parameters
        ----------
        data
            (C, H, W) or (N, C, H, W), int8 or uint8: bytes as they lie in memory.
        build
            Whose atoms the accumulators add up. It matters only where 34 bits saturate, which takes more
            weights than any build's CBUF holds.

        Raises
        ------
        BenchError
            Wrong dtype or shape, naming the layer; a ``build`` that is none, such as a name.
        """
        if not isinstance(build, Build):
            raise BenchError(f"build = {build!r} is not a Build; find_build gives that of a name")
        try:
            return self._run(data, build)
        except BenchError as error:
            raise BenchError(f"layer {self.name}: {error}") from None

    def _run(self, data: NDArray[np.integer], build: Build) -> LayerStages:
        if data.ndim not in (3, 4):
            raise BenchError(f"input has shape {data.shape}, it takes (C, H, W) or (N, C, H, W)")
        converted = self.input_converter.apply(data)
        accumulated = convolve(converted.value, self.weights, self.geometry, atomic_c=build.atomic_c)
        delivered = self.accumulator.apply(accumulated.value)
        x1 = self.x1.apply(delivered.value, alu=self.x1_alu, mul=self.x1_mul)
        x2 = self.x2.apply(x1.value, alu=self.x2_alu, mul=self.x2_mul)
        output = self.output_converter.apply(x2.value)
        flags = {
            **convolution_flags(converted, accumulated.saturated, delivered),
            **sdp_flags(x1, x2, output),
        }
        return LayerStages(
            converted.value,
            delivered.value.astype(np.int32),
            x1.value,
            x2.value,
            output.value,
            count_flags(flags),
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write ``path`` (readable JSON) and beside it the arrays, with the suffix ``.npz``."""
        path = Path(path)
        with writing(path):
            path.write_text(json.dumps(self.model_dump(mode="json"), indent=2) + "\n")
        arrays: dict[str, Any] = self._arrays()
        arrays_path = path.with_suffix(".npz")
        with writing(arrays_path):
            np.savez_compressed(arrays_path, **arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "LayerProgram":
        """Read what :meth:`save` wrote.

        Raises
        ------
        BenchError
            One line with the file, the field and the value, whatever is wrong with the two files.
        """
        path = Path(path)
        header = read_json(path, "a layer program")
        if not isinstance(header, dict):
            raise BenchError(f"{path}: a layer program is a JSON object, not {type(header).__name__}")
        if "format" not in header:
            raise BenchError(f"{path}: LayerProgram: format is missing")
        arrays_path = path.with_suffix(".npz")
        try:
            stored = np.load(arrays_path, allow_pickle=False)
            if not isinstance(stored, np.lib.npyio.NpzFile):
                raise ValueError("one array, not an archive of arrays")
            with stored:
                arrays = {key: stored[key] for key in stored.files}
        except OSError as error:
            raise BenchError(f"{arrays_path}: {file_trouble(error)}; it holds the arrays of {path.name}") from None
        except (ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
            raise BenchError(f"{arrays_path}: cannot be read as the program's arrays: {error}") from None
        for key in arrays.keys() - {"weights", *OPERANDS}:
            raise BenchError(f"{arrays_path}: array {key!r} is not part of a layer program")
        for key in header.keys() & {"weights", *OPERANDS}:
            raise BenchError(f"{path}: {key} belongs into {arrays_path.name}")
        try:
            return cls(**header, **arrays)
        except BenchError as error:
            raise BenchError(f"{path}: {error}") from None

    def _arrays(self) -> dict[str, NDArray[Any]]:
        candidates = {name: getattr(self, name) for name in ("weights", *OPERANDS)}
        return {name: array for name, array in candidates.items() if array is not None}


def read_json(path: Path, what: str) -> object:
    """Read a JSON file that is ``what``.

    Raises
    ------
    BenchError
        One line that names the path once: no such file, an ONNX file, a key given twice, or not JSON text.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BenchError(f"{path}: {file_trouble(error)}") from None
    if path.suffix == ".onnx":
        raise BenchError(f"{path}: is an ONNX file, not {what}; run nvdla-int8 program first")
    try:
        return json.loads(content.decode("utf-8-sig"), object_pairs_hook=_without_repeats)
    except BenchError as error:
        raise BenchError(f"{path}: {error}") from None
    except UnicodeDecodeError:
        raise BenchError(f"{path}: not JSON text, so not {what}") from None
    except (ValueError, RecursionError) as error:
        raise BenchError(f"{path}: not JSON text, so not {what}: {error}") from None


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object as a dict, which alone would keep the last of repeated keys; BenchError for those."""
    for key, count in Counter(key for key, _ in pairs).items():
        if count > 1:
            raise BenchError(f"key {key!r} is given {count} times in one object")
    return dict(pairs)


def _describe(array: object) -> str:
    return f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else repr(array)
