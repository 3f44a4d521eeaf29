"""What an evaluation found, as it is printed, drawn and written as JSON."""

import math
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer

Decibels = Annotated[
    float, PlainSerializer(lambda value: value if math.isfinite(value) else None, return_type=float | None)
]
"""A ratio in dB; infinite where there is no noise, which JSON has as null."""


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True)


class OutputError(_Result):
    """Errors of one output tensor.

    Attributes
    ----------
    sqnr_db
        Signal-to-quantisation-noise ratio over all images.
    mean, worst
        Magnitude of the errors, in real numbers.
    step
        Real value of one step of int8; None for what the host computes.
    """

    tensor: str
    sqnr_db: Decibels
    mean: float
    worst: float
    step: float | None


class Outcome(_Result):
    """How well a network does.

    Attributes
    ----------
    sqnr_db
        Of its worst output that the hardware writes.
    agreement
        Share of the images that get the float network's class; None for a network that does not classify.
    top1
        Share of the images that get their label; None without labels.
    """

    sqnr_db: Decibels
    agreement: float | None
    top1: float | None


class NetworkResult(_Result):
    """One INT8 network."""

    name: str
    outcome: Outcome
    outputs: tuple[OutputError, ...]


class TensorResult(_Result):
    """One tensor.

    Attributes
    ----------
    layer
        What writes it; None for the network's input.
    scale, offset
        What its bytes mean.
    covers
        The least and greatest real value that the bytes have.
    low, high
        The range of the float values on the images.
    unused_bits
        How often ``covers`` could be halved before a value clips; negative when values clip; infinite (JSON: null)
        for a tensor that is 0 throughout.
    clipped_share
        Share of the values that clip.
    rounding_db
        What int8 would have with this entry if all before it were exact.
    better_scale, better_db
        The symmetric scale with the least squared error, for all tensors that share it, and what int8 would have
        with it.
    per_kernel_db, per_tensor_db
        Signal-to-quantisation-noise ratio in the INT8 networks.
    compiler_db
        The same in what NVIDIA's compiler would program, by network; of tensors that it keeps.
    error_counts
        How many errors, per kernel, are nearest to each number of steps, from -16 (and beyond) to 16.
    """

    tensor: str
    layer: str | None
    scale: float
    offset: int
    covers: tuple[float, float]
    low: float
    high: float
    unused_bits: Decibels
    clipped_share: float
    rounding_db: Decibels
    better_scale: float
    better_db: Decibels
    per_kernel_db: Decibels
    per_tensor_db: Decibels | None
    compiler_db: dict[str, Decibels]
    error_counts: tuple[int, ...]


class LayerResult(_Result):
    """Signal over noise at a layer's output, by cause, in dB; None where a layer does not have the cause.

    Attributes
    ----------
    before
        Noise that came with its inputs.
    own
        All that the layer adds; the next ones are its parts.
    input_entry, weights, output_entry, arithmetic
        The input in int8; weights in int8, per kernel; the exact result in the output's int8; and what the layer
        program's integers add.
    weights_per_tensor
        In place of ``weights``.
    """

    layer: str
    before: Decibels
    own: Decibels
    input_entry: Decibels | None = None
    weights: Decibels | None = None
    weights_per_tensor: Decibels | None = None
    output_entry: Decibels | None = None
    arithmetic: Decibels | None = None


class KernelNumbers(_Result):
    """A convolution's weight scales and multipliers, (K,) each.

    Attributes
    ----------
    multipliers, shift_bits
        Those of X1, or where it has none for each kernel, of the output converter.
    """

    layer: str
    weight_scales: tuple[float, ...]
    multipliers: tuple[int, ...]
    shift_bits: int


class Jump(_Result):
    """The first layer at which the noise jumps.

    Attributes
    ----------
    input_db
        Of its worst input.
    expected_db
        What that noise and int8 with a well-chosen scale would leave.
    output_db
        What it has.
    """

    layer: str
    tensor: str
    input_db: Decibels
    expected_db: Decibels
    output_db: Decibels


class Blame(_Result):
    """A scale that does not fit its tensors, and what a better one is measured to do.

    Attributes
    ----------
    tensors, entries
        Those that have it, and what the table calls the entries that make it so.
    scale, better_scale
        The scale, and that with the least squared error on the images.
    too_wide
        By ``bits``; otherwise too narrow by as many.
    gain_db
        How much less noise rounding and clipping alone would make in these tensors.
    unused_bits, clipped_share
        As of :class:`TensorResult`.
    alone
        The network with nothing but this scale changed; None when it was not tried.
    others
        The network with all suspects' scales changed but this one.
    to_blame
        Whether the better scale gains at the network's output.
    problem
        Why the better scale cannot be programmed.
    """

    tensors: tuple[str, ...]
    entries: tuple[str, ...]
    scale: float
    better_scale: float
    too_wide: bool
    bits: float
    gain_db: Decibels
    unused_bits: Decibels
    clipped_share: float
    alone: Outcome | None
    others: Outcome | None
    to_blame: bool
    problem: str | None = None


class OnnxDifference(_Result):
    """A tensor of a quantised network against onnxruntime's bytes, which have the same scale.

    Attributes
    ----------
    off_by_one, off_by_more
        Elements of the network's run that differ by one step, and by more.
    alone_elements, alone_by_one, alone_by_more
        The same when the layer gets onnxruntime's input; 0 where it was not run so.
    """

    tensor: str
    elements: int
    off_by_one: int
    off_by_more: int
    alone_elements: int = 0
    alone_by_one: int = 0
    alone_by_more: int = 0


class Evaluation(_Result):
    """All that ``evaluate`` tells.

    Attributes
    ----------
    images
        How many.
    float_top1
        The float network's; None without labels.
    table
        None of a quantised network, which says its scales itself.
    networks
        INT8 per kernel, INT8 per tensor, and if asked for what NVIDIA's compiler would program.
    per_tensor_problem
        Why the second is missing.
    compiler_networks, compiler_notes
        Which of the networks are NVIDIA's, and what goes wrong in them.
    jump
        None when no layer makes much more noise than its inputs have.
    suspects
        Scales that do not fit, those to blame first.
    repaired
        The network per kernel with all suspects' better scales; None without suspects.
    cause_images
        On how many images the layers' causes were measured.
    """

    network: str
    table: str | None
    images: int
    float_top1: float | None
    networks: tuple[NetworkResult, ...]
    per_tensor_problem: str | None
    compiler_networks: tuple[str, ...]
    compiler_notes: tuple[str, ...]
    tensors: tuple[TensorResult, ...]
    layers: tuple[LayerResult, ...]
    kernels: tuple[KernelNumbers, ...]
    jump: Jump | None
    suspects: tuple[Blame, ...]
    repaired: Outcome | None
    onnx_differences: tuple[OnnxDifference, ...]
    cause_images: int
