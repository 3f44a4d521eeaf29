"""What an evaluation found, in sentences."""

import math
from collections.abc import Iterator, Sequence

from nvdla_int8.evaluate.results import Blame, Evaluation, Jump, OnnxDifference, Outcome
from nvdla_int8.report.shares import share_words

COMPILER_WORDS = (
    "NVIDIA per-kernel and per-filter are what NVIDIA's compiler would program, faults included, in its own words: its "
    "per-kernel is one weight scale a layer (here: per tensor), its per-filter one an output channel (here: per kernel)"
)


def decibel_words(value: float | None) -> str:
    """A ratio; ``none`` where there is no noise, ``-`` where there is no ratio."""
    if value is None:
        return "-"
    return f"{value:.1f}" if math.isfinite(value) else "none" if value > 0 else "no signal"


def sentences(evaluation: Evaluation) -> Iterator[str]:
    """Where the noise comes from and what to do about it, most important first."""
    yield jump_words(evaluation.jump)
    given = evaluation.networks[0].outcome
    for blame in evaluation.suspects:
        yield blame_words(blame, given, evaluation.repaired)
    if not evaluation.suspects and evaluation.table is not None:
        yield "no entry of the table is to blame: none would make a bit less noise in its tensor with another scale"
    if evaluation.repaired is not None and len(evaluation.suspects) > 1:
        yield f"with all {len(evaluation.suspects)} better scales: {change_words(given, evaluation.repaired)}"
    if evaluation.per_tensor_problem is not None:
        yield f"weights per tensor cannot be programmed: {evaluation.per_tensor_problem}"
    if evaluation.compiler_networks:
        yield COMPILER_WORDS
    yield from evaluation.compiler_notes
    if evaluation.onnx_differences:
        yield difference_words(evaluation.onnx_differences)


def subject_words(evaluation: Evaluation) -> str:
    """What was evaluated."""
    scales = "its own scales" if evaluation.table is None else evaluation.table
    return f"{evaluation.network} with {scales} on {evaluation.images} images"


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
    """What becomes of a network's outcome."""
    told = [f"the output's SQNR goes from {decibel_words(before.sqnr_db)} to {decibel_words(after.sqnr_db)} dB"]
    for what, old, new in (
        ("agreement with float", before.agreement, after.agreement),
        ("top-1", before.top1, after.top1),
    ):
        if new is not None:
            told.append(f"{what} from {share_words(old)} to {share_words(new)}")
    return ", ".join(told)


def difference_words(differences: Sequence[OnnxDifference]) -> str:
    """How the bytes of all tensors differ from onnxruntime's."""
    run = [(each.elements, each.off_by_one, each.off_by_more) for each in differences]
    alone = [
        (each.alone_elements, each.alone_by_one, each.alone_by_more) for each in differences if each.alone_elements
    ]
    words = f"of {sum(each.elements for each in differences):,} bytes {_off_words(run)}"
    if not alone:
        return words
    return f"{words}; where each layer gets onnxruntime's bytes, {_off_words(alone)}"


def _off_words(counts: Sequence[tuple[int, int, int]]) -> str:
    elements, one, more = (sum(column) for column in zip(*counts, strict=True))
    return (
        f"{share_words(one / elements)} differ from onnxruntime's by 1, "
        f"{share_words(more / elements) if more else 'none'} by more"
    )
