"""The weight stream, against the order of the specification walked in plain Python."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from nvdla_int8.build import Build, find_build
from nvdla_int8.errors import BenchError
from nvdla_int8.seeds import generator
from nvdla_int8.surfaces.weights import Shape, from_image_form, pack_weights, to_image_form, unpack_weights


def walk(weights: NDArray[np.int8], atomic_c: int, atomic_k: int, post_extension: int) -> bytes:
    """The stream, one weight after the other."""
    kernels, channels, lines, pixels = weights.shape
    step = 2**post_extension
    stream = []
    for group, block in product(range(0, kernels, atomic_k), range(0, channels, atomic_c)):
        for first_line, pixel in product(range(0, lines, step), range(pixels)):
            for kernel in range(group, min(group + atomic_k, kernels)):
                for line in range(first_line, min(first_line + step, lines)):
                    for channel in range(block, min(block + atomic_c, channels)):
                        stream.append(int(weights[kernel, channel, line, pixel]) & 255)
    return bytes(stream)


def custom_build(atomic_c: int, atomic_k: int) -> Build:
    return find_build("nv_small").model_copy(update={"atomic_c": atomic_c, "atomic_k": atomic_k})


def random_weights(*shape: int) -> NDArray[np.int8]:
    return generator("weights", *shape).integers(-128, 128, shape, np.int8)


sizes = st.integers(1, 20)
atoms = st.sampled_from([1, 3, 5, 8, 16, 32, 64])


@settings(max_examples=150, deadline=None)
@given(shape=st.tuples(sizes, sizes, st.integers(1, 4), st.integers(1, 4)), atomic_c=atoms, atomic_k=atoms)
def test_weights_stream_is_in_hardware_order(shape: Shape, atomic_c: int, atomic_k: int) -> None:
    weights, build = random_weights(*shape), custom_build(atomic_c, atomic_k)
    stream = pack_weights(weights, build)
    assert stream == walk(weights, atomic_c, atomic_k, 0)
    np.testing.assert_array_equal(unpack_weights(stream, shape, build), weights)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), post_extension=st.integers(0, 2), atomic_c=st.sampled_from([4, 8, 32]), atomic_k=atoms)
def test_weights_post_extension_interleaves_the_lines_of_a_step(
    data: st.DataObject, post_extension: int, atomic_c: int, atomic_k: int
) -> None:
    channels = data.draw(st.integers(1, atomic_c >> post_extension))
    shape = (data.draw(sizes), channels, data.draw(st.integers(1, 9)), 1)
    weights, build = random_weights(*shape), custom_build(atomic_c, atomic_k)
    stream = pack_weights(weights, build, post_extension=post_extension)
    assert stream == walk(weights, atomic_c, atomic_k, post_extension)
    found = unpack_weights(stream, shape, build, post_extension=post_extension)
    np.testing.assert_array_equal(found, weights)


@given(shape=st.tuples(*[st.integers(1, 5)] * 4))
def test_weights_image_form_puts_pixel_and_channel_into_one_index(shape: Shape) -> None:
    weights = random_weights(*shape)
    kernels, channels, lines, pixels = shape
    image_form = to_image_form(weights)
    assert image_form.shape == (kernels, pixels * channels, lines, 1)
    for k, c, r, s in np.ndindex(shape):
        assert image_form[k, s * channels + c, r, 0] == weights[k, c, r, s]
    np.testing.assert_array_equal(from_image_form(image_form, channels), weights)


def test_weights_stream_does_not_depend_on_the_arrays_memory_layout() -> None:
    weights = random_weights(9, 10, 2, 3)
    assert pack_weights(np.asfortranarray(weights), find_build("nv_small")) == walk(weights, 8, 8, 0)


SMALL = np.zeros((2, 4, 3, 1), np.int8)


@pytest.mark.parametrize(
    ("weights", "post_extension", "words"),
    [
        (SMALL.astype(np.uint8), 0, r"must be int8 \(K, C, R, S\), got uint8 \(2, 4, 3, 1\)"),
        (SMALL[0], 0, r"got int8 \(4, 3, 1\)"),
        (SMALL[:0], 0, "every size is at least 1"),
        (SMALL, 3, "post_extension = 3"),
        (SMALL, 2, r"at most 2 channels \(atomic-C 8\), the weights are \(2, 4, 3, 1\)"),
        (SMALL.reshape(2, 4, 1, 3), 1, "needs kernels of S = 1"),
        (np.broadcast_to(np.int8(0), (2**13, 2**13, 3, 3)), 0, "holds 603,979,776 bytes"),
    ],
)
def test_weights_that_cannot_be_packed_are_refused(weights: Any, post_extension: int, words: str) -> None:
    with pytest.raises(BenchError, match=words):
        pack_weights(weights, find_build("nv_small"), post_extension=post_extension)


@pytest.mark.parametrize("length", [23, 25])
def test_weights_stream_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(BenchError, match=f"take 24 bytes, the stream has {length}"):
        unpack_weights(bytes(length), (2, 4, 3, 1), find_build("nv_small"))


@pytest.mark.parametrize(("shape", "image_channels"), [((1, 7, 1, 1), 3), ((1, 6, 1, 2), 3)])
def test_weights_that_are_no_image_form_are_refused(shape: Shape, image_channels: int) -> None:
    with pytest.raises(BenchError, match="image weights must be"):
        from_image_form(random_weights(*shape), image_channels)
