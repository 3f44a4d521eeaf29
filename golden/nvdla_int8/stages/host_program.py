"""An operation that the hardware does not have: the host does it in float."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, SkipValidation

from nvdla_int8.build import NV_SMALL, Build
from nvdla_int8.errors import BenchError, file_trouble, located, writing
from nvdla_int8.json_files import write_json
from nvdla_int8.onnx_session import onnxruntime_trouble, open_session, session_options
from nvdla_int8.parameters import Parameters
from nvdla_int8.stages.program_files import read_header
from nvdla_int8.stages.tensor_scale import Scale, TensorScale


@dataclass(frozen=True)
class HostStages:
    """What a host operation gives: float32, or int8 where a layer of the hardware goes on with it."""

    output: NDArray[Any]

    @property
    def names(self) -> tuple[str, ...]:
        """The stages."""
        return ("output",)

    @property
    def saturations(self) -> dict[str, int]:
        """Elements clipped by the hardware: none."""
        return {}

    def tensor(self, stage: str) -> NDArray[Any]:
        """The array of one stage."""
        return {"output": self.output}[stage]


class HostProgram(Parameters):
    """A float operation between int8 tensors, or behind the last of them.

    Attributes
    ----------
    name, operator
        The layer's name and its kind, for messages.
    input_scales
        What the bytes of each int8 input mean; None for an input that is another host operation's real numbers.
    output_scale
        What the output's bytes mean when the hardware goes on with it; None leaves it in float32.
    model
        What is computed: its inputs in order, float32 (N, C, H, W), to its only output.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    format: Literal["nvdla-int8 host operation 1"] = "nvdla-int8 host operation 1"
    name: str
    operator: str
    input_scales: tuple[Scale, ...]
    output_scale: Scale = None
    model: Annotated[onnx.ModelProto, SkipValidation, Field(exclude=True)]

    def __eq__(self, other: object) -> bool:
        """Equal fields and equal models."""
        if not isinstance(other, HostProgram):
            return NotImplemented
        return self.model_dump() == other.model_dump() and self.model == other.model

    __hash__ = None  # type: ignore[assignment]  # a model can change

    def run(self, *inputs: NDArray[Any], build: Build = NV_SMALL) -> HostStages:
        """Compute in float32.

        Parameters
        ----------
        inputs
            (C, H, W) or (N, C, H, W); int8 where the input has a scale.
        build
            Of no matter here.

        Raises
        ------
        BenchError
            Inputs that the model does not take, naming the layer.
        """
        alone = inputs[0].ndim == 3 and self.input_scales[0] is not None
        with located(f"layer {self.name}"):
            reals = [
                _real(one[None] if alone else one, scale) for one, scale in zip(inputs, self.input_scales, strict=True)
            ]
            output = run_model(self.model, reals)
        if self.output_scale is not None:
            output = _quantised(output, self.output_scale)
        return HostStages(output[0] if alone else output)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write ``path``, readable JSON, and beside it the model, with the suffix ``.onnx``."""
        path = Path(path)
        write_json(self.model_dump(mode="json"), path)
        model_path = path.with_suffix(".onnx")
        with writing(model_path):
            model_path.write_bytes(self.model.SerializeToString(deterministic=True))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what :meth:`save` wrote; BenchError with the file and what is wrong."""
        path = Path(path)
        header = read_header(path)
        model_path = path.with_suffix(".onnx")
        try:
            model = onnx.load_model_from_string(model_path.read_bytes())
        except OSError as error:
            raise BenchError(f"{model_path}: {file_trouble(error)}; it holds the operation of {path.name}") from None
        except DecodeError as error:
            raise BenchError(f"{model_path}: cannot be read as ONNX: {error}") from None
        with located(str(path)):
            return cls(**header, model=model)


def run_model(model: onnx.ModelProto, inputs: list[NDArray[np.float32]]) -> NDArray[Any]:
    """Run a model of one output by onnxruntime; BenchError for one that it refuses."""
    with onnxruntime_trouble("onnxruntime cannot run it"):
        session = open_session(model, session_options())
        names = [one.name for one in session.get_inputs()]
        [output] = session.run(None, dict(zip(names, inputs, strict=True)))
    return np.asarray(output)


def _real(data: NDArray[Any], scale: TensorScale | None) -> NDArray[np.float32]:
    if scale is None:
        return data.astype(np.float32)
    return ((data.astype(np.float64) - scale.offset) * scale.scale).astype(np.float32)


def _quantised(reals: NDArray[Any], scale: TensorScale) -> NDArray[np.int8]:
    steps = np.rint(reals.astype(np.float64) / scale.scale) + scale.offset
    limits = np.iinfo(np.int8)
    return steps.clip(limits.min, limits.max).astype(np.int8)
