"""One element of a layer's output at every stage of the data's path."""

from collections.abc import Iterator
from typing import NamedTuple

from nvdla_int8.build import Build
from nvdla_int8.checkup.timeline import TimelineLayer
from nvdla_int8.device.sdp_layer import SdpLayer
from nvdla_int8.stages.fixedpoint import round_shift
from nvdla_int8.stages.widths import (
    ACC_OUT,
    FEATURE,
    LRN_CONVERTED,
    LRN_PRODUCT,
    LRN_SUM,
    LUT_ENTRY,
    OUT_PRODUCT,
    OUT_ROUNDED,
    POOL_WINDOW,
)
from nvdla_int8.trace.result import Element


class StageValue(NamedTuple):
    """One element's value at one point of the path, signed ``width_bits`` bits."""

    stage: str
    value: int
    width_bits: int

    @property
    def hex(self) -> str:
        """The bits."""
        return f"0x{self.value & ((1 << self.width_bits) - 1):0{-(-self.width_bits // 4)}x}"


def stage_values(layer: TimelineLayer, build: Build, element: Element) -> tuple[StageValue, ...]:
    """An element from accumulator to byte, as far as each stage has one value for it.

    ``before clip`` is what the output converter's last clip takes in. Where PDP takes what SDP gives, only PDP's stages
    are told.
    """
    return tuple(_values(layer, build, (element.channel, element.y, element.x)))


def _values(layer: TimelineLayer, build: Build, place: tuple[int | None, ...]) -> Iterator[StageValue]:
    run = layer.run
    if run.pooling is not None:
        yield StageValue("pooled rows and columns", int(run.pooling.vertical[place]), POOL_WINDOW)
    elif run.lrn is not None:
        yield StageValue("converted", int(run.lrn.converted[place]), LRN_CONVERTED)
        yield StageValue("sum of squares", int(run.lrn.sums[place]), LRN_SUM)
        yield StageValue("from the tables", int(run.lrn.selected[place]), LUT_ENTRY)
        yield StageValue("multiplied", int(run.lrn.multiplied[place]), LRN_PRODUCT)
    elif run.sdp is not None:
        source = "accumulator" if run.convolution is not None else "from memory"
        for stage, tensor in ((source, run.sdp.source), ("x1", run.sdp.x1), ("x2", run.sdp.x2)):
            yield StageValue(stage, int(tensor[place]), ACC_OUT)
        converter = SdpLayer(run.registers, build).output_converter
        product = (int(run.sdp.x2[place]) - converter.offset) * converter.scale
        rounded = round_shift(product, converter.shift_bits, OUT_PRODUCT, OUT_ROUNDED).value
        yield StageValue("before clip", int(rounded), OUT_ROUNDED)
    yield StageValue("byte", int(run.output[place]), FEATURE)
