"""Mistakes in the bytes that software puts into memory as a network's input: their values, and which pixel is where."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import INPUT, Cause, Change, Family, Scene
from nvdla_int8.checkup.causes.input_converter import orders_of
from nvdla_int8.checkup.causes.input_tensor import Pixels, Surface, at_host, host_tensor, read_pixels, write_pixels
from nvdla_int8.device.points import Point
from nvdla_int8.runtime.input_tensor import STEP_OF_PIXEL
from nvdla_int8.surfaces.memory import Memory

MOST_IMAGE_CHANNELS = 4
SIGN_BIT = 0x80

LUMA = np.array([19595, 38470, 7471], np.int64)
"""What red, green and blue count in grey, in 65536ths (ITU-R 601, as Pillow does)."""

Transform = Callable[[Pixels], Pixels]

_BYTES = np.arange(256)

IMAGE_VALUES: tuple[tuple[str, str, NDArray[np.int_]], ...] = (
    (
        "pixels-halved",
        "every pixel is halved and rounded down: floor(p * 127 / 255 + 0.5), as NVIDIA's runtime makes it",
        STEP_OF_PIXEL.astype(int),
    ),
    ("pixels-halved", "every pixel p is p * 127 / 255, rounded down", _BYTES * 127 // 255),
    ("pixels-halved", "every pixel p is p / 2, rounded up", (_BYTES + 1) // 2),
    ("pixels-not-halved", "every byte of the image is doubled", np.minimum(_BYTES * 2, 255)),
    ("pixels-not-halved", "every byte q of the image is floor(q * 255 / 127 + 0.5)", (_BYTES * 510 + 127) // 254),
    ("pixels-saturate", "pixels above 127 are written as 127", np.minimum(_BYTES, 127)),
)
"""What becomes of each of the 256 bytes of an image: keys, words, tables."""


PICTURE_VALUES: tuple[tuple[str, str, NDArray[np.int_]], ...] = (
    ("pixels-not-halved", "the pixels are written as they are, not halved as NVIDIA's runtime does it", _BYTES),
    ("pixels-not-halved", "128 is subtracted from every pixel, which is not halved", _BYTES ^ SIGN_BIT),
    ("pixels-halved", "every pixel p becomes p / 2, rounded up", (_BYTES + 1) // 2),
    ("pixels-halved", "every pixel p becomes p * 127 / 255, rounded down", _BYTES * 127 // 255),
    ("pixels-saturate", "pixels above 127 become 127, the others stay", np.minimum(_BYTES, 127)),
)
"""What becomes of each of the 256 bytes of the image from which software made the input."""


def suggest_input_values(scene: Scene) -> Iterator[Cause]:
    """Those of the tensor that software put into memory for this layer."""
    tensor = host_tensor(scene)
    if tensor is None:
        return
    shape = (tensor.channels, tensor.height, tensor.width)
    if tensor.channels <= MOST_IMAGE_CHANNELS:
        yield from _orders(tensor.channels)
    words = "every byte of the input has its highest bit the other way: 128 is subtracted, or is not"
    yield _cause("input-minus-128", words, partial(_looked_up, table=(_BYTES ^ SIGN_BIT).astype(np.uint8)))
    if tensor.channels <= MOST_IMAGE_CHANNELS:
        if _halved(scene.timeline.picture, tensor) is not None:
            for key, words, table in PICTURE_VALUES:
                how = partial(_from_picture, table=table.astype(np.uint8))
                yield _at_memory(key, words, Change(Point.MEMORY, how, (INPUT,)))
        for key, words, table in IMAGE_VALUES:
            yield _cause(key, words, partial(_looked_up, table=table.astype(np.uint8)))
    yield from _orientations(shape)
    yield _cause("input-inverted", "every byte of the input is inverted: 255 - p", lambda x: ~x)
    yield from _greys(tensor.channels)
    if tensor.channels == MOST_IMAGE_CHANNELS:
        for alpha in (255, 0):
            words = f"the fourth channel of every pixel is {alpha}"
            yield _cause("alpha", words, partial(_with_alpha, alpha=alpha))
    yield from _rolls(shape)


def _orders(channels: int) -> Iterator[Cause]:
    for order in orders_of(channels):
        what = " (BGR for RGB)" if order[:3] == (2, 1, 0) else ""
        words = f"the input's channels are in the order {', '.join(map(str, order))}{what}"
        yield _cause("channel-order", words, partial(_reordered, order=order))


def _orientations(shape: tuple[int, int, int]) -> Iterator[Cause]:
    channels, height, width = shape
    if width > 1:
        yield _cause("input-mirrored", "every line of the input is mirrored", lambda x: x[:, :, ::-1])
    if height > 1:
        yield _cause("input-mirrored", "the input is upside down", lambda x: x[:, ::-1])
    if min(height, width) > 1:
        words = "lines and columns of the input are swapped"
        yield _cause("input-transposed", words, lambda x: x.transpose(0, 2, 1).reshape(x.shape))
        yield _cause("input-rotated", "the input is rotated by half a turn", lambda x: x[:, ::-1, ::-1])
        if height == width:
            yield _cause("input-rotated", "the input is rotated to the left", lambda x: np.rot90(x, 1, (1, 2)))
            yield _cause("input-rotated", "the input is rotated to the right", lambda x: np.rot90(x, -1, (1, 2)))
    if channels > 1 and height * width > 1:
        words = "the input is NHWC, pixel after pixel, and is taken for NCHW"
        yield _cause("input-nhwc", words, lambda x: x.transpose(1, 2, 0).reshape(x.shape))
        words = "the input is NCHW, plane after plane, and is taken for NHWC"
        yield _cause("input-nchw", words, _nchw)


def _greys(channels: int) -> Iterator[Cause]:
    if channels not in (3, MOST_IMAGE_CHANNELS):
        return
    for first, second, third in ((0, 1, 2), (2, 1, 0)):
        words = f"the input is grey: red is channel {first}, and all colours are their luminance"
        yield _cause("input-grey", words, partial(_grey, order=(first, second, third)))
    for channel in range(3):
        words = f"the input is grey: all colours are channel {channel}"
        yield _cause("input-grey", words, partial(_one_colour, channel=channel))


def _rolls(shape: tuple[int, int, int]) -> Iterator[Cause]:
    for axis, what in ((1, "lines"), (2, "pixels of every line")):
        for by in (1, -1):
            if shape[axis] > 2:  # with two, the one is the other
                way = "later" if by > 0 else "earlier"
                words = f"the {what} of the input lie one {way}, the one at the end comes round"
                yield _cause("input-rolled", words, partial(np.roll, shift=by, axis=axis))


# What becomes of any tensor, uint8 (C, H, W): itself where the mistake does not concern it


def _looked_up(tensor: Pixels, table: Pixels) -> Pixels:
    return table[tensor]


def _reordered(tensor: Pixels, order: tuple[int, ...]) -> Pixels:
    return tensor[list(order)] if len(tensor) == len(order) else tensor


def _nchw(tensor: Pixels) -> Pixels:
    channels, height, width = tensor.shape
    return tensor.reshape(height, width, channels).transpose(2, 0, 1)


def _grey(tensor: Pixels, order: tuple[int, int, int]) -> Pixels:
    if len(tensor) not in (3, MOST_IMAGE_CHANNELS):
        return tensor
    colours = tensor[list(order)].astype(np.int64)
    grey = (np.tensordot(LUMA, colours, 1) + (1 << 15)) >> 16
    return np.concatenate([np.broadcast_to(grey.astype(np.uint8), colours.shape), tensor[3:]])


def _one_colour(tensor: Pixels, channel: int) -> Pixels:
    if len(tensor) not in (3, MOST_IMAGE_CHANNELS):
        return tensor
    return np.concatenate([np.broadcast_to(tensor[channel], (3, *tensor.shape[1:])), tensor[3:]])


def _with_alpha(tensor: Pixels, alpha: int) -> Pixels:
    if len(tensor) != MOST_IMAGE_CHANNELS:
        return tensor
    changed = tensor.copy()
    changed[3] = alpha
    return changed


def _halved(picture: Pixels | None, tensor: Surface) -> Pixels | None:
    """The image from which a tensor was made, where they are of one size."""
    if picture is None or picture.shape[1:] != (tensor.height, tensor.width) or len(picture) > tensor.channels:
        return None
    return picture


def _from_picture(memory: Memory, scene: Scene, table: Pixels) -> Memory:
    """Write the tensor of an image again, with other values; the channels that the image lacks are left alone."""
    tensor = host_tensor(scene)
    picture = _halved(scene.timeline.picture, tensor) if tensor is not None else None
    if tensor is not None and picture is not None:
        elements = read_pixels(tensor, memory)
        if np.array_equal(elements[: len(picture)], STEP_OF_PIXEL.view(np.uint8)[picture]):
            write_pixels(tensor, memory, np.concatenate([table[picture], elements[len(picture) :]]))
    return memory


def _cause(key: str, words: str, transform: Transform) -> Cause:
    return _at_memory(key, words, at_host(transform))


def _at_memory(key: str, words: str, change: Change) -> Cause:
    advice = "Look at what the software does between the image and the bytes in memory."
    return Cause(key, Family.DATA, "the software", words, advice, (change,), everywhere=True)
