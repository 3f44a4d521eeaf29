"""What a layer reads from memory, and what of it nothing ever wrote."""

from collections.abc import Iterator

import numpy as np

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import ConvolutionLayer, Fetch
from nvdla_int8.device.diagnostics import Diagnostic
from nvdla_int8.device.finder import Finder
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.lrn_layer import LrnLayer
from nvdla_int8.device.pooling_layer import PoolingLayer
from nvdla_int8.device.sdp_layer import RDMA_NAMES, SdpLayer
from nvdla_int8.surfaces.written_ranges import Runs, WrittenBytes

INPUT_BASES = ("CDMA.D_DAIN_ADDR_LOW_0", "CDMA.D_DAIN_ADDR_LOW_1")
"""Registers with the address of the input's first and second plane."""


def reads_of(run: LayerRun, build: Build) -> Iterator[tuple[str, str, Runs]]:
    """The reads of a layer that ran, as of :meth:`MemoryReads.reads`; not what the CBUF had already."""
    return MemoryReads(run.registers, build, None if run.convolution is None else run.convolution.fetch).reads()


class MemoryReads(Finder):
    """The reads of one legal layer.

    Parameters
    ----------
    registers, build
        As of :class:`Finder`.
    fetch
        What CDMA fetches; None unless it is a convolution.
    """

    def __init__(self, registers: LayerRegisters, build: Build, fetch: Fetch | None) -> None:
        super().__init__(registers, build)
        self._fetch = fetch
        self._sdp = registers.decoded(SdpLayer, build)

    def reads(self) -> Iterator[tuple[str, str, Runs]]:
        """Each read: what it is, the register with its address, its runs of bytes.

        Cubes count as whole atoms, as the hardware reads them; weights without the bytes that only pad their end.
        """
        if "PDP_RDMA" in self.registers.blocks:
            [runs] = self.registers.decoded(PoolingLayer, self.build).source_surface().runs()
            yield "source", "PDP_RDMA.D_SRC_BASE_ADDR_LOW", runs
        elif "CDP_RDMA" in self.registers.blocks:
            [runs] = self.registers.decoded(LrnLayer, self.build).source_surface().runs()
            yield "source", "CDP_RDMA.D_SRC_BASE_ADDR_LOW", runs
        else:
            yield from self._reads_of_sdp()

    def _reads_of_sdp(self) -> Iterator[tuple[str, str, Runs]]:
        """Those of a layer of SDP and of the convolution before it."""
        if self._fetch is not None:
            yield from self._fetched(self._fetch)
        else:
            [runs] = self._sdp.source_surface().runs()
            yield "source", "SDP_RDMA.D_SRC_BASE_ADDR_LOW", runs
        for which, (_, prefix) in RDMA_NAMES.items():
            stage = self._sdp.stages[which]
            if stage.reads_alu or stage.reads_mul:
                [runs] = self._sdp.operand_surface(which).runs()
                yield f"{which.upper()} operands", f"SDP_RDMA.D_{prefix}_BASE_ADDR_LOW", runs

    def _fetched(self, fetch: Fetch) -> Iterator[tuple[str, str, Runs]]:
        layer = self.registers.decoded(ConvolutionLayer, self.build)
        if fetch.data:
            what = "pixels" if layer.pixel else "features"
            for base, runs in zip(INPUT_BASES, layer.input_surface.runs(), strict=False):
                yield what, base, runs
        if fetch.weights:
            weights = layer.weight_extent[0]
            yield "weights", "CDMA.D_WEIGHT_ADDR_LOW", (np.array([weights]), layer.weight_bytes)

    def find(self, written: WrittenBytes) -> Iterator[Diagnostic]:
        """A warning for each read of bytes that nothing wrote."""
        for what, base, runs in self.reads():
            unwritten = written.missing_of([runs])
            if unwritten is not None:
                yield self.warning("memory", base, unwritten.describe(f"of its {what}"))
