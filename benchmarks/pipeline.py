"""Speed of whole layers: the 53 convolutions of ResNet-50 through every stage, beside onnxruntime's, in one run.

Run as ``python -m benchmarks.pipeline``. Every row is the same layers on the same data: to the accumulators, through
all stages with every one kept, without keeping them, and onnxruntime's QLinearConv with signed and unsigned pixels.
Seconds are of the wall clock and of the processor, the least of the rounds, since others may use the machine. Peak
memory is that of the layer that takes most: NumPy's arrays beside image and weights, the results among them;
onnxruntime's own is not seen.
"""

import resource
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import click
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from rich.console import Console
from rich.table import Table

from nvdla_int8.seeds import generator
from nvdla_int8.stages.convolution import ConvGeometry, TiledSums
from nvdla_int8.stages.exact_products import exact_product
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.sdp import OutputConverter, Source, XStage
from nvdla_int8.threads import in_threads, limited_threads

BLOCKS = ((64, 3, 56), (128, 4, 28), (256, 6, 14), (512, 3, 7))
"""Of ResNet-50: width, bottlenecks, size of the output."""


@dataclass(frozen=True)
class Shape:
    """One convolution: square input and kernel, padded by half the kernel."""

    channels: int
    kernels: int
    kernel: int
    stride: int
    size: int

    @property
    def geometry(self) -> ConvGeometry:
        """Stride and padding."""
        pads = dict.fromkeys(("pad_top", "pad_left", "pad_bottom", "pad_right"), self.kernel // 2)
        return ConvGeometry(stride_y=self.stride, stride_x=self.stride, **pads)

    @property
    def macs(self) -> int:
        """Multiplications for one image."""
        out_h, out_w = self.geometry.output_size(self.size, self.size, self.kernel, self.kernel)
        return self.kernels * self.channels * self.kernel**2 * out_h * out_w


def resnet50() -> Iterator[Shape]:
    """The 53 convolutions."""
    yield Shape(3, 64, 7, 2, 224)
    channels = 64
    for width, bottlenecks, size in BLOCKS:
        for number in range(bottlenecks):
            stride = 2 if number == 0 and width > BLOCKS[0][0] else 1
            yield Shape(channels, width, 1, 1, size * stride)
            yield Shape(width, width, 3, stride, size * stride)
            yield Shape(width, 4 * width, 1, 1, size)
            if number == 0:
                yield Shape(channels, 4 * width, 1, stride, size * stride)
            channels = 4 * width


@dataclass(frozen=True)
class Layer:
    """A convolution with random integers, requantised as the compiler would: X1 adds, multiplies, shifts, ReLU."""

    shape: Shape
    program: LayerProgram
    data: NDArray[np.int8]


def random_layer(shape: Shape, batch: int) -> Layer:
    """Weights, operands and data of one convolution."""
    rng = generator("benchmark", "pipeline", str(shape))
    weights = rng.integers(-128, 128, (shape.kernels, shape.channels, shape.kernel, shape.kernel), np.int8)
    data = rng.integers(-128, 128, (batch, shape.channels, shape.size, shape.size), np.int8)
    x1 = XStage(
        bypass=False, alu_bypass=False, alu_source=Source.MEM, alu_shift_bits=4,
        mul_bypass=False, mul_source=Source.MEM, mul_shift_bits=14, relu=True,
    )  # fmt: skip
    spread = 74**2 * (shape.channels * shape.kernel**2) ** 0.5  # of the sums
    program = LayerProgram(
        name=str(shape), weights=weights, geometry=shape.geometry, x1=x1,
        x1_alu=rng.integers(-(2**11), 2**11, shape.kernels).astype(np.int16),
        x1_mul=rng.integers(2**13, 2**14, shape.kernels).astype(np.int16),
        output_converter=OutputConverter(scale=max(1, int(60 / spread * 2**24)), shift_bits=24),
    )  # fmt: skip
    return Layer(shape, program, data)


def onnxruntime_layer(layer: Layer, threads: int, *, signed: bool) -> Callable[[], object]:
    """The same layer as QLinearConv with pixels of int8 or of uint8."""
    kind, zero = (TensorProto.INT8, np.int8(0)) if signed else (TensorProto.UINT8, np.uint8(128))
    shape = layer.shape
    tensors: dict[str, Any] = {
        "x_scale": np.float32(0.1), "x_zero": zero, "w": layer.program.weights, "w_scale": np.float32(0.1),
        "w_zero": np.int8(0), "y_scale": np.float32(100), "y_zero": zero,
        "bias": layer.program.x1_alu.astype(np.int32) if layer.program.x1_alu is not None else None,
    }  # fmt: skip
    node = helper.make_node(
        "QLinearConv", ["x", "x_scale", "x_zero", "w", "w_scale", "w_zero", "y_scale", "y_zero", "bias"], ["y"],
        kernel_shape=[shape.kernel] * 2, pads=[shape.kernel // 2] * 4, strides=[shape.stride] * 2,
    )  # fmt: skip
    graph = helper.make_graph(
        [node],
        "layer",
        [helper.make_tensor_value_info("x", kind, layer.data.shape)],
        [helper.make_tensor_value_info("y", kind, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in tensors.items()],
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    data = layer.data if signed else layer.data.view(np.uint8) ^ np.uint8(128)
    return lambda: session.run(None, {"x": data})


def to_sums(layer: Layer) -> None:
    """The accumulators alone."""
    sums = TiledSums(layer.data, layer.program.weights, layer.program.geometry)
    in_threads(lambda tile: sums.of(tile).shape, sums.tiles())


ROWS = ("to accumulators", "all stages kept", "no stages kept", "onnxruntime s8", "onnxruntime u8")


def calls(layer: Layer, threads: int) -> dict[str, Callable[[], object]]:
    """What is measured of one layer, by the row in the table."""
    return {
        "to accumulators": lambda: to_sums(layer),
        "all stages kept": lambda: layer.program.run(layer.data),
        "no stages kept": lambda: layer.program.run_output(layer.data),
        "onnxruntime s8": onnxruntime_layer(layer, threads, signed=True),
        "onnxruntime u8": onnxruntime_layer(layer, threads, signed=False),
    }


class Measured(NamedTuple):
    """Wall and processor seconds of all layers, and the most memory that one of them took."""

    wall: float = 0.0
    processor: float = 0.0
    peak_bytes: int = 0


def measure(shapes: list[Shape], batch: int, threads: int, rounds: int) -> dict[str, Measured]:
    """All layers, by row; each layer's best round, rows taking turns."""
    total = dict.fromkeys(ROWS, Measured())
    for shape in shapes:
        with limited_threads(threads):
            of_rows = calls(random_layer(shape, batch), threads)
            peaks = {row: peak_of(call) for row, call in of_rows.items()}
            times: dict[str, list[tuple[float, float]]] = {row: [] for row in of_rows}
            for _ in range(rounds):
                for row, call in of_rows.items():
                    times[row].append(timed(call))
            for row, of_row in times.items():
                wall, processor = (min(seconds) for seconds in zip(*of_row, strict=True))
                before = total[row]
                peak = max(before.peak_bytes, peaks[row])
                total[row] = Measured(before.wall + wall, before.processor + processor, peak)
    return total


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds of one call."""
    wall, processor = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - processor


def peak_of(call: Callable[[], object]) -> int:
    """Bytes of NumPy's and Python's that a first call takes at most."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@click.command()
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="Rounds of timing.")
@click.option("--layers", type=click.IntRange(min=1), default=53, show_default=True, help="How many layers.")
@click.option("--batch", "batches", type=click.IntRange(min=1), multiple=True, default=(1, 8), show_default=True,
              help="Images at once; may be given again.")  # fmt: skip
@click.option("--threads", "counts", type=click.IntRange(min=1), multiple=True, default=(1, 2), show_default=True,
              help="Threads; may be given again.")  # fmt: skip
def main(rounds: int, layers: int, batches: tuple[int, ...], counts: tuple[int, ...]) -> None:
    """Time ResNet-50's convolutions through all stages of the model beside onnxruntime's quantised ones."""
    shapes = list(resnet50())[:layers]
    console = Console(width=110)
    for batch in batches:
        for threads in counts:
            macs = batch * sum(shape.macs for shape in shapes)
            table = Table(title=f"{len(shapes)} convolutions of ResNet-50, batch {batch}, threads {threads}")
            table.add_column("", no_wrap=True)
            for heading in ("s", "processor s", "ms an image", "GMAC/s", "of onnxruntime s8", "of u8", "peak MB"):
                table.add_column(heading, justify="right", no_wrap=True)
            found = measure(shapes, batch, threads, rounds)
            signed, unsigned = found["onnxruntime s8"].wall, found["onnxruntime u8"].wall
            for row, (wall, processor, peak_bytes) in found.items():
                cells = f"{wall:.3f}", f"{processor:.3f}", f"{wall / batch * 1e3:.1f}", f"{macs / wall / 1e9:.1f}"
                peak = "" if row.startswith("onnxruntime") else f"{peak_bytes / 2**20:.1f}"
                table.add_row(row, *cells, f"{signed / wall:.2f}", f"{unsigned / wall:.2f}", peak)
            console.print(table)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.print(f"exact product {exact_product()}, chosen by a check with the worst data")
    console.print(f"peak memory of the process {peak_mb:.0f} MB")


if __name__ == "__main__":
    main()
