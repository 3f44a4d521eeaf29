"""A network as steps in order: how convolutions are cut, and which pooling takes what SDP gives."""

from collections import Counter
from collections.abc import Mapping

from nvdla_int8.build import Build
from nvdla_int8.compiler.cbuf_sharing import share_cbuf
from nvdla_int8.compiler.convolution_registers import slice_entries
from nvdla_int8.compiler.image_kernels import with_image_kernels
from nvdla_int8.compiler.passes import Pass, cut_layer
from nvdla_int8.compiler.placement import Shape
from nvdla_int8.compiler.pooling_registers import fits_line_buffer
from nvdla_int8.compiler.steps import ConvolutionStep, LrnStep, PoolingStep, SdpStep, Step
from nvdla_int8.errors import BenchError, located
from nvdla_int8.network.network import Network, NetworkLayer
from nvdla_int8.stages.concat_program import ConcatProgram
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.lrn_program import LrnProgram
from nvdla_int8.stages.pooling_program import PoolingProgram
from nvdla_int8.stages.sdp_program import SdpProgram
from nvdla_int8.stages.sdp_tail import OPERANDS, SdpTail


def schedule(
    network: Network, shapes: Mapping[str, Shape], build: Build, pixel_format: str | None = None
) -> list[Step]:
    """The steps that compute a network of layers that the hardware runs; concatenation takes none.

    Parameters
    ----------
    network
        The network.
    shapes
        (C, H, W) of every tensor.
    build
        The build.
    pixel_format
        As :func:`image_format` takes it.

    Raises
    ------
    BenchError
        A layer that the build cannot run; one line with layer and value.
    """
    return _Scheduler(network, shapes, build, pixel_format).steps()


class _Scheduler:
    def __init__(self, network: Network, shapes: Mapping[str, Shape], build: Build, pixel_format: str | None) -> None:
        self._network = network
        self._shapes = shapes
        self._build = build
        self._pixel_format = pixel_format
        self._alone = len(network.convolutions) == 1
        self._reads = Counter([*(name for layer in network.layers for name in layer.inputs), *network.outputs])

    def steps(self) -> list[Step]:
        found: list[Step] = []
        fused: set[str] = set()
        for layer in self._network.layers:
            if layer.output in fused or isinstance(layer.program, ConcatProgram):
                continue
            with located(f"layer {layer.name}"):
                following = self._pooling_behind(layer)
                step = self._fused(layer, following) if following else None
                if step is not None:
                    fused.add(step.output)
                found.append(step or self._single(layer))
        return found

    def _pooling_behind(self, layer: NetworkLayer) -> NetworkLayer | None:
        """The pooling layer that alone reads what an SDP pass writes, in bytes: PDP takes no others."""
        program = layer.program
        if not isinstance(program, SdpTail) or self._reads[layer.output] != 1 or program.output_converter.int16:
            return None
        readers = (one for one in self._network.layers if layer.output in one.inputs)
        return next((one for one in readers if isinstance(one.program, PoolingProgram)), None)

    def _single(self, layer: NetworkLayer) -> Step:
        program, build = layer.program, self._build
        between = layer.name, layer.inputs, layer.output
        if isinstance(program, LayerProgram):
            if program.input_converter.pixel and layer.inputs[0] != self._network.input:
                raise BenchError("an image can only be the network's input")
            shape = self._shapes[layer.output]
            prepared = with_image_kernels(program, build, shape[2], self._pixel_format)
            return ConvolutionStep(*between, prepared, build, tuple(self._cut(layer, prepared, shape)))
        if isinstance(program, SdpProgram):
            return SdpStep(*between, program, build)
        if isinstance(program, PoolingProgram):
            return PoolingStep(*between, program)
        assert isinstance(program, LrnProgram), "concatenations have been left out, the host's layers are not there"
        return LrnStep(*between, program)

    def _fused(self, layer: NetworkLayer, following: NetworkLayer) -> Step | None:
        """Two layers in one pass; None where PDP must read from memory.

        SDP leaves out the rows and columns that no window uses (P5 and P6 of pdp_cdp.md section 5).
        """
        channels, height, width = self._shapes[layer.output]
        assert isinstance(following.program, PoolingProgram)
        region, *others = following.program.regions(height, width)
        used = channels, region.rows.size, region.columns.size
        if others or not fits_line_buffer(region) or not self._can_leave_out(layer, used):
            return None
        between = f"{layer.name} + {following.name}", layer.inputs, following.output
        program, build = layer.program, self._build
        if isinstance(program, SdpProgram):
            return SdpStep(*between, program, build, region)
        assert isinstance(program, LayerProgram)
        prepared = with_image_kernels(program, build, used[2], self._pixel_format)
        parts = self._cut(layer, prepared, used)
        return ConvolutionStep(*between, prepared, build, tuple(parts), region) if len(parts) == 1 else None

    def _can_leave_out(self, layer: NetworkLayer, used: Shape) -> bool:
        """Whether the layer can compute no more than ``used``: stored operands lie as for the whole."""
        program = layer.program
        assert isinstance(program, SdpTail)
        if used == self._shapes[layer.output]:
            return True
        stored = [getattr(program, name) for name in OPERANDS]
        if any(operand is not None and operand.ndim == 3 for operand in stored):
            return False
        read = isinstance(program, SdpProgram) or program.takes_addend
        return not (read and used[1:] == (1, 1))  # a pixel of a cube is not packed as SDP_RDMA takes it

    def _cut(self, layer: NetworkLayer, prepared: LayerProgram, shape: Shape) -> list[Pass]:
        """The passes of a convolution, which keep their weights if others follow, and share what both need.

        One pass after the other meets E7, unless the weights stay until the next pass that loads some frees them.
        """
        _, in_height, in_width = self._shapes[layer.inputs[0]]
        entries = slice_entries(prepared, self._build, in_width, shape[2])

        def cut(*, keep_weights: bool) -> list[Pass]:
            return cut_layer(prepared, self._build, in_height, entries, shape[1:], keep_weights=keep_weights)

        if self._build.name != "nv_small":  # whose CBUF is the only one that was measured
            return cut(keep_weights=False)
        parts = cut(keep_weights=False) if self._alone else []
        return parts if len(parts) == 1 else share_cbuf(cut(keep_weights=True), self._build)
