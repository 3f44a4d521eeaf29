"""Pictures of a layer that departs: what is right, what the board has, and the difference, channel beside channel."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.patterns.wrong_output import WrongOutput
from nvdla_int8.quantise.rounding import Q_MAX, Q_MIN
from nvdla_int8.report.pictures import WIDTH_INCHES, add_colour_bar, as_png, as_svg, new_picture, new_pictures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize

MOST_CHANNELS = 64
"""Channels in a picture; of more, those that have wrong bytes come first."""

MOST_LABELS = 8

PLAIN = (0.5, 0.5, 0.5, 0.25)
"""A byte that is as it should be, in the picture of the difference: grey on paper of any colour."""

GAP = 1
"""Pixels between channels."""

LEAST_HEIGHT_INCHES, MOST_HEIGHT_INCHES = 1.2, 6.0
FRAME_INCHES = 1.0

TITLES = ("expected", "actual", "difference")


class Mosaic:
    """Channels of a cube side by side, in rows of about as many as there are rows.

    Parameters
    ----------
    output
        The layer that departs.
    """

    def __init__(self, output: WrongOutput) -> None:
        channels, height, width = output.expected.shape
        hit = output.wrong.any(axis=(1, 2))
        order = np.argsort(~hit, kind="stable")[:MOST_CHANNELS] if channels > MOST_CHANNELS else np.arange(channels)
        self.channels = np.sort(order)
        self.whole = len(self.channels) == channels
        self._size = height + GAP, width + GAP
        shape = np.sqrt(len(self.channels) * self._size[0] / self._size[1])
        self._across = max(1, min(len(self.channels), round(float(shape))))
        self._down = -(-len(self.channels) // self._across)
        self._output = output

    @property
    def proportion(self) -> float:
        """Height over width."""
        return float(self._down * self._size[0] / (self._across * self._size[1]))

    def values(self, cube: NDArray[np.uint8], shown: NDArray[np.bool_]) -> "np.ma.MaskedArray[Any, Any]":
        """Signed values, masked where nothing is shown: (rows, columns)."""
        return np.ma.masked_array(self._laid(cube.view(np.int8).astype(np.int16), 0), ~self._laid(shown, False))

    def difference(self) -> "np.ma.MaskedArray[Any, Any]":
        """Actual less expected, masked where nothing is wrong."""
        output = self._output
        apart = output.actual.view(np.int8).astype(np.int16) - output.expected.view(np.int8)
        return np.ma.masked_array(self._laid(apart, 0), ~self._laid(output.wrong, False))

    def known(self) -> NDArray[np.bool_]:
        """Where the dumps hold the output."""
        return self._laid(self._output.known, False)

    def label(self, axes: "Axes") -> None:
        """Number the channels on the left, and tell the step from one to the next below."""
        height, width = self._size
        rows = range(0, self._down, max(1, -(-self._down // MOST_LABELS)))
        names = [str(self.channels[row * self._across]) for row in rows]
        axes.set_yticks([row * height + (height - GAP) / 2 - 0.5 for row in rows], names)
        columns = range(0, self._across, max(1, -(-self._across // MOST_LABELS)))
        axes.set_xticks(
            [column * width + (width - GAP) / 2 - 0.5 for column in columns],
            [f"+{column}" for column in columns],
        )
        axes.set_ylabel("channel")

    def _laid(self, cube: NDArray[Any], empty: object) -> NDArray[Any]:
        height, width = self._size
        whole = np.full((self._down * height, self._across * width), empty, cube.dtype)
        for place, channel in enumerate(self.channels):
            y, x = (place // self._across) * height, (place % self._across) * width
            whole[y : y + height - GAP, x : x + width - GAP] = cube[channel]
        return whole[: whole.shape[0] - GAP, : whole.shape[1] - GAP]


def difference_pictures(output: WrongOutput) -> list[tuple[str, str]]:
    """Expected, actual and difference: words and SVG of each; BenchError when matplotlib is not installed."""
    mosaic = Mosaic(output)
    height = FRAME_INCHES + min(max(WIDTH_INCHES * mosaic.proportion, LEAST_HEIGHT_INCHES), MOST_HEIGHT_INCHES)
    pictures = []
    for title in TITLES:
        figure, axes = new_picture(height)
        _draw(axes, mosaic, output, title)
        pictures.append((picture_words(mosaic, title), as_svg(figure)))
    return pictures


def save_picture(output: WrongOutput, path: Path) -> None:
    """Write expected, actual and difference beside one another as PNG; BenchError as above, or for the file."""
    mosaic = Mosaic(output)
    height = FRAME_INCHES + min(max(WIDTH_INCHES * mosaic.proportion, LEAST_HEIGHT_INCHES), MOST_HEIGHT_INCHES)
    figure, every = new_pictures(height, len(TITLES))
    for axes, title in zip(every, TITLES, strict=True):
        _draw(axes, mosaic, output, title)
        axes.set_title(picture_words(mosaic, title))
    as_png(figure, path)


def picture_words(mosaic: Mosaic, title: str) -> str:
    """What a picture shows."""
    which = "" if mosaic.whole else f", {len(mosaic.channels)} channels"
    return f"{title}{which}"


def _draw(axes: "Axes", mosaic: Mosaic, output: WrongOutput, title: str) -> None:
    if title == "difference":
        axes.imshow(np.where(mosaic.known()[..., None], PLAIN, 0.0), interpolation="nearest")
        difference = mosaic.difference()
        most = max(1, int(np.abs(difference).max()))
        image = axes.imshow(difference, _departing_colours(), _even_for_small(most), interpolation="nearest")
        ticks = (-most, 0, most)
    else:
        cube = output.expected if title == "expected" else output.actual
        image = axes.imshow(
            mosaic.values(cube, output.known), "viridis", vmin=Q_MIN, vmax=Q_MAX, interpolation="nearest"
        )
        ticks = (Q_MIN, 0, Q_MAX)
    mosaic.label(axes)
    add_colour_bar(axes, image, ticks)


def _departing_colours() -> "Colormap":
    """Blue for too small, red for too large; no wrong byte is as pale as a right one."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    shades = np.linspace(0, 0.55, 128)
    return ListedColormap(np.concatenate((colormaps["Blues_r"](shades), colormaps["Reds"](shades + 0.45))))


def _even_for_small(most: int) -> "Normalize":
    """A scale in which a difference of one is seen beside one of two hundred."""
    from matplotlib.colors import SymLogNorm

    return SymLogNorm(1, vmin=-most, vmax=most)
