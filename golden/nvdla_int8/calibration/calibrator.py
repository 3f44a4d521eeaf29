"""Makes a calibration table: the range of each tensor over a set of images (hardware.md section 7)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.calibration.float_run import float_tensors
from nvdla_int8.calibration.histogram import Histogram, Range
from nvdla_int8.calibration.methods import METHODS, STEPS
from nvdla_int8.calibration.table import CalibrationTable, Entry
from nvdla_int8.calibration.unusable import UnusableScale, gives_no_scale
from nvdla_int8.errors import BenchError
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.stages.tensor_scale import TensorScale

Batches = Callable[[], Iterable[NDArray[np.integer]]]


@dataclass(frozen=True)
class MeasuredTensor:
    """A tensor over the images, and its entry's range.

    Attributes
    ----------
    name
        The tensor's.
    low, high
        Least and greatest value.
    count
        Of values.
    scale
        Of its entry; 0 for a tensor that is zero on all images.
    beyond
        How many values lie outside of -end .. end, and clip.
    """

    name: str
    low: float
    high: float
    count: int
    scale: float
    beyond: int

    @property
    def end(self) -> float:
        """The entry covers -end .. end."""
        return self.scale * STEPS

    @property
    def dead(self) -> bool:
        """Whether the tensor has no range, so that its entry gives no scale."""
        return gives_no_scale(self.scale)

    @property
    def entry(self) -> Entry:
        """The table's entry."""
        return (UnusableScale if self.dead else TensorScale)(self.name, self.scale)


@dataclass(frozen=True)
class Calibration:
    """A table and what it was made from, in the table's order."""

    table: CalibrationTable
    tensors: tuple[MeasuredTensor, ...]


def calibrate(
    network: FloatNetwork,
    batches: Batches,
    *,
    method: str = "minmax",
    percentile: float = 99.99,
    all_pixels: bool = True,
    feature_scale: float = 1.0,
    tell: Callable[[int], None] = lambda images: None,
) -> Calibration:
    """Measure every tensor of a network that a table of its format has, over images.

    A first pass finds the ranges; methods other than minmax take a second one for histograms. The table depends
    on the images and their order alone, not on batches.

    Parameters
    ----------
    network
        The network, fed with what its file leaves out.
    batches
        Gives the images from the start each time it is called, as
        :func:`~nvdla_int8.calibration.float_run.float_tensors` takes them.
    method
        One of :data:`~nvdla_int8.calibration.methods.METHODS`.
    percentile
        Of the method with this name.
    all_pixels
        The input's entry holds whatever pixels may be, 0..255, not only what the images show. It never clips
        in either case.
    feature_scale
        The scale of a feature map, which is its entry.
    tell
        Called with the number of images done, once for each pass.

    Raises
    ------
    BenchError
        For tensors that are not finite on the images, naming them.
    """
    ranges = {name: Range() for name in network.table_tensors}
    for values in _values(network, batches, feature_scale, tell):
        for name, range_ in ranges.items():
            range_.add(values[name])
    _check_finite(network, ranges)
    histograms: dict[str, Histogram] = {}
    if method != "minmax":
        alive = [name for name, range_ in ranges.items() if not gives_no_scale(range_.reach / STEPS)]
        histograms = {name: Histogram(ranges[name].reach) for name in alive if name != network.input}
        for values in _values(network, batches, feature_scale, tell):
            for name, histogram in histograms.items():
                histogram.add(values[name])
    tensors = []
    for name, range_ in ranges.items():
        scale, beyond = range_.reach / STEPS, 0
        if name in histograms:
            end = METHODS[method](histograms[name], percentile)
            scale, beyond = end / STEPS, histograms[name].beyond(end)
        elif name == network.input:
            scale = _input_scale(network, range_, all_pixels, feature_scale)
        tensors.append(MeasuredTensor(name, range_.low, range_.high, range_.count, scale, beyond))
    path = str(Path(network.path).with_suffix(".json"))
    return Calibration(CalibrationTable.from_entries((each.entry for each in tensors), path=path), tuple(tensors))


def _values(
    network: FloatNetwork, batches: Batches, feature_scale: float, tell: Callable[[int], None]
) -> Iterator[Mapping[str, NDArray[np.float32]]]:
    counted: list[int] = []

    def counting() -> Iterator[NDArray[np.integer]]:
        for batch in batches():
            counted.append(len(batch))
            yield batch

    for values in float_tensors(network, counting(), network.table_tensors, feature_scale=feature_scale):
        yield values
        tell(counted[-1])


def _check_finite(network: FloatNetwork, ranges: Mapping[str, Range]) -> None:
    if not all(each.count for each in ranges.values()):
        raise BenchError(f"{network.path}: there are no images to calibrate with")
    wrong = [f"{name!r} {each.low} .. {each.high}" for name, each in ranges.items() if not np.isfinite(each.reach)]
    if wrong:
        raise BenchError(f"{network.path}: {len(wrong)} tensors are not finite on the images: {', '.join(wrong)}")


def _input_scale(network: FloatNetwork, range_: Range, all_pixels: bool, feature_scale: float) -> float:
    """Scale of the input, whose entry must hold every value: pixels are known beforehand."""
    pixels = network.preprocessing
    if pixels is None:
        return feature_scale
    if not all_pixels:
        return range_.reach / STEPS
    ends = np.array([0, 255])[:, None]
    return float(np.abs((ends - pixels.mean) * pixels.scale).max()) / STEPS
