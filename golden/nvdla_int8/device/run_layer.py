"""Runs one layer from its registers: what the engines do, and whoever runs a layer again with something changed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.cbuf_contents import CbufContents
from nvdla_int8.device.convolution_layer import ConvolutionLayer, ConvolutionResult
from nvdla_int8.device.lrn_layer import LrnLayer
from nvdla_int8.device.points import UNCHANGED, Point, Points, Sites, Written
from nvdla_int8.device.pooling_layer import PoolingLayer
from nvdla_int8.device.sdp_layer import SdpLayer, SdpResult
from nvdla_int8.registers.lrn import LutEntries
from nvdla_int8.stages.lrn import LrnStages
from nvdla_int8.stages.pooling import PoolingStages
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.layout import channels_last, write_runs
from nvdla_int8.surfaces.memory import Memory


@dataclass(frozen=True)
class LayerParts:
    """What the parts of one layer gave.

    Attributes
    ----------
    destination
        Where its output goes.
    output
        Its bytes with the lanes that pad the last atom, int8 (lanes, H, W).
    cbuf
        What lies in the CBUF after it.
    macs
        Multiplications of its convolution.
    read_elements
        Elements of the cube that PDP or CDP took, with the lanes that pad the last atom.
    convolution, sdp, pooling, lrn
        The stages of each part; None where the layer has no such part.
    """

    destination: FeatureSurface
    output: NDArray[np.int8]
    cbuf: CbufContents
    macs: int = 0
    read_elements: int = 0
    convolution: ConvolutionResult | None = None
    sdp: SdpResult | None = None
    pooling: PoolingStages | None = None
    lrn: LrnStages | None = None


def run_layer(
    registers: LayerRegisters,
    build: Build,
    memory: Memory,
    cbuf: CbufContents,
    lut: LutEntries | None = None,
    points: Points = UNCHANGED,
    sites: Sites | None = None,
    delivered: NDArray[np.int32] | None = None,
) -> LayerParts:
    """Run a legal layer; memory is only read.

    Parameters
    ----------
    registers
        Of all the blocks that it takes; the blocks say what it is.
    build
        What it runs on.
    memory
        What lies there when it runs.
    cbuf
        What earlier convolutions left.
    lut
        What lies in CDP's tables; for a layer of CDP.
    points
        What is done at its points, from INPUT to LRN.
    sites
        The pixels of the output that are computed, for a layer that ends in SDP; the output is (lanes, 1, P) then.
    delivered
        What CACC delivers, of the sites where there are some, when it is known: the convolution is not run then.
    """
    if "SDP" in registers.blocks:
        return _run_sdp(registers, build, memory, cbuf, points, sites, delivered)
    if "CDP" in registers.blocks:
        assert lut is not None, "a layer of CDP has tables"
        return _run_lrn(registers, build, memory, cbuf, lut, points)
    pooling = registers.decoded(PoolingLayer, build)
    cube = points.at(Point.POOLING_INPUT, pooling.source_surface().read_lanes(memory))
    pooled = points.at(Point.POOLING, pooling.run)(cube)
    return LayerParts(pooling.destination_surface(), pooled.output, cbuf, read_elements=cube.size, pooling=pooled)


def write_output(
    memory: Memory, destination: FeatureSurface, output: NDArray[np.int8], points: Points = UNCHANGED
) -> Written:
    """Write a layer's output, (lanes, H, W)."""
    starts, length = destination.unit_addresses(), destination.unit_bytes
    units = channels_last(output, length).view(np.uint8)
    written = points.at(Point.WRITTEN, Written(starts, units, memory.read(starts, length)))
    write_runs(memory, written.starts, written.units)
    return written


def _run_sdp(
    registers: LayerRegisters,
    build: Build,
    memory: Memory,
    cbuf: CbufContents,
    points: Points,
    sites: Sites | None,
    delivered: NDArray[np.int32] | None,
) -> LayerParts:
    sdp = registers.decoded(SdpLayer, build)
    convolution, macs = None, 0
    if sdp.flying and delivered is None:
        layer = registers.decoded(ConvolutionLayer, build)
        loaded = cbuf.found_by(registers).load(layer, memory, points)
        cbuf = cbuf.after(registers, build, loaded)
        convolution, macs = layer.run(loaded, points, sites), layer.macs
        delivered = convolution.delivered
    result = sdp.run(memory, delivered if sdp.flying else None, points, sites)
    if not sdp.feeds_pooling:
        return LayerParts(sdp.destination_surface(), result.output, cbuf, macs, convolution=convolution, sdp=result)
    pooling = registers.decoded(PoolingLayer, build)
    pooled = points.at(Point.POOLING, pooling.run)(points.at(Point.POOLING_INPUT, result.output))
    return LayerParts(
        pooling.destination_surface(), pooled.output, cbuf, macs, result.output.size, convolution, result, pooled
    )


def _run_lrn(
    registers: LayerRegisters, build: Build, memory: Memory, cbuf: CbufContents, lut: LutEntries, points: Points
) -> LayerParts:
    layer = registers.decoded(LrnLayer, build)
    cube = points.at(Point.LRN_INPUT, layer.source_surface().read_lanes(memory))
    stages = points.at(Point.LRN, layer.run)(cube, lut)
    return LayerParts(layer.destination_surface(), stages.output, cbuf, read_elements=stages.output.size, lrn=stages)
