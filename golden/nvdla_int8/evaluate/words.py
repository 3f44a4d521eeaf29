"""What an evaluation found, in sentences."""

import math
from collections.abc import Iterator

from nvdla_int8.evaluate.results import Blame, Evaluation, Jump, OnnxDifference, Outcome


def decibel_words(value: float | None) -> str:
    """A ratio; ``none`` where there is no noise, ``-`` where there is no ratio."""
    if value is None:
        return "-"
    return f"{value:.1f}" if math.isfinite(value) else "none" if value > 0 else "no signal"


def share_words(value: float | None) -> str:
    """A share of images or values; one above 0 is never printed as 0."""
    if value is None:
        return "-"
    return f"{value:.2%}" if value == 0 or value >= 5e-5 else f"{value:.1e}"


def sentences(evaluation: Evaluation) -> Iterator[str]:
    """Where the noise comes from and what to do about it, most important first."""
    yield jump_words(evaluation.jump)
    given = evaluation.networks[0].outcome
    for blame in evaluation.suspects:
        yield blame_words(blame, given, evaluation.repaired)
    if not evaluation.suspects:
        yield "no entry of the table is to blame: none would make a bit less noise in its tensor with another scale"
    if evaluation.repaired is not None and len(evaluation.suspects) > 1:
        yield f"with all {len(evaluation.suspects)} better scales: {change_words(given, evaluation.repaired)}"
    for difference in evaluation.onnx_differences:
        yield difference_words(difference)


def jump_words(jump: Jump | None) -> str:
    """At which layer the noise jumps."""
    if jump is None:
        return "the noise jumps nowhere: no layer loses a bit beyond what its inputs' noise and int8 itself leave"
    return (
        f"the noise jumps first at layer {jump.layer}: {jump.tensor} has {decibel_words(jump.output_db)} dB, where its "
        f"inputs' {decibel_words(jump.input_db)} dB and int8 with a good scale would leave "
        f"{decibel_words(jump.expected_db)} dB"
    )


def blame_words(blame: Blame, given: Outcome, repaired: Outcome | None) -> str:
    """What is wrong with a scale, and what a better one was measured to do.

    Parameters
    ----------
    given, repaired
        The network as its table has it, and with the better scales of all suspects.
    """
    names = ", ".join(blame.entries)
    if set(blame.entries) != set(blame.tensors):
        names += f", of {', '.join(blame.tensors)}"
    wrong = f"too {'wide' if blame.too_wide else 'narrow'} by {blame.bits:.1f} bits"
    if blame.clipped_share:
        wrong += f", {share_words(blame.clipped_share)} of the values clip"
    elif blame.unused_bits >= 0.1:
        wrong += f", {blame.unused_bits:.1f} bits are never used"
    guilt = "to blame" if blame.to_blame else "not to blame"
    if blame.problem is not None:
        tried = f"{blame.better_scale:.6g} cannot be programmed: {blame.problem}"
    elif blame.alone is None:
        tried = f"{blame.better_scale:.6g} would fit better, not tried alone"
    else:
        tried = f"with {blame.better_scale:.6g} in its place {change_words(given, blame.alone)}"
    if blame.others is not None and repaired is not None:
        tried += f"; beside the other better scales {change_words(blame.others, repaired)}"
    return f"{guilt}: {names}: scale {blame.scale:.6g} is {wrong}; {tried}"


def change_words(before: Outcome, after: Outcome) -> str:
    """How one network does in place of another."""
    told = [f"the output has {decibel_words(after.sqnr_db)} dB for {decibel_words(before.sqnr_db)}"]
    for what, new, old in (
        ("agreement with float", after.agreement, before.agreement),
        ("top-1", after.top1, before.top1),
    ):
        if new is not None:
            told.append(f"{what} is {share_words(new)} for {share_words(old)}")
    return ", ".join(told)


def difference_words(difference: OnnxDifference) -> str:
    """How a tensor's bytes differ from onnxruntime's."""
    one, more = difference.off_by_one / difference.elements, difference.off_by_more / difference.elements
    words = (
        f"{difference.tensor}: {share_words(one)} of {difference.elements:,} bytes differ from onnxruntime's by 1, "
        f"{share_words(more)} by more"
    )
    if difference.alone_elements is None or difference.alone_by_one is None or difference.alone_by_more is None:
        return words
    alone = share_words(difference.alone_by_one / difference.alone_elements)
    more_alone = f"{difference.alone_by_more} by more" if difference.alone_by_more else "none by more"
    return f"{words}; on onnxruntime's own input of the layer {alone} by 1, {more_alone}"
