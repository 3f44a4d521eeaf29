"""The cycles below which no core with nv_small's ports takes a layer: MACs, memory port and order of the work."""

from dataclasses import dataclass

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import ConvolutionLayer, Fetch
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.lrn_layer import LrnLayer
from nvdla_int8.device.pooling_layer import PoolingLayer
from nvdla_int8.device.sdp_layer import SdpLayer

PORT_BYTES = 8
"""Bytes that the memory port gives in a cycle, and as many that it takes (hardware.md section 4)."""


@dataclass(frozen=True)
class LeastCycles:
    """What a layer takes at least, by what it needs.

    Attributes
    ----------
    macs
        Steps of the MACs, one a cycle; 0 without a convolution.
    reads
        All that is read for it, input, weights and operands: they share the port.
    writes
        Its output.
    order
        The input that its output needs, and behind it the MACs of every kernel group but the first: those begin when
        the first group has seen all of it. 0 without a convolution.
    """

    macs: int
    reads: int
    writes: int
    order: int

    @property
    def cycles(self) -> int:
        """The most of them."""
        return max(self.macs, self.reads, self.writes, self.order)


def least_cycles(run: LayerRun, build: Build) -> LeastCycles:
    """What a layer that ran takes at least."""
    macs = order = 0
    read_bytes = _read_bytes(run.registers, build)
    if run.convolution is not None:
        layer = ConvolutionLayer(run.registers, build)
        fetched = layer.fetched_bytes(run.convolution.fetch)
        read_bytes += fetched.data + fetched.weights
        macs = layer.atoms
        groups = -(-layer.kernels // build.atomic_k)
        order = _port_cycles(_needed_bytes(layer, run.convolution.fetch)) + macs // groups * (groups - 1)
    return LeastCycles(macs, _port_cycles(read_bytes), _port_cycles(run.output.size), order)


def _port_cycles(count: int) -> int:
    return -(-count // PORT_BYTES)


def _needed_bytes(layer: ConvolutionLayer, fetch: Fetch) -> int:
    """Of the input that CDMA fetches, what it reads up to the last row that the output needs."""
    if not fetch.data:
        return 0
    rows = min(layer.height, layer.reach[0] - layer.pad_top) - (layer.height - layer.fetched_height)
    return layer.fetched_bytes(fetch).data // layer.fetched_height * max(0, rows)


def _read_bytes(registers: LayerRegisters, build: Build) -> int:
    """What SDP, PDP and CDP read, in whole memory atoms."""
    if "CDP" in registers.blocks:
        lrn = LrnLayer(registers, build).source_surface()
        return lrn.lanes * lrn.height * lrn.width
    pooling = PoolingLayer(registers, build) if "PDP" in registers.blocks else None
    if pooling is not None and not pooling.flying:
        source = pooling.source_surface()
        return source.lanes * source.height * sum(part.width for part in pooling.parts)
    sdp = SdpLayer(registers, build)
    count = 0 if sdp.flying else sdp.lanes * sdp.height * sdp.width
    for which, stage in sdp.stages.items():
        if stage.reads_alu or stage.reads_mul:
            operands = sdp.operand_surface(which)
            count += operands.unit_addresses().size * operands.unit_bytes
    return count
