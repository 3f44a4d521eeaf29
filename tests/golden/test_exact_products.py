"""Every product and every number of threads gives the same sums and bytes; products that are not exact are refused."""

import os
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.build import NV_SMALL
from nvdla_int8.errors import BenchError
from nvdla_int8.network.network import Network
from nvdla_int8.seeds import generator
from nvdla_int8.stages import convolution, exact_products
from nvdla_int8.stages.convolution import ConvGeometry, convolve
from nvdla_int8.stages.exact_products import VARIABLE, ExactProduct, exact_product, is_exact, multiplying_by
from nvdla_int8.stages.layer_program import STAGES, LayerProgram
from nvdla_int8.stages.sdp import OutputConverter, Source, XStage
from nvdla_int8.stages.sdp_program import SdpProgram
from nvdla_int8.threads import in_threads, limited_threads, thread_count
from tests.golden.random_layers import random_layer
from tests.golden.test_convolution import int64_convolution


def needs(product: ExactProduct) -> None:
    if product is ExactProduct.U8_S8 and not is_exact(product):  # the others are exact everywhere
        pytest.skip(f"{product} is not exact on this processor")


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolution, "TILE_ELEMENTS", 300)


@pytest.mark.parametrize("product", ExactProduct)
def test_convolve_any_shape_is_equal_by_every_product(product: ExactProduct, small_tiles: None) -> None:
    needs(product)
    rng = generator("tests", "products", product.name)
    for number in range(40):
        kernel = tuple(rng.integers(1, 4, 2))
        geometry = ConvGeometry(
            **{name: int(rng.integers(1, 4)) for name in ("stride_y", "stride_x", "dilation_y", "dilation_x")},
            **{f"pad_{side}": int(rng.integers(0, 3)) for side in ("top", "left", "bottom", "right")},
            pad_value=int(rng.integers(-128, 128)),
        )
        low, high = [(-128, 128), (-128, -127), (127, 128)][number % 3]
        x = rng.integers(low, high, (2, int(rng.integers(1, 9)), 9, 20), np.int8)
        weights = rng.choice(np.array([-128, 127, 5], np.int8), (int(rng.integers(1, 9)), x.shape[1], *kernel))
        with multiplying_by(product):
            found = convolve(x, weights, geometry).value
        np.testing.assert_array_equal(found, int64_convolution(x, weights, geometry))


@pytest.mark.parametrize("product", ExactProduct)
@pytest.mark.parametrize("taps", [1025, 2**15 + 1, 2**17 + 1])
def test_convolve_largest_sums_are_exact_by_every_product(product: ExactProduct, taps: int) -> None:
    """Sums that float32 and int32 cannot hold, and odd ones among them."""
    needs(product)
    x = np.full((1, taps, 1, 3), -128, np.int8)
    x[0, -1, 0, 1] = 127
    weights = np.full((3, taps, 1, 1), -128, np.int8)
    weights[1] = 127
    weights[2, -1] = -127
    with multiplying_by(product):
        found = convolve(x, weights, ConvGeometry()).value
    np.testing.assert_array_equal(found, int64_convolution(x, weights, ConvGeometry()))


def programs() -> list[tuple[LayerProgram, NDArray[np.integer]]]:
    """Random layers of every kind, and one in groups with operands for each element."""
    drawn = [random_layer(generator("tests", "tiles", number), "conv", NV_SMALL) for number in range(12)]
    rng = generator("tests", "tiles", "groups")
    x1 = XStage(bypass=False, alu_bypass=False, alu_source=Source.MEM, mul_bypass=False, mul_source=Source.MEM,
                mul_shift_bits=9, relu=True)  # fmt: skip
    operands = [rng.integers(-(2**15), 2**15, (6, 8, 9)).astype(np.int16) for _ in range(2)]
    grouped = LayerProgram(
        name="groups", weights=rng.integers(-128, 128, (6, 2, 3, 3), np.int8), geometry=ConvGeometry(groups=3),
        x1=x1, x1_alu=operands[0], x1_mul=operands[1], takes_addend=True,
        x2=XStage(bypass=False, alu_bypass=False, alu_source=Source.MEM, alu_shift_bits=20),
        output_converter=OutputConverter(scale=77, shift_bits=18),
    )  # fmt: skip
    return [*drawn, (grouped, rng.integers(-128, 128, (3, 6, 10, 11), np.int8))]


def test_run_is_equal_by_every_product_and_number_of_threads(small_tiles: None) -> None:
    for program, data in programs():
        more: list[Any] = []
        if program.takes_addend:
            more = [generator("tests", "addend").integers(-128, 128, (3, 6, 8, 9), np.int8)]
        with multiplying_by(ExactProduct.FLOAT32), limited_threads(1), pytest.MonkeyPatch.context() as whole:
            whole.setattr(convolution, "TILE_ELEMENTS", 2**22)
            expected = program.run(data, *more)
        for product in filter(is_exact, ExactProduct):
            for count in (1, 2, 3):
                with multiplying_by(product), limited_threads(count):
                    found, alone = program.run(data, *more), program.run_output(data, *more)
                for stage in STAGES:
                    np.testing.assert_array_equal(found.tensor(stage), expected.tensor(stage), strict=True)
                np.testing.assert_array_equal(alone.output, expected.output, strict=True)
                assert found.saturations == alone.saturations == expected.saturations


def test_network_run_without_stages_gives_the_same_outputs(small_tiles: None) -> None:
    (first, data), *_ = programs()
    identity = SdpProgram(name="identity")
    network = Network.chain((first, identity))
    for one, other in zip(network.run(data), network.run_outputs(data), strict=True):
        np.testing.assert_array_equal(one.output, other.output, strict=True)
        assert dict(one.saturations) == dict(other.saturations)


def test_first_exact_product_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    exact_products._of_process.cache_clear()
    monkeypatch.setattr(exact_products, "is_exact", lambda product: product is not ExactProduct.U8_S8)
    assert exact_product() is ExactProduct.U8_U8
    exact_products._of_process.cache_clear()
    monkeypatch.setattr(exact_products, "is_exact", lambda product: product is ExactProduct.FLOAT32)
    assert exact_product() is ExactProduct.FLOAT32
    exact_products._of_process.cache_clear()


def test_variable_chooses_the_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "float32")
    assert exact_product() is ExactProduct.FLOAT32
    monkeypatch.setenv(VARIABLE, "float64")
    with pytest.raises(BenchError, match=r"^NVDLA_PRODUCT = 'float64': choose one of u8_s8, u8_u8, float32$"):
        exact_product()


def saturating(self: ExactProduct, weights: NDArray[Any], pixels: NDArray[Any]) -> NDArray[np.int32]:
    """As a processor without VNNI: pairs of u8 x s8 are added in 16 bits, which saturate."""
    products = weights.astype(np.int64)[:, :, None] * pixels.astype(np.int64)
    fill = products.shape[1] % 2
    pairs = np.pad(products, ((0, 0), (0, fill), (0, 0))).reshape(len(weights), -1, 2, pixels.shape[1]).sum(axis=2)
    correction = 128 * pixels.astype(np.int64).sum(axis=0)
    sums: NDArray[np.int32] = (pairs.clip(-(2**15), 2**15 - 1).sum(axis=1) - correction).astype(np.int32)
    return sums


def test_product_that_saturates_16_bits_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ExactProduct, "multiply", saturating)
    is_exact.cache_clear()
    try:
        assert not is_exact(ExactProduct.U8_S8)
        with pytest.raises(BenchError, match=r"^product u8 x s8: sums are not exact on this processor"):
            multiplying_by(ExactProduct.U8_S8).__enter__()
    finally:
        is_exact.cache_clear()


def test_thread_count_follows_its_limit_then_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    assert thread_count() == 3
    with limited_threads(5):
        assert thread_count() == 5
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 4})
    assert thread_count() == 2


def test_in_threads_keeps_the_order_and_raises_what_the_function_does() -> None:
    with limited_threads(3):
        assert in_threads(lambda number: number * number, range(20)) == [number * number for number in range(20)]
        with pytest.raises(ZeroDivisionError):
            in_threads(lambda number: 1 // number, range(3))


def test_in_threads_within_in_threads_calculates_in_its_own_thread() -> None:
    def row(number: int) -> list[tuple[int, int, ExactProduct]]:
        return in_threads(lambda column: (number * column, thread_count(), exact_product()), range(3))

    with limited_threads(2), multiplying_by(ExactProduct.FLOAT32):
        rows = in_threads(row, range(4))
    assert rows == [[(number * column, 1, ExactProduct.FLOAT32) for column in range(3)] for number in range(4)]
