"""A loadable's operations as layers: what writes one tensor, with real weights, operands and factors.

A layer is a convolution with its SDP, SDP alone, PDP or CDP; PDP behind an SDP that hands on without memory belongs to
it. Two things that the compiler writes as several operations are one layer here:

* a convolution that is split over rows: its *parts* share weights and operands and write rows of one tensor;
* the elements of a batch (``--batch``): each has its own operations and cubes. The layer's shapes are those of one
  element, ``batch`` counts them, and ``parts`` lists the operations of all, one element after the other.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError, located
from nvdla_int8.loadable.descriptors import ConvolutionOperation, DataCube
from nvdla_int8.loadable.flat_tables import ALLOWANCE, COPIES
from nvdla_int8.loadable.layer_parts import LayerParts, gather_parts
from nvdla_int8.loadable.loadable import Loadable
from nvdla_int8.loadable.origins import Origin
from nvdla_int8.loadable.sdp_steps import SdpStep, decode_step
from nvdla_int8.loadable.tasks import HardwareOperation, HardwareTask
from nvdla_int8.loadable.weight_stream import FEATURE_FORMAT, WeightStream, weight_stream
from nvdla_int8.stages.accumulator import Accumulator
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.fixedpoint import sign_extend
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.sdp import OutputConverter
from nvdla_int8.stages.widths import FEATURE


@dataclass(frozen=True, eq=False)
class LoadableLayer:
    """What writes one tensor.

    Attributes
    ----------
    path
        The file.
    name
        Such as ``CONV 0 + SDP 1``, by the operations of its first part; ``task 2: ...`` from the second task on.
    task
        The task that it belongs to.
    operation
        The operation that writes the tensor: SDP, PDP or CDP, of the first part.
    convolution, sdp
        The operations before it or itself; None when it has none.
    parts
        Indices of the operations of each part, in the data's order: one part, or those of a split layer or a batch.
    batch
        Elements of a batch; the shapes are those of one.
    input_shape, output_shape
        (C, H, W) of the whole tensors. An image has the channels of its pixels.
    source, destination
        The first part's cubes; their heights are the part's.
    geometry, input_converter, accumulator, weight_stream
        The convolution's; None without one.
    x1, x2, converter
        SDP's; the steps are None when they are off, all are without SDP.
    sources, addends
        Who wrote the source, and the operands that differ from element to element.
    """

    path: Path
    name: str
    task: HardwareTask
    operation: HardwareOperation
    convolution: HardwareOperation | None
    sdp: HardwareOperation | None
    parts: tuple[tuple[int, ...], ...]
    batch: int
    input_shape: tuple[int, int, int]
    output_shape: tuple[int, int, int]
    source: DataCube
    destination: DataCube
    geometry: ConvGeometry | None
    input_converter: InputConverter | None
    accumulator: Accumulator | None
    weight_stream: WeightStream | None
    x1: SdpStep | None
    x2: SdpStep | None
    converter: OutputConverter | None
    sources: tuple[Origin, ...]
    addends: tuple[Origin, ...]

    @property
    def inputs(self) -> tuple[Origin, ...]:
        """Everything that it reads and another wrote: :attr:`sources`, then :attr:`addends`."""
        return self.sources + self.addends

    @property
    def kernels(self) -> int:
        """K, the channels of SDP's output, or of the tensor without SDP."""
        chain_end = self.sdp or self.operation
        surface = chain_end.surface
        return surface.src_data.channel if surface else self.output_shape[0]

    @property
    def held_bytes(self) -> int:
        """Bytes of weights and operands."""
        steps = (step for step in (self.x1, self.x2) if step)
        operands = (operand for step in steps for operand in (step.alu, step.mul) if operand is not None)
        weights = self.weight_stream.size_bytes if self.weight_stream else 0
        return weights + sum(operand.nbytes for operand in operands)

    @cached_property
    def weights(self) -> NDArray[np.int8] | None:
        """Weights, int8 (K, C, R, S), an image's with all channels of its pixels; None without a convolution.

        BenchError when the file does not hold them.
        """
        if self.weight_stream is None:
            return None
        with located(f"{self.path}: {self.name}"):
            return self.weight_stream.read()

    @property
    def factors(self) -> NDArray[np.float64] | None:
        """The real factor from SDP's input steps (accumulators, or the source) to output steps, (K,); None without SDP.

        The product of the multipliers of X1 and X2 over their shifts, and of the output converter. Where an operand
        differs from element to element it is NaN; of PReLU it is that of positive values.
        """
        if self.converter is None:
            return None
        return np.ones(self.kernels) * self._step_factor(self.x1) * self._step_factor(self.x2) * self.converter_factor

    @property
    def converter_factor(self) -> float:
        """The output converter's own factor; 1 without SDP."""
        return self.converter.scale / 2.0**self.converter.shift_bits if self.converter else 1.0

    @property
    def addend_factors(self) -> NDArray[np.float64] | None:
        """The real factor from steps of the addend to output steps, (K,); None without an addend that is added."""
        factors = np.ones(self.kernels) * self.converter_factor
        for step in (self.x2, self.x1):
            if step is None:
                continue
            factors = factors * step.factor
            if step.per_element is not None and step.stage.reads_alu:
                return factors * 2.0**step.alu_shift_bits
        return None

    @property
    def bias(self) -> NDArray[np.int64] | None:
        """What X1 adds to SDP's input, in its steps, int64 (K,), as the hardware does; None without SDP."""
        if self.converter is None:
            return None
        return np.broadcast_to(self.x1.bias if self.x1 else np.int64(0), (self.kernels,)).astype(np.int64)

    @staticmethod
    def _step_factor(step: SdpStep | None) -> NDArray[np.float64]:
        return step.factor if step else np.ones(1)


def loadable_layers(loadable: Loadable) -> tuple[LoadableLayer, ...]:
    """All layers of a loadable, in the order of work.

    Weights are only read when they are asked for.

    Raises
    ------
    BenchError
        One line that names file, task and operation: operations that do not fit together, or operands that the file
        does not hold.
    """
    with located(str(loadable.path)):
        left = COPIES * sum(len(blob.data) for blob in loadable.container.blobs) + ALLOWANCE
        layers = []
        for parts in gather_parts(loadable):
            layer = _layer(parts, loadable)
            left -= layer.held_bytes
            if left < 0:
                raise BenchError(f"{layer.name}: with it, weights and operands are many times what the file holds")
            layers.append(layer)
        return tuple(layers)


def _layer(parts: LayerParts, loadable: Loadable) -> LoadableLayer:
    contents = loadable.contents
    chain = parts.chains[0]
    task = chain.task
    name = f"task {task.task.id}: {chain.name}" if task is not loadable.hardware_tasks[0] else chain.name
    with located(name):
        geometry = converter = stream = accumulator = None
        if chain.convolution_parts is not None:
            operation, surface = chain.convolution_parts
            last_operation = parts.elements[0][-1].chain.convolution_parts
            assert last_operation is not None
            geometry = _geometry(operation, last_operation[0])
            converter = _input_converter(operation)
            accumulator = Accumulator(truncate_bits=operation.out_cvt.truncate & 0x1F)
            stream = weight_stream(operation, surface, contents, task.task, parts.build)
        x1 = x2 = output_converter = None
        if chain.sdp_parts is not None:
            sdp, cubes = chain.sdp_parts
            kernels, atom = cubes.src_data.channel, parts.build.memory_atom
            with located("X1"):
                x1 = decode_step(sdp.x1_op, cubes.x1_data, contents, task.task, kernels, atom)
            with located("X2"):
                x2 = decode_step(sdp.x2_op, cubes.x2_data, contents, task.task, kernels, atom)
            output_converter = OutputConverter(
                offset=sdp.out_cvt.offset, scale=sdp.out_cvt.scale, shift_bits=sdp.out_cvt.truncate & 0x3F
            )
        return LoadableLayer(
            loadable.path, name, task, chain.writer, chain.convolution, chain.sdp,
            tuple(one.indices for one in parts.chains),
            len(parts.elements), parts.input_shape, parts.output_shape, chain.source, chain.destination,
            geometry, converter, accumulator, stream, x1, x2, output_converter, parts.sources, parts.addends,
        )  # fmt: skip


def _geometry(first: ConvolutionOperation, last: ConvolutionOperation) -> ConvGeometry:
    """The whole layer's: the padding above is the first part's, that below the last's."""
    return ConvGeometry(
        stride_y=first.conv_stride_y, stride_x=first.conv_stride_x,
        dilation_y=first.dilation_y, dilation_x=first.dilation_x,
        pad_top=first.pad_y_top, pad_left=first.pad_x_left, pad_bottom=last.pad_y_bottom, pad_right=first.pad_x_right,
        pad_value=int(sign_extend(first.pad_val, FEATURE)),
    )  # fmt: skip


def _input_converter(operation: ConvolutionOperation) -> InputConverter:
    pixel = operation.data_format != FEATURE_FORMAT
    means = operation.mean_ry, operation.mean_gu, operation.mean_bv, operation.mean_ax
    return InputConverter(
        enabled=bool(operation.in_cvt.enable),
        pixel=pixel,
        unsigned=pixel and not operation.pixel_override,
        offset=int(sign_extend(operation.in_cvt.offset, 16)),
        scale=operation.in_cvt.scale,
        truncate_bits=operation.in_cvt.truncate & 0x3F,
        mean=means if pixel and operation.mean_format else None,
    )
