"""What NVIDIA's runtime makes of a picture before it lies in memory (loadables.md section 10)."""

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError

LARGEST_PIXEL, LARGEST_STEP = 255, 127

STEP_OF_PIXEL = np.floor(np.arange(LARGEST_PIXEL + 1) * LARGEST_STEP / LARGEST_PIXEL + 0.5).astype(np.int8)
"""The int8 value of each pixel value, 0..127."""

WHAT_PIXELS_BECOME = (
    f"each byte p becomes floor(p * {LARGEST_STEP} / {LARGEST_PIXEL} + 0.5), as in NVIDIA's runtime, which ignores "
    "--mean and --normalize for INT8"
)
"""In words, for messages."""


def what_pixels_count(scale: float) -> str:
    """The real value of a pixel p, in words, where one step of the network's input has the real value ``scale``."""
    each = scale * LARGEST_STEP / LARGEST_PIXEL
    value = f"p / {1 / each:.5g}" if each < 1 else f"p * {each:.5g}"
    value = value.removesuffix(" / 1").removesuffix(" * 1")
    return f"with the table's entry of the input, {scale:.6g}, a pixel p counts as {value}, and nothing is subtracted"


def tensor_of_pixels(pixels: NDArray[np.uint8], channels: int) -> NDArray[np.int8]:
    """Return a picture as the tensor that the runtime makes of it.

    Parameters
    ----------
    pixels
        uint8 (..., C, H, W), blue first where there are colours.
    channels
        The tensor's; what it has beyond the picture's is 0, as the fourth one of A8B8G8R8.

    Returns
    -------
    NDArray[np.int8]
        (..., channels, H, W).
    """
    return with_channels(STEP_OF_PIXEL[pixels], channels)


def with_channels(tensor: NDArray[np.int8], channels: int) -> NDArray[np.int8]:
    """Return an int8 tensor (..., C, H, W) with zeros for the channels it lacks; BenchError when it has too many."""
    missing = channels - tensor.shape[-3]
    if missing < 0:
        raise BenchError(f"a tensor of {tensor.shape[-3]} channels, the input has {channels}")
    widths = [(0, 0)] * (tensor.ndim - 3) + [(0, missing), (0, 0), (0, 0)]
    return np.pad(tensor, widths)
