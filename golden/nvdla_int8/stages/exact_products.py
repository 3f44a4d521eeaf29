"""Matrix products of int8 whose every sum is exact: onnxruntime's on unsigned bytes, or float32.

onnxruntime's ``MatMulInteger`` is fast where its left operand is unsigned, so int8 moves to uint8 by 128, which the
operator is told as a zero point and takes back by the sums of rows and columns. Its u8 x s8 product adds pairs in 16
bits and saturates on processors without VNNI; u8 x u8 does not. So every process tries them with the worst data before
it first multiplies, and takes the first that is exact. A product of float32 is exact on any processor: it adds at most
1,024 products of at most 2^14, so every partial sum is an integer of at most 2^24, which float32 holds whatever the
order of the additions, the use of fused multiply-add or the number of threads.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import cache
from itertools import product as combinations
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from nvdla_int8.errors import BenchError
from nvdla_int8.onnx_session import open_session, session_options

LARGEST_PRODUCT = 2**14
MOVED = 128
"""By what int8 moves to become uint8."""


class ExactProduct(StrEnum):
    """How int8 is multiplied: the type of the left operand, the weights, and that of the right one, the pixels.

    In the order of their speed.
    """

    U8_S8 = "u8 x s8"
    U8_U8 = "u8 x u8"
    FLOAT32 = "float32"

    @property
    def most_taps(self) -> int:
        """Products that may be added at once: int32 holds those of unsigned bytes, float32 those of int8."""
        if self is ExactProduct.FLOAT32:
            return 2**24 // LARGEST_PRODUCT
        return 2**31 // 2**16

    @property
    def pixel_type(self) -> np.dtype[Any]:
        """Type of the right operand."""
        kinds = {ExactProduct.U8_S8: np.int8, ExactProduct.U8_U8: np.uint8, ExactProduct.FLOAT32: np.float32}
        return np.dtype(kinds[self])

    def pixels(self, values: NDArray[np.int8]) -> NDArray[Any]:
        """Int8 as the right operand takes it."""
        return _moved(values) if self is ExactProduct.U8_U8 else values.astype(self.pixel_type, copy=False)

    def weights(self, values: NDArray[np.int8]) -> NDArray[Any]:
        """Int8 as the left operand takes it."""
        return values.astype(np.float32) if self is ExactProduct.FLOAT32 else _moved(values)

    def multiply(self, weights: NDArray[Any], pixels: NDArray[Any]) -> NDArray[np.int32]:
        """The sums of products of int8, (K, P).

        Parameters
        ----------
        weights
            (K, T) of :meth:`weights`, T at most :attr:`most_taps`.
        pixels
            (T, P) of :meth:`pixels`.
        """
        sums: NDArray[np.int32]
        if self is ExactProduct.FLOAT32:
            sums = (weights @ pixels).astype(np.int32)
        else:
            [sums] = _session(self).run(None, {"weights": weights, "pixels": pixels})
        return sums


VARIABLE = "NVDLA_PRODUCT"
"""Environment variable that chooses, by a name of :class:`ExactProduct` in small letters: ``u8_u8``, ``float32``."""

_chosen: ContextVar[ExactProduct | None] = ContextVar("exact product", default=None)


def exact_product() -> ExactProduct:
    """The product that is used: that of :func:`multiplying_by`, of :data:`VARIABLE`, or the fastest that is exact.

    Raises
    ------
    BenchError
        :data:`VARIABLE` names none, or one that is not exact on this processor.
    """
    return _chosen.get() or _of_process(os.environ.get(VARIABLE, ""))


@contextmanager
def multiplying_by(product: ExactProduct) -> Iterator[None]:
    """Use this product in this block; BenchError for one that is not exact on this processor."""
    _check(product)
    before = _chosen.set(product)
    try:
        yield
    finally:
        _chosen.reset(before)


@cache
def _of_process(name: str) -> ExactProduct:
    if not name:
        return next(product for product in ExactProduct if is_exact(product))
    names = {product.name.lower(): product for product in ExactProduct}
    if name not in names:
        raise BenchError(f"{VARIABLE} = {name!r}: choose one of {', '.join(names)}")
    _check(names[name])
    return names[name]


def _check(product: ExactProduct) -> None:
    if not is_exact(product):
        raise BenchError(f"product {product}: sums are not exact on this processor")


@cache
def is_exact(product: ExactProduct) -> bool:
    """Try a product with the worst data: all pairs of ends of int8, in sums of many lengths and numbers.

    Pairs of products of ends saturate 16 bits wherever a processor adds them in 16 bits; sums of the longest kind
    saturate 32 bits wherever these do not wrap.
    """
    ends = np.array([-128, 127], np.int8)
    for kernels, taps, pixels in (
        (1, 1, 1),
        (1, 2, 17),
        (2, 3, 5),
        (7, 8, 33),
        (13, 130, 70),
        (3, product.most_taps, 2),
    ):
        for weight, pixel in combinations((*ends, None), repeat=2):
            weights, right = np.empty((kernels, taps), np.int8), np.empty((taps, pixels), np.int8)
            weights[:] = ends[np.arange(taps) // 2 % 2] if weight is None else weight
            right[:] = ends[np.arange(taps)[:, None] % 3 % 2] if pixel is None else pixel
            wanted = weights.astype(np.float64) @ right.astype(np.float64)
            if (product.multiply(product.weights(weights), product.pixels(right)) != wanted).any():
                return False
    return True


def _moved(values: NDArray[np.int8]) -> NDArray[np.uint8]:
    return values.view(np.uint8) ^ np.uint8(MOVED)


@cache
def _session(product: ExactProduct) -> onnxruntime.InferenceSession:
    """One operator whose operands have any size; of one thread, since several may run it at once."""
    signed = product is ExactProduct.U8_S8
    right_type = TensorProto.INT8 if signed else TensorProto.UINT8
    zeros = {
        "weight_zero": np.uint8(MOVED),
        "pixel_zero": np.int8(0) if signed else np.uint8(MOVED),
    }
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["weights", "pixels", *zeros], ["sums"])],
        "exact product",
        [
            helper.make_tensor_value_info("weights", TensorProto.UINT8, ["kernels", "taps"]),
            helper.make_tensor_value_info("pixels", right_type, ["taps", "pixels"]),
        ],
        [helper.make_tensor_value_info("sums", TensorProto.INT32, ["kernels", "pixels"])],
        [numpy_helper.from_array(np.asarray(zero), name) for name, zero in zeros.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return open_session(model, session_options())
