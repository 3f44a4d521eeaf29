"""What the arithmetic of a layer meets, unit by unit: roundings, clips, factors, the ways through the ALU and PReLU.

The layer is run again with a :class:`Watch` in place of the units' arithmetic.
"""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import Build
from nvdla_int8.coverage.plan import Sample
from nvdla_int8.coverage.samplers.averages import average_samples
from nvdla_int8.coverage.samplers.tables import table_samples
from nvdla_int8.coverage.watch import Watch, factor_words
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.device.lrn_layer import LrnLayer
from nvdla_int8.device.points import Point, Points
from nvdla_int8.device.pooling_layer import PoolingLayer
from nvdla_int8.device.sdp_layer import SdpLayer
from nvdla_int8.registers.lrn import LutEntries, decode_lrn
from nvdla_int8.stages.fixedpoint import Saturating, signed_range
from nvdla_int8.stages.input_converter import Converted
from nvdla_int8.stages.lrn import LrnStages
from nvdla_int8.stages.pooling import PoolingStages
from nvdla_int8.stages.sdp import AluAlgo, OutputResult, XResult, XStage
from nvdla_int8.stages.widths import (
    ACC_OUT,
    ALU_RESULT,
    CVT_IN,
    CVT_SCALE,
    FEATURE,
    LRN_CONVERTED,
    MUL_OPERAND,
    OUT_INT16,
    OUT_ROUNDED,
    OUT_SCALE,
)

SAMPLERS = (
    "input converter", "delivery", "x1 arithmetic", "x2 arithmetic", "output converter", "tables", "LE table",
    "LO table", "lrn converters", "windows", "extremes",
)  # fmt: skip

Value = TypeVar("Value")


class WatchedPoints(Points):
    """The points of a layer, at which the units' arithmetic is looked at; ``samples`` is what was seen."""

    def __init__(self, registers: LayerRegisters, build: Build) -> None:
        self.samples: list[Sample] = []
        self._registers = registers
        self._build = build
        self._looks: dict[Point, Callable[..., Any]] = {
            Point.CONVERTER: self._input_converter,
            Point.DELIVERY: self._delivery,
            Point.X1: partial(self._x_stage, "x1"),
            Point.X2: partial(self._x_stage, "x2"),
            Point.OUTPUT_CONVERTER: self._output_converter,
            Point.POOLING: self._pooling,
            Point.LRN: self._lrn,
        }

    def at(self, point: Point, value: Value) -> Value:
        """The unit, looked at."""
        look = self._looks.get(point)
        watched: Any = value if look is None else partial(look, value)
        result: Value = watched
        return result

    def _input_converter(self, convert: Callable[..., Converted], data: NDArray[np.integer]) -> Converted:
        converter, watch = ConvolutionLayer(self._registers, self._build).converter, Watch()
        converted = convert(data, watch.arithmetic)
        if converter.enabled:
            values = {
                "rounded": watch.rounded,
                "to 17 bits": watch.clips(CVT_IN),
                "to 8 bits": watch.clips(FEATURE),
                "scale": factor_words(np.array(converter.scale), CVT_SCALE),
            }
            self.samples.append(Sample("input converter", values))
        return converted

    def _delivery(self, deliver: Callable[..., Saturating], sums: NDArray[np.int64]) -> Saturating:
        watch = Watch()
        delivered = deliver(sums, watch.arithmetic)
        self.samples.append(Sample("delivery", {"rounded": watch.rounded, "to 32 bits": watch.clips(ACC_OUT)}))
        return delivered

    def _x_stage(
        self,
        which: str,
        compute: Callable[..., XResult],
        data: NDArray[np.int32],
        alu: NDArray[np.int64],
        mul: NDArray[np.int64],
    ) -> XResult:
        result = compute(data, alu, mul)
        stage = SdpLayer(self._registers, self._build).stages[which]
        if not stage.bypass:
            watch = Watch()
            before_relu = stage.model_copy(update={"relu": False}).compute(data, alu, mul, watch.arithmetic).value
            summed = _summed(stage, data, alu, mul)
            negative = before_relu < 0
            shifted = np.broadcast_to(np.sign(alu), data.shape)[result.operand_saturated]
            values = {
                "rounded": watch.rounded,
                "to 32 bits": watch.clips(ACC_OUT),
                "sum": _sums(watch),
                "operand shift": {"low": int((shifted < 0).sum()), "high": int((shifted > 0).sum())},
                "way": _ways(stage, data, summed),
                "factor": {} if stage.mul_bypass else factor_words(np.broadcast_to(mul, data.shape), MUL_OPERAND),
                "ReLU": _relu(negative) if stage.relu else {},
            }
            self.samples.append(Sample(f"{which} arithmetic", values))
        return result

    def _output_converter(self, convert: Callable[..., OutputResult], data: NDArray[np.int32]) -> OutputResult:
        watch = Watch()
        result = convert(data, watch.arithmetic)
        converter = SdpLayer(self._registers, self._build).output_converter
        wide = converter.int16
        values = {
            "rounded": watch.rounded,
            "to 17 bits": watch.clips(OUT_ROUNDED),
            "uncounted": watch.ends(OUT_ROUNDED),
            "to 8 bits": {} if wide else watch.clips(FEATURE),
            "to 16 bits": watch.clips(OUT_INT16) if wide else {},
            "scale": factor_words(np.array(converter.scale), OUT_SCALE),
        }
        self.samples.append(Sample("output converter", values))
        return result

    def _pooling(self, pool: Callable[..., PoolingStages], cube: NDArray[np.int8]) -> PoolingStages:
        stages = pool(cube)
        self.samples += average_samples(PoolingLayer(self._registers, self._build), stages)
        return stages

    def _lrn(self, normalise: Callable[..., LrnStages], cube: NDArray[np.int8], entries: LutEntries) -> LrnStages:
        stages = normalise(cube, entries)
        lrn = decode_lrn(self._registers.values, entries)
        into, out = Watch(), Watch()
        lrn.convert(cube[: LrnLayer(self._registers, self._build).channels], into.arithmetic)
        lrn.convert_out(stages.multiplied.astype(np.int64), out.arithmetic)
        values = {
            "input rounded": into.rounded,
            "input to 9 bits": into.clips(LRN_CONVERTED),
            "output rounded": out.rounded,
            "output to 8 bits": out.clips(FEATURE),
        }
        self.samples.append(Sample("lrn converters", values))
        self.samples += table_samples(lrn, stages)
        return stages


def _summed(
    stage: XStage, data: NDArray[np.int32], alu: NDArray[np.int64], mul: NDArray[np.int64]
) -> NDArray[np.int32]:
    """What the ALU gives, clipped to 32 bits."""
    alone = {"mul_bypass": True, "mul_shift_bits": 0, "prelu": False, "relu": False}
    return stage.model_copy(update=alone).compute(data, alu, mul).value


def _sums(watch: Watch) -> dict[str, int]:
    """Sums of the ALU that need 33 bits."""
    sums = watch.into_clip.get(ALU_RESULT, np.zeros(0, np.int64))
    low, high = signed_range(ACC_OUT)
    return {"below 32 bits": int(np.count_nonzero(sums < low)), "above 32 bits": int(np.count_nonzero(sums > high))}


def _ways(stage: XStage, data: NDArray[np.int32], summed: NDArray[np.int32]) -> Counter[str]:
    """Elements by their way through the stage: what the ALU took or did, then what PReLU did."""
    same = summed == data
    if stage.alu_bypass:
        alu = {"no ALU": np.ones(data.shape, np.bool_)}
    elif stage.alu_algo is AluAlgo.SUM:
        alu = {"SUM": np.ones(data.shape, np.bool_)}
    else:
        alu = {f"{stage.alu_algo} takes the data": same, f"{stage.alu_algo} takes the operand": ~same}
    if stage.mul_bypass:
        prelu = {"no MUL": np.ones(data.shape, np.bool_)}
    elif stage.prelu:
        prelu = {"PReLU passes": summed >= 0, "PReLU multiplies": summed < 0}
    else:
        prelu = {"MUL": np.ones(data.shape, np.bool_)}
    ways = ((f"{one}, {other}", taken & then) for one, taken in alu.items() for other, then in prelu.items())
    return Counter({name: int(np.count_nonzero(where)) for name, where in ways})


def _relu(negative: NDArray[np.bool_]) -> dict[str, int]:
    cut = int(np.count_nonzero(negative))
    return {"cuts": cut, "passes": negative.size - cut}
