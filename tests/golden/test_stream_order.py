import numpy as np
from numpy.typing import NDArray

from nvdla_int8.beats.stream_order import cacc_beats, in_stream_order, sdp_beats


def _cube(channels: int, height: int, width: int) -> NDArray[np.int64]:
    """Elements that name their place: channel, y, x as decimal digits."""
    channel, y, x = np.indices((channels, height, width), np.int64)
    return np.asarray(channel * 100 + y * 10 + x)


def test_units_of_one_surface_are_a_raster() -> None:
    units = np.arange(6).reshape(1, 2, 3)
    assert in_stream_order(units, 1).tolist() == [0, 1, 2, 3, 4, 5]


def test_surfaces_of_a_group_alternate_pixel_by_pixel() -> None:
    units = _cube(3, 1, 2)
    assert in_stream_order(units, 2).tolist() == [0, 100, 1, 101, 200, 201]


def test_a_short_last_group_keeps_its_own_surfaces() -> None:
    units = _cube(5, 1, 1)
    assert in_stream_order(units, 4).tolist() == [0, 100, 200, 300, 400]


def test_sdp_beats_hold_the_lanes_of_one_atom() -> None:
    beats = sdp_beats(_cube(6, 1, 2), 2, 4)
    assert beats.tolist() == [[0, 100], [200, 300], [1, 101], [201, 301], [400, 500], [401, 501]]


def test_cacc_beats_hold_a_kernel_group_of_one_pixel() -> None:
    beats = cacc_beats(_cube(4, 2, 1), 2)
    assert beats.tolist() == [[0, 100], [10, 110], [200, 300], [210, 310]]
