"""What a layer left when it ran on the golden device: its registers, its stages, where its output went."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import ConvolutionResult
from nvdla_int8.device.diagnostics import Diagnostic
from nvdla_int8.device.sdp_layer import SdpResult
from nvdla_int8.registers.lrn import LutEntries
from nvdla_int8.stages.lrn import LrnStages
from nvdla_int8.stages.pooling import PoolingStages
from nvdla_int8.surfaces.feature import FeatureSurface


@dataclass(frozen=True)
class LayerRun:
    """One layer that ran.

    Attributes
    ----------
    writer, group
        The block that wrote the output, SDP, PDP or CDP, and its group.
    registers
        Of all the blocks it took.
    destination
        Where its output went.
    overwritten
        The bytes that lay where its output went, (S, H, W, A).
    diagnostics
        What was said of it.
    macs
        Multiplications of its convolution.
    read_elements
        Elements of the cube that PDP or CDP took, with the lanes that pad the last atom.
    counters
        What the hardware left in counting registers, by ``BLOCK.REGISTER``.
    convolution, sdp, pooling, lrn
        The stages of each part; None where the layer has no such part. Of pooling in parts they stand side by side.
    lut
        What lay in CDP's tables.
    """

    writer: str
    group: int
    registers: LayerRegisters
    destination: FeatureSurface
    overwritten: NDArray[np.uint8]
    diagnostics: tuple[Diagnostic, ...]
    macs: int = 0
    read_elements: int = 0
    counters: Mapping[str, int] = field(default_factory=dict)
    convolution: ConvolutionResult | None = None
    sdp: SdpResult | None = None
    pooling: PoolingStages | None = None
    lrn: LrnStages | None = None
    lut: LutEntries | None = None

    @property
    def interrupt(self) -> str:
        """The interrupt that tells that its output is written."""
        return f"{self.writer}_{self.group}"

    @property
    def output(self) -> NDArray[np.int8]:
        """What was written, with the lanes that pad the last atom: (lanes, H, W)."""
        last = self.lrn or self.pooling or self.sdp
        assert last is not None, "a layer ends in one of these"
        return last.output
