"""The passes over the images in which everything is measured at once."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from nvdla_int8.calibration.histogram import Range
from nvdla_int8.errors import BenchError
from nvdla_int8.evaluate.comparison import Classes, Compared, Comparison, classes
from nvdla_int8.evaluate.entry_fit import EntryFit, ScaleFit
from nvdla_int8.evaluate.glance import Batch, Floats
from nvdla_int8.evaluate.int8_reals import Int8Network, channel_factors
from nvdla_int8.evaluate.layer_causes import CauseNoise, LayerCauses, merge_causes
from nvdla_int8.evaluate.subject import Subject
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.quantise.network import QuantisedNetwork

CAUSE_IMAGES = 64
"""The causes of the layers' noise are measured on so many images, in whole batches: each layer runs six times."""

PER_KERNEL, PER_TENSOR = "per kernel", "per tensor"


@dataclass(frozen=True)
class Measurement:
    """What the images showed.

    Attributes
    ----------
    per_kernel, per_tensor
        The INT8 networks; None where weights per tensor cannot be programmed.
    compiler
        What NVIDIA's compiler would make, by name.
    fits
        Of the scales, in the data's order.
    causes
        Of the layers' noise.
    cause_images
        How many images those were measured on.
    of_float
        The float network's classes, batch by batch.
    """

    per_kernel: Comparison
    per_tensor: Comparison | None
    compiler: Mapping[str, Comparison]
    fits: list[ScaleFit]
    causes: CauseNoise
    cause_images: int
    of_float: list[Classes]


def measure(
    subject: Subject,
    per_kernel: QuantisedNetwork,
    per_tensor: QuantisedNetwork | None,
    compiler: Mapping[str, Int8Network],
    groups: Sequence[tuple[str, ...]],
) -> Measurement:
    """Go through the images twice: for the tensors' ranges, and for everything else.

    Parameters
    ----------
    per_kernel, per_tensor
        The network with both kinds of weights, the second if it can be programmed.
    compiler
        What NVIDIA's compiler would make, by name.
    groups
        Tensors by the scale that they share.

    Raises
    ------
    BenchError
        For tensors that are not finite on the images.
    """
    source = subject.source
    scales = per_kernel.scales.of
    wanted = dict.fromkeys(name for group in groups for name in group)
    ranges = subject.seen("ranges", wanted, partial(_ranges, source, per_kernel)).of
    wrong = [f"{name!r} {each.low} .. {each.high}" for name, each in ranges.items() if not math.isfinite(each.reach)]
    if wrong:
        raise BenchError(f"{source.path}: {len(wrong)} tensors are not finite on the images: {', '.join(wrong)}")
    fits: dict[str, EntryFit] = {}
    for group in groups:
        reach = max(ranges[name].reach for name in group)
        fits |= {name: EntryFit(scales[name], ranges[name], reach) for name in group}
    networks: dict[str, Int8Network] = {PER_KERNEL: per_kernel, **compiler}
    networks |= {} if per_tensor is None else {PER_TENSOR: per_tensor}
    comparisons = {name: Comparison(source, network) for name, network in networks.items()}
    beside = _Beside(per_kernel, comparisons, fits, LayerCauses(source, per_kernel, per_tensor))
    seen = subject.seen("INT8 beside float", dict.fromkeys((*source.measured, *source.outputs)), beside)
    for name, comparison in comparisons.items():
        comparison.compared = seen.compared[name]
    return Measurement(
        per_kernel=comparisons[PER_KERNEL],
        per_tensor=comparisons.get(PER_TENSOR),
        compiler={name: comparisons[name] for name in compiler},
        fits=[ScaleFit({name: seen.fits[name] for name in group}) for group in groups],
        causes=seen.causes,
        cause_images=seen.cause_images,
        of_float=seen.of_float,
    )


@dataclass
class _Ranges:
    """By tensor."""

    of: dict[str, Range]

    def merge(self, later: "_Ranges") -> None:
        for name, range_ in later.of.items():
            self.of[name].merge(range_)


def _ranges(source: FloatNetwork, quantised: QuantisedNetwork, first: int, images: Batch, floats: Floats) -> _Ranges:
    """What a batch reaches."""
    ranges = {name: Range() for name in floats}
    for name, values in _in_steps_of_entries(source, quantised, floats).items():
        ranges[name].add(values)
    return _Ranges(ranges)


@dataclass
class _SeenBeside:
    """What is measured beside float, by network and by tensor; see :class:`Measurement`."""

    compared: dict[str, Compared]
    fits: dict[str, EntryFit]
    causes: CauseNoise
    cause_images: int
    of_float: list[Classes]

    def merge(self, later: "_SeenBeside") -> None:
        for name, compared in later.compared.items():
            self.compared[name].merge(compared)
        for name, fit in later.fits.items():
            self.fits[name].merge(fit)
        merge_causes(self.causes, later.causes)
        self.cause_images += later.cause_images
        self.of_float += later.of_float


@dataclass(frozen=True)
class _Beside:
    """Looks at the INT8 networks beside the float one."""

    per_kernel: QuantisedNetwork
    comparisons: Mapping[str, Comparison]
    fits: Mapping[str, EntryFit]
    causes: LayerCauses

    def __call__(self, first: int, images: Batch, floats: Floats) -> _SeenBeside:
        both = {name: comparison.compare(images, floats) for name, comparison in self.comparisons.items()}
        _, found = both[PER_KERNEL]
        fits = {name: fit.empty() for name, fit in self.fits.items()}
        for name, values in _in_steps_of_entries(self.per_kernel.source, self.per_kernel, floats).items():
            if name in fits:
                fits[name].add(values)
        counted = first < CAUSE_IMAGES
        return _SeenBeside(
            compared={name: compared for name, (compared, _) in both.items()},
            fits=fits,
            causes=self.causes.noise(floats, found) if counted else {},
            cause_images=len(images) if counted else 0,
            of_float=[classes(floats[self.comparisons[PER_KERNEL].outputs[0]])],
        )


def _in_steps_of_entries(source: FloatNetwork, quantised: QuantisedNetwork, floats: Floats) -> Floats:
    """The tensors as their entries see them: the converted pixels of a channel lack the channel's own factor."""
    name = source.input
    if name not in floats:
        return floats
    return {**floats, name: (floats[name] / channel_factors(quantised)).astype(floats[name].dtype)}
