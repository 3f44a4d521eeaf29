"""CSC's order: stripes, tiles and flags, and that MACs which follow it get the convolution."""

import numpy as np
import pytest

from nvdla_int8.beats.csc_order import CscBeats, csc_beats, stripe_lengths
from nvdla_int8.beats.stream_order import cacc_beats
from nvdla_int8.errors import BenchError
from nvdla_int8.seeds import generator
from nvdla_int8.stages.convolution import ConvGeometry, convolve


def operands(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    return generator("csc order", *shape).integers(-128, 128, shape, np.int8)


def replay(beats: CscBeats) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """What accumulators make of the beats that follow CMAC's and CACC's rules, (atoms, atomic-K)."""
    tiles = iter(beats.weights.astype(np.int64))
    sums: list[np.ndarray[tuple[int, ...], np.dtype[np.int64]]] = []
    delivered = []
    position, tile = 0, next(tiles)
    for atom, stripe_last, first, last in zip(
        beats.data.view(np.int8), beats.stripe_last, beats.acc_first, beats.acc_last, strict=True
    ):
        total = tile @ atom.astype(np.int64)
        if first:
            sums[position:] = [total]
        else:
            sums[position] += total
        if last:
            delivered.append(sums[position])
        position += 1
        if stripe_last:
            position, tile = 0, next(tiles, tile)
    assert next(tiles, None) is None
    return np.array(delivered)


@pytest.mark.parametrize(
    ("pixels", "lengths"),
    [(1, [1]), (31, [31]), (32, [16, 16]), (47, [16, 31]), (48, [16, 16, 16]), (49, [16, 16, 17])],
)
def test_stripe_lengths_last_takes_the_rest(pixels: int, lengths: list[int]) -> None:
    assert stripe_lengths(pixels, 8) == lengths


@pytest.mark.parametrize("image", [False, True])
@pytest.mark.parametrize(("atomic_c", "atomic_k"), [(8, 8), (32, 8), (8, 16)])
def test_csc_beats_give_the_convolution(image: bool, atomic_c: int, atomic_k: int) -> None:
    x, weights = operands(3 if image else 11, 9, 12), operands(17, 3 if image else 11, 3, 4)
    geometry = ConvGeometry(stride_x=2, dilation_y=1 if image else 3)
    beats = csc_beats(x, weights, geometry, atomic_c=atomic_c, atomic_k=atomic_k, image=image)
    expected = convolve(x, weights, geometry).value
    groups = np.zeros((-(-17 // atomic_k) * atomic_k, *expected.shape[1:]), np.int64)
    groups[:17] = expected
    assert (replay(beats) == cacc_beats(groups, atomic_k)).all()
    assert np.flatnonzero(beats.layer_last).tolist() == [len(beats.data) - 1]


@pytest.mark.parametrize("extension", [1, 2])
def test_csc_beats_post_extension_joins_kernel_lines(extension: int) -> None:
    x, weights = operands(1, 9, 12), operands(5, 1, 5, 2)
    geometry = ConvGeometry(stride_y=2)
    beats = csc_beats(x, weights, geometry, atomic_c=8, atomic_k=8, image=True, post_extension=extension)
    expected = np.concatenate([convolve(x, weights, geometry).value, np.zeros((3, 3, 11), np.int64)])
    assert (replay(beats) == cacc_beats(expected, 8)).all()
    assert len(beats.data) == 33 * -(-5 // 2**extension)
    assert beats.data[0].tolist() == [*x[0, : 2**extension, :2].view(np.uint8).ravel(), *[0] * (8 - 2 * 2**extension)]


def test_csc_beats_order_is_block_line_tap_pixel() -> None:
    x = np.arange(9 * 2 * 3, dtype=np.int8).reshape(9, 2, 3)
    beats = csc_beats(x, operands(1, 9, 2, 2), ConvGeometry(), atomic_c=8, atomic_k=8, image=False)
    first_channels = [x[c, r, s + ox] for c in (0, 8) for r in (0, 1) for s in (0, 1) for ox in (0, 1)]
    assert beats.data[:, 0].tolist() == first_channels
    assert beats.stripe_last.tolist() == [False, True] * 8
    assert beats.acc_first.tolist() == [True] * 2 + [False] * 14
    assert beats.acc_last.tolist() == [False] * 14 + [True] * 2
    assert not beats.data[8:, 1:].any()


def test_csc_beats_too_many_lines_for_an_atom_is_refused() -> None:
    with pytest.raises(BenchError, match="4 kernel lines of 6 do not fit an atom of 8"):
        csc_beats(
            operands(3, 4, 4),
            operands(1, 3, 4, 2),
            ConvGeometry(),
            atomic_c=8,
            atomic_k=8,
            image=True,
            post_extension=2,
        )
