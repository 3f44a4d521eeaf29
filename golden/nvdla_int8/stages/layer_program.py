"""A convolution's whole program, what running it gives, and its files (hardware.md sections 1 and 2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, SkipValidation

from nvdla_int8.build import NV_SMALL, Build
from nvdla_int8.errors import BenchError, located
from nvdla_int8.stages.accumulator import Accumulator
from nvdla_int8.stages.convolution import ConvGeometry, convolve
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.saturation import convolution_flags, count_flags, sdp_flags
from nvdla_int8.stages.sdp_tail import OPERANDS, SdpTail, describe

STAGES = ("converted", "accumulators", "x1", "x2", "output")
"""The stages in the data's order, as :class:`LayerStages` names them."""

_Weights = Annotated[NDArray[np.int8], SkipValidation, Field(exclude=True)]


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


class LayerProgram(SdpTail):
    """Everything one convolution layer needs: converters, int8 weights, operands.

    Attributes
    ----------
    weights
        (K, C / groups, R, S) int8.
    geometry
        Stride, dilation, padding, the padded elements' value, and groups.
    input_converter, accumulator
        Parameters of the stages before SDP.
    others
        Those of :class:`SdpTail`.

    Raises
    ------
    BenchError
        When a field does not fit its bits, an array has another dtype or rank, or an operand does
        not belong to the stages' sources.
    """

    format: Literal["nvdla-int8 layer program 1"] = "nvdla-int8 layer program 1"
    geometry: ConvGeometry = ConvGeometry()
    input_converter: InputConverter = InputConverter()
    accumulator: Accumulator = Accumulator()
    weights: _Weights

    def model_post_init(self, _context: object) -> None:
        """Check the arrays against the stages, so that ``run`` cannot fail half-way."""
        if not isinstance(self.weights, np.ndarray) or self.weights.dtype != np.int8 or self.weights.ndim != 4:
            raise BenchError(f"layer {self.name}: weights must be int8 (K, C, R, S), got {describe(self.weights)}")
        super().model_post_init(_context)

    @property
    def channels(self) -> int:
        """Channels of the input."""
        return int(self.weights.shape[1]) * self.geometry.groups

    def run(
        self, data: NDArray[np.integer], addend: NDArray[np.integer] | None = None, *, build: Build = NV_SMALL
    ) -> LayerStages:
        """Run the layer through every stage.

        Parameters
        ----------
        data
            (C, H, W) or (N, C, H, W), int8 or uint8: bytes as they lie in memory.
        addend
            (K, Ho, Wo) or (N, K, Ho, Wo) int8, exactly when the program takes one.
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
        with located(f"layer {self.name}"):
            return self._run(data, addend, build)

    def _run(self, data: NDArray[np.integer], addend: NDArray[np.integer] | None, build: Build) -> LayerStages:
        if data.ndim not in (3, 4):
            raise BenchError(f"input has shape {data.shape}, it takes (C, H, W) or (N, C, H, W)")
        converted = self.input_converter.apply(data)
        accumulated = convolve(converted.value, self.weights, self.geometry, atomic_c=build.atomic_c)
        delivered = self.accumulator.apply(accumulated.value)
        x1, x2, output = self._run_sdp(delivered.value, addend)
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

    def _kernels(self) -> int:
        return len(self.weights)

    @classmethod
    def _array_names(cls) -> tuple[str, ...]:
        return ("weights", *OPERANDS)
