"""A convolution's whole program, what running it gives, and its files (hardware.md sections 1 and 2)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, SkipValidation

from nvdla_int8.build import NV_SMALL, Build
from nvdla_int8.errors import BenchError, located
from nvdla_int8.stages.accumulator import Accumulator
from nvdla_int8.stages.blocks import Index, count_true
from nvdla_int8.stages.convolution import ConvGeometry, TiledSums, check_convolution, convolve, may_saturate
from nvdla_int8.stages.float_rounding import Extent
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.output_only import OutputOnly
from nvdla_int8.stages.sdp_tail import OPERANDS, SdpTail, describe
from nvdla_int8.stages.widths import ACC

STAGES = ("converted", "accumulators", "x1", "x2", "output")
"""The stages in the data's order, as :class:`LayerStages` names them."""

_Weights = Annotated[NDArray[np.int8], SkipValidation, Field(exclude=True)]


@dataclass(frozen=True)
class LayerStages:
    """Every stage of one run; arrays have a leading image axis if the input had one.

    Attributes
    ----------
    converted
        (C, H, W) int8, after the input converter, before padding; the input's own memory when that is off.
    accumulators, x1, x2
        (K, Ho, Wo) int32: CACC's delivery, after X1, after X2; one array for a stage that is bypassed and what it
        takes.
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
        with self._placed(build):
            converted, kept, (output, saturations) = self._run(data, addend, build, keep=True)
        accumulators = kept["accumulators"]
        x1 = kept.get("x1", accumulators)
        return LayerStages(converted, accumulators, x1, kept.get("x2", x1), output, saturations)

    def run_output(
        self, data: NDArray[np.integer], addend: NDArray[np.integer] | None = None, *, build: Build = NV_SMALL
    ) -> OutputOnly:
        """Run the layer as :meth:`run` does, without keeping its stages: a tile's stay in the cache, and are lost."""
        with self._placed(build):
            return self._run(data, addend, build, keep=False)[2]

    @contextmanager
    def _placed(self, build: Build) -> Iterator[None]:
        if not isinstance(build, Build):
            raise BenchError(f"build = {build!r} is not a Build; find_build gives that of a name")
        with located(f"layer {self.name}"):
            yield

    def _run(
        self, data: NDArray[np.integer], addend: NDArray[np.integer] | None, build: Build, *, keep: bool
    ) -> tuple[NDArray[np.int8], dict[str, NDArray[np.int32]], OutputOnly]:
        """The converted input, the stages that differ from the one before them if they are kept, and the output."""
        if data.ndim not in (3, 4):
            raise BenchError(f"input has shape {data.shape}, it takes (C, H, W) or (N, C, H, W)")
        converted = self.input_converter.apply(data)
        batch = converted.value.reshape(-1, *data.shape[-3:])
        check_convolution(converted.value, self.weights, self.geometry.groups, build.atomic_c)
        sums = TiledSums(batch, self.weights, self.geometry)
        accumulated = None
        if may_saturate(self.weights):
            accumulated = convolve(batch, self.weights, self.geometry, atomic_c=build.atomic_c)
        shape = (*data.shape[:-3], *sums.shape[1:])
        if addend is not None:
            if addend.dtype != np.int8 or addend.shape != shape:
                raise BenchError(f"the addend is {describe(addend)}, it takes int8 {shape}")
            addend = addend.reshape(sums.shape)
        stages = ("accumulators", *(name for name in ("x1", "x2") if not getattr(self, name).bypass)) if keep else ()
        memory = np.empty((len(stages), *sums.shape), np.int32)  # one, since the system gives large ones faster
        kept = dict(zip(stages, memory, strict=True))

        def of(tile: Index) -> NDArray[np.signedinteger]:
            return sums.of(tile) if accumulated is None else accumulated.value[tile]

        extent = sums.extent if accumulated is None else Extent.of_width(ACC)
        output, counts = self._run_tiles(sums.shape, of, extent, sums.tiles(), addend, kept, self.accumulator)
        before = {
            "input_converter_17": count_true(converted.saturated_17),
            "input_converter_8": count_true(converted.saturated_8),
            "cacc_34": 0 if accumulated is None else count_true(accumulated.saturated),
        }
        tensors = {name: array.reshape(shape) for name, array in kept.items()}
        return converted.value, tensors, OutputOnly(output.reshape(shape), {**before, **counts})

    def _kernels(self) -> int:
        return len(self.weights)

    @classmethod
    def _array_names(cls) -> tuple[str, ...]:
        return ("weights", *OPERANDS)
