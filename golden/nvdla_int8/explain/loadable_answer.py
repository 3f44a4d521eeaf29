"""Why a compiled network's output is all zeros, or the same for every image: the first sentence of an explanation."""

from collections.abc import Iterator, Sequence

from nvdla_int8.explain.findings import FaultKind, Finding, Severity
from nvdla_int8.explain.loadable_images import ObservedLayer, ObservedRuns
from nvdla_int8.explain.loadable_layers import LayerWords

EFFECTS = {
    FaultKind.BUILD: "on an nv_small its results are garbage",
    FaultKind.BIAS_SHIFT: "channels that have lost their bias look as if the output did not depend on the input",
    FaultKind.DEAD_CHANNEL: "such channels are 0 for every image",
    FaultKind.GROUPED_WEIGHTS: "the output is garbage, another one with each compilation",
    FaultKind.CONCATENATION: "the layers behind take some of the tensors for larger or smaller than they are",
    FaultKind.SUM_SCALE: "large values of that tensor are cut off",
    FaultKind.ACTIVATION: "the layer behind gets values that the network never has",
    FaultKind.POOLING_SCALE: "everything behind is too large or too small by that factor",
    FaultKind.PRODUCER_SCALE: "the output is nearly the same for every image",
    FaultKind.CONSTANT: "the output is the same for every image",
    FaultKind.SATURATION: "the output stands at an end of its range",
    FaultKind.OVERLAP: "the layer reads another tensor's bytes",
    FaultKind.WEIGHTS: "the hardware computes another network",
    FaultKind.BIAS: "the hardware computes another network",
    FaultKind.FACTOR: "everything behind is too large or too small by that factor",
}
"""What a fault does to the result."""


NO_FAULT = "No known fault of the compiler shows in this file."


def answer(
    layers: Sequence[LayerWords],
    findings: Sequence[Finding],
    observed: ObservedRuns | None,
    *,
    with_network: bool = False,
) -> tuple[str, ...]:
    """One or two sentences: what is wrong with the output, and what explains it; none when nothing is known of it.

    Parameters
    ----------
    layers
        All of them.
    findings
        The most severe first.
    observed
        What images show; None without.
    with_network
        The findings come from the network in real numbers too, not from the file alone.
    """
    return tuple(_sentences(layers, findings, observed, "What is given" if with_network else "The file alone"))


def _sentences(
    layers: Sequence[LayerWords], findings: Sequence[Finding], observed: ObservedRuns | None, source: str
) -> Iterator[str]:
    wrong, unsure = ([one for one in findings if one.severity is kind] for kind in (Severity.WRONG, Severity.OPEN))
    first_constant = None
    if observed is not None and observed.layers and observed.layers[-1] is not None:
        first_constant = _first(observed.layers, "same_for_all")
        yield _output_words(layers, observed, observed.layers[-1], first_constant)
    if wrong:
        before = [one for one in wrong if first_constant is None or one.layer is None or one.layer <= first_constant]
        cause = (before or wrong)[0]
        effect = EFFECTS.get(cause.kind)
        place = "" if cause.layer is None else f"layer {cause.layer}, "
        told = f"{place}{cause.title}{f'; {effect}' if effect else ''}"
        yield f"The results are wrong, and why is known: {told}.{_more(len(wrong) - 1)}"
    elif unsure:
        place = "" if unsure[0].layer is None else f"layer {unsure[0].layer}, "
        told = f"{place}{unsure[0].title}{_more(len(unsure) - 1)}"
        yield f"{source} does not tell whether its results are right: {told}"


def _more(count: int) -> str:
    return f" {count} more below." if count else ""


def _first(observed: Sequence[ObservedLayer | None], what: str) -> int | None:
    """The first layer from which on every layer has a property."""
    found = None
    for index in reversed(range(len(observed))):
        layer = observed[index]
        if layer is None or not getattr(layer, what):
            break
        found = index
    return found


def _output_words(
    layers: Sequence[LayerWords], observed: ObservedRuns, output: ObservedLayer, first_constant: int | None
) -> str:
    images = f"{observed.images} image{'' if observed.images == 1 else 's'}"
    zeros = output.output.minimum == output.output.maximum == 0
    if observed.one_input and observed.images > 1:
        return f"All {images} give the network one and the same input: they tell nothing of what depends on it."
    if first_constant is not None:
        what = "all zeros" if zeros else "the same"
        return (
            f"The hardware's output is {what} for all {images}: from layer {first_constant} "
            f"({layers[first_constant].name}) on nothing depends on the image."
        )
    if zeros:
        return f"The hardware's output is all zeros for {images}."
    if observed.zeros:
        return (
            f"The hardware's output is not all zeros, what the CPU makes of it is, for {images}: shares below the step "
            "of its output become 0. Take the hardware's output, before the softmax."
        )
    if observed.images > 1 and output.nearly_same:
        return (
            f"The hardware's output is nearly the same for all {images}: they change it by {output.image_rms:.3g} "
            f"steps, its values differ by {output.value_rms:.3g} anyway."
        )
    if observed.images == 1:
        return f"The hardware's output of {images} has {output.output.distinct} values, {_range(output)}."
    return f"The hardware's output depends on the image: {images} change it by {output.image_rms:.3g} steps (rms)."


def _range(output: ObservedLayer) -> str:
    return f"{output.output.minimum} .. {output.output.maximum}"
