"""Seeded models quantised by onnxruntime's own tools, in all its forms."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from nvdla_int8.network.preprocessing import Preprocessing
from nvdla_int8.seeds import generator
from tests.golden.onnx_builder import OnnxBuilder

SIZE = (3, 16, 16)
PIXELS = Preprocessing(np.array([128.0]), np.array([1 / 128]))
"""What pixels become before the model."""


class Form(NamedTuple):
    """How a model is quantised."""

    operators: bool
    unsigned: bool
    per_kernel: bool
    symmetric: bool = False

    @property
    def id(self) -> str:
        words = ("QOperator" if self.operators else "QDQ", "u8" if self.unsigned else "s8")
        return "-".join((*words, "per_kernel" if self.per_kernel else "per_tensor", "symmetric"[: 9 * self.symmetric]))


class _Images(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    def __init__(self, images: NDArray[np.float32]) -> None:
        self._images: Iterator[NDArray[np.float32]] = iter(images)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        image = next(self._images, None)
        return None if image is None else {"image": image[None]}


def pixels(count: int) -> NDArray[np.uint8]:
    return generator("tests", "quantised models").integers(0, 256, (count, *SIZE), np.uint8)


def quantised_file(folder: Path, make: Callable[[OnnxBuilder], str], form: Form) -> Path:
    """A model of 3 x 16 x 16 images, calibrated on eight of :func:`pixels`, as a file."""
    model = OnnxBuilder(1, *SIZE)
    real, path = model.save(folder, make(model)), folder / f"{form.id}.onnx"
    quantize_static(
        str(real),
        str(path),
        _Images(PIXELS.apply(pixels(8))),
        quant_format=QuantFormat.QOperator if form.operators else QuantFormat.QDQ,
        per_channel=form.per_kernel,
        activation_type=QuantType.QUInt8 if form.unsigned else QuantType.QInt8,
        weight_type=QuantType.QInt8,
        extra_options={"ActivationSymmetric": form.symmetric},
    )
    return path
