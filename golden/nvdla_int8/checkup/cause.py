"""A cause: one mistake that may have made a board's bytes, and what it changes in a layer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.timeline import State, Timeline, TimelineLayer
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.device.lrn_layer import LrnLayer
from nvdla_int8.device.points import Point
from nvdla_int8.device.pooling_layer import PoolingLayer
from nvdla_int8.device.sdp_layer import SdpLayer


class Family(Enum):
    """What a cause is about."""

    ARITHMETIC = "arithmetic"
    DATA = "data"
    WEIGHTS = "weights"
    OPERANDS = "operands"
    CONTROL = "control"
    HARDWARE = "hardware"


INPUT = "input"
"""The read of a layer that brings its pixels, features or source, as :attr:`Change.reads` calls it."""


@dataclass(frozen=True)
class BoardOutput:
    """What the dumps tell of a layer's output right after it ran.

    Attributes
    ----------
    values
        uint8 (lanes, H, W).
    known
        bool (lanes, H, W): where there is a dump.
    """

    values: NDArray[np.uint8]
    known: NDArray[np.bool_]


@dataclass(frozen=True)
class Scene:
    """A layer, what it met, and what the board made of it: where a cause is looked for.

    Attributes
    ----------
    timeline
        The whole run.
    layer
        The layer.
    state
        Memory and CBUF when it began, on the golden device. Not to be changed.
    board
        What the board left; None when no dump tells of this layer's output.
    """

    timeline: Timeline
    layer: TimelineLayer
    state: State
    board: BoardOutput | None = None

    @property
    def registers(self) -> LayerRegisters:
        """The layer's registers as they are in the program."""
        return self.layer.run.registers

    @property
    def expected(self) -> NDArray[np.uint8]:
        """The golden device's output, uint8 (lanes, H, W)."""
        return self.layer.run.output.view(np.uint8)

    @property
    def before(self) -> TimelineLayer | None:
        """The layer before it."""
        return self.timeline.layers[self.layer.index - 1] if self.layer.index else None

    @property
    def after(self) -> TimelineLayer | None:
        """The layer after it."""
        later = self.timeline.layers[self.layer.index + 1 :]
        return later[0] if later else None

    @cached_property
    def convolution(self) -> ConvolutionLayer | None:
        """The layer's convolution, decoded; None when it has none."""
        runs = self.layer.run.convolution is not None
        return ConvolutionLayer(self.registers, self.timeline.build) if runs else None

    @cached_property
    def sdp(self) -> SdpLayer | None:
        """The layer's pass of SDP, decoded; None when it has none."""
        return SdpLayer(self.registers, self.timeline.build) if self.layer.run.sdp is not None else None

    @cached_property
    def pooling(self) -> PoolingLayer | None:
        """The layer's pooling, decoded; None when it has none."""
        return PoolingLayer(self.registers, self.timeline.build) if self.layer.run.pooling is not None else None

    @cached_property
    def lrn(self) -> LrnLayer | None:
        """The layer's normalisation, decoded; None when it has none."""
        return LrnLayer(self.registers, self.timeline.build) if self.layer.run.lrn is not None else None


@dataclass(frozen=True)
class Change:
    """What a cause does at one point of a layer.

    Attributes
    ----------
    point
        Where.
    how
        Takes the point's value (see :class:`nvdla_int8.device.points.Point`) and the scene, and gives the value with
        which the layer goes on. It must not change the value in place, except at MEMORY. BenchError when the layer
        has no room for the mistake.
    reads
        At MEMORY, which of a layer's reads it changes at most: :data:`INPUT`, "weights", "X1 operands", "X2 operands".
        Without it the two memories must be compared to know, which takes long where a layer has millions of weights.
    """

    point: Point
    how: Callable[[Any, Scene], Any]
    reads: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cause:
    """One mistake.

    Attributes
    ----------
    key
        Stable and short, the same for all its variants: ``shift-off-by-one``.
    family, unit
        What it is about; the unit of the specification: "SDP output converter", "CDMA", "the driver".
    words
        The mistake, worded to follow "when": "the output converter's shift is 12, not 13".
    advice
        What to look at or to do, a sentence.
    changes
        What it does to a layer, each point once.
    everywhere
        A property of hardware or tools rather than of one layer: the changes hold for every layer, and the search
        tries them on this one alone and on all from here on.
    freedom_bits
        log2 of how many alternatives it was picked from with a look at the board's bytes: 0 for what the program alone
        suggests. An explanation is worth the bits that it explains less these.
    general
        It says what is otherwise and not why: it gives way to a cause that makes the same bytes and says more.
    """

    key: str
    family: Family
    unit: str
    words: str
    advice: str
    changes: tuple[Change, ...] = field(repr=False)
    everywhere: bool = False
    freedom_bits: float = 0.0
    general: bool = False
