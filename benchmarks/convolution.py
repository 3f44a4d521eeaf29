"""Speed of the exact INT8 convolution beside NumPy's and onnxruntime's, measured in one run.

Run as ``python -m benchmarks.convolution``. The layer is ResNet-50's 3x3 convolution on 56x56x64.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import click
import numpy as np
import onnxruntime
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from rich.console import Console
from rich.table import Table

from nvdla_int8.errors import BenchError
from nvdla_int8.seeds import generator
from nvdla_int8.stages.convolution import ConvGeometry, convolve

CHANNELS, KERNELS, SIZE, KERNEL_SIZE = 64, 64, 56, 3
LAYER_MACS = KERNELS * CHANNELS * KERNEL_SIZE**2 * SIZE**2
GEOMETRY = ConvGeometry(pad_top=1, pad_left=1, pad_bottom=1, pad_right=1)
PEAK_SIZE = 1024
ORT_THREADS = 2

GOLDEN = "golden convolve, int8 to exact sums"
INT32 = "NumPy int32 matmul, im2col ready"
ORT = f"onnxruntime QLinearConv s8 x s8, {ORT_THREADS} threads"
PEAK = f"NumPy float32 matmul {PEAK_SIZE}x{PEAK_SIZE}, the peak"


@dataclass
class Contestant:
    """One thing to time: what it runs, how much work that is, and its best time so far."""

    run: Callable[[], object]
    macs: int
    calls_per_round: int
    most_rounds: int
    best_seconds: float = float("inf")

    def measure(self) -> None:
        """Time this round's calls one by one and keep the best."""
        for _ in range(self.calls_per_round):
            start = time.perf_counter()
            self.run()
            self.best_seconds = min(self.best_seconds, time.perf_counter() - start)

    @property
    def gmacs(self) -> float:
        """Billions of multiply-accumulates a second in the best call."""
        return self.macs / self.best_seconds / 1e9


def int32_im2col(x: NDArray[np.int8]) -> NDArray[np.int32]:
    """Columns (taps, pixels) of the padded input (C, H, W)."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    windows = sliding_window_view(padded, (KERNEL_SIZE, KERNEL_SIZE), axis=(1, 2))
    return windows.transpose(0, 3, 4, 1, 2).reshape(-1, SIZE * SIZE).astype(np.int32)


def onnxruntime_call(x: NDArray[np.int8], weights: NDArray[np.int8]) -> Callable[[], object]:
    """Session of the same layer as QLinearConv with signed activations and weights."""
    tensors = {
        "x_scale": np.float32(0.1),
        "w_scale": np.float32(0.1),
        "y_scale": np.float32(100),
        "zero": np.int8(0),
        "w": weights,
    }
    node = helper.make_node(
        "QLinearConv",
        ["x", "x_scale", "zero", "w", "w_scale", "zero", "y_scale", "zero"],
        ["y"],
        kernel_shape=[KERNEL_SIZE] * 2,
        pads=[1] * 4,
    )
    shape = [1, CHANNELS, SIZE, SIZE]
    graph = helper.make_graph(
        [node],
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.INT8, shape)],
        [helper.make_tensor_value_info("y", TensorProto.INT8, [1, KERNELS, SIZE, SIZE])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = ORT_THREADS
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": x[np.newaxis]})


def contestants() -> dict[str, Contestant]:
    """Everything that is measured, by its name in the table.

    Raises
    ------
    BenchError
        The exact convolution differs from NumPy's int32 matmul; nothing is worth timing then.
    """
    rng = generator("benchmark", "convolution")
    x = rng.integers(-128, 128, (CHANNELS, SIZE, SIZE), np.int8)
    weights = rng.integers(-128, 128, (KERNELS, CHANNELS, KERNEL_SIZE, KERNEL_SIZE), np.int8)
    columns, matrix = int32_im2col(x), weights.reshape(KERNELS, -1).astype(np.int32)
    different = convolve(x, weights, GEOMETRY).value.reshape(KERNELS, -1) != matrix @ columns
    if different.any():
        raise BenchError(f"benchmark: {different.sum()} of {different.size} sums differ from int32 matmul")
    square = rng.random((PEAK_SIZE, PEAK_SIZE), np.float32)
    product = np.empty_like(square)
    return {
        GOLDEN: Contestant(lambda: convolve(x, weights, GEOMETRY), LAYER_MACS, 10, 1000),
        ORT: Contestant(onnxruntime_call(x, weights), LAYER_MACS, 10, 1000),
        INT32: Contestant(lambda: matrix @ columns, LAYER_MACS, 1, 3),
        PEAK: Contestant(lambda: np.matmul(square, square, out=product), PEAK_SIZE**3, 5, 1000),
    }


def table_of(measured: dict[str, Contestant]) -> Table:
    """One row for each contestant: best time, speed, and speed relative to the float32 peak."""
    peak = measured[PEAK]
    table = Table(title=f"{CHANNELS}x{SIZE}x{SIZE} int8, {KERNELS} kernels 3x3, pad 1; best of the run")
    table.add_column("", no_wrap=True)
    for heading in ("ms", "GMAC/s", "of peak"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, entry in measured.items():
        share = f"{entry.gmacs / peak.gmacs:.3f}"
        table.add_row(name, f"{entry.best_seconds * 1e3:.3f}", f"{entry.gmacs:.1f}", share)
    return table


@click.command()
@click.option("--rounds", type=click.IntRange(min=1), default=40, show_default=True, help="Rounds of timing.")
def main(rounds: int) -> None:
    """Time the exact INT8 convolution, onnxruntime's, and NumPy's matmuls, taking turns."""
    try:
        measured = contestants()
    except BenchError as error:
        click.echo(str(error), err=True)
        raise SystemExit(2) from None
    for turn in range(rounds):
        for entry in measured.values():
            if turn < entry.most_rounds:
                entry.measure()
    console = Console(width=110)
    console.print(table_of(measured))
    console.print(f"golden / onnxruntime: {measured[GOLDEN].gmacs / measured[ORT].gmacs:.2f}")
    core = os.environ.get("OPENBLAS_CORETYPE", "chosen by the library")
    console.print(f"sums equal to int32 matmul; NumPy {np.__version__}, OPENBLAS_CORETYPE {core}")


if __name__ == "__main__":
    main()
