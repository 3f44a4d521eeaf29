"""The passes over the images in which everything is measured at once."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nvdla_int8.calibration.histogram import Range
from nvdla_int8.errors import BenchError
from nvdla_int8.evaluate.comparison import Classes, Comparison, classes
from nvdla_int8.evaluate.entry_fit import EntryFit, ScaleFit
from nvdla_int8.evaluate.int8_reals import Int8Network, channel_factors
from nvdla_int8.evaluate.layer_causes import LayerCauses
from nvdla_int8.evaluate.subject import Floats, Subject
from nvdla_int8.quantise.network import QuantisedNetwork

CAUSE_IMAGES = 64
"""The causes of the layers' noise are measured on so many images, in whole batches: each layer runs six times."""


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
    causes: LayerCauses
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
    ranges = {name: Range() for group in groups for name in group}
    for _, floats in subject.batches("ranges", ranges):
        for name, values in _in_steps_of_entries(subject, per_kernel, floats).items():
            ranges[name].add(values)
    wrong = [f"{name!r} {each.low} .. {each.high}" for name, each in ranges.items() if not math.isfinite(each.reach)]
    if wrong:
        raise BenchError(f"{source.path}: {len(wrong)} tensors are not finite on the images: {', '.join(wrong)}")
    fits: dict[str, EntryFit] = {}
    for group in groups:
        reach = max(ranges[name].reach for name in group)
        fits |= {name: EntryFit(scales[name], ranges[name], reach) for name in group}
    comparison = Comparison(source, per_kernel)
    other = None if per_tensor is None else Comparison(source, per_tensor)
    of_compiler = {name: Comparison(source, network) for name, network in compiler.items()}
    causes = LayerCauses(source, per_kernel, per_tensor)
    cause_images = 0
    of_float: list[Classes] = []
    for images, floats in subject.batches("INT8 beside float", dict.fromkeys((*source.measured, *source.outputs))):
        found = comparison.add(images, floats)
        for one in (*([] if other is None else [other]), *of_compiler.values()):
            one.add(images, floats)
        for name, values in _in_steps_of_entries(subject, per_kernel, floats).items():
            if name in fits:
                fits[name].add(values)
        of_float.append(classes(floats[comparison.outputs[0]]))
        if cause_images < CAUSE_IMAGES:
            causes.add(floats, found)
            cause_images += len(images)
    scale_fits = [ScaleFit({name: fits[name] for name in group}) for group in groups]
    return Measurement(comparison, other, of_compiler, scale_fits, causes, cause_images, of_float)


def _in_steps_of_entries(subject: Subject, quantised: QuantisedNetwork, floats: Floats) -> Floats:
    """The tensors as their entries see them: the converted pixels of a channel lack the channel's own factor."""
    name = subject.source.input
    if name not in floats:
        return floats
    return {**floats, name: (floats[name] / channel_factors(quantised)).astype(floats[name].dtype)}
