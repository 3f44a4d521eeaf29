"""What a layer left when it ran on the golden device: its registers, its stages, where its output went."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import ConvolutionResult
from nvdla_int8.device.diagnostics import Diagnostic
from nvdla_int8.device.sdp_layer import SdpResult
from nvdla_int8.surfaces.feature import FeatureSurface


@dataclass(frozen=True)
class LayerRun:
    """One layer that ran.

    Attributes
    ----------
    writer, group
        The block that wrote the output, SDP, and its group.
    registers
        Of all the blocks it took.
    destination
        Where its output went.
    macs
        Multiplications of its convolution.
    convolution, sdp
        The stages of each part; None where the layer has no such part.
    counters
        What the hardware left in counting registers, by ``BLOCK.REGISTER``.
    diagnostics
        What was said of it.
    """

    writer: str
    group: int
    registers: LayerRegisters
    destination: FeatureSurface
    macs: int
    convolution: ConvolutionResult | None
    sdp: SdpResult
    counters: Mapping[str, int]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def interrupt(self) -> str:
        """The interrupt that tells that its output is written."""
        return f"{self.writer}_{self.group}"

    @property
    def output(self) -> NDArray[np.int8]:
        """What was written, with the lanes that pad the last atom: (lanes, H, W)."""
        return self.sdp.output
