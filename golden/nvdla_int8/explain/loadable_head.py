"""What a compiled network is as a whole: its build, its operations, its tensors, its memory, how it was compiled."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from nvdla_int8.build import NV_SMALL
from nvdla_int8.dumps.layout import FEATURE, FEATURE_X8
from nvdla_int8.errors import BenchError
from nvdla_int8.explain.loadable_memory import MemoryUse, TensorLocation, memory_use
from nvdla_int8.loadable.container import TensorDescriptor
from nvdla_int8.loadable.cpu_descriptors import CpuSoftmax
from nvdla_int8.loadable.layers import LoadableLayer
from nvdla_int8.loadable.loadable import Loadable
from nvdla_int8.loadable.sdp_steps import SdpStep
from nvdla_int8.loadable.unsupported import DATA_TYPES, INT8_TYPE, unsupported
from nvdla_int8.registers.register_map import find_register
from nvdla_int8.runtime.bound_tensor import BoundTensor
from nvdla_int8.runtime.input_tensor import WHAT_PIXELS_BECOME

FORMATS = {FEATURE: "feature cube in atoms of 32 (FEATURE)", FEATURE_X8: "feature cube in atoms of 8 (FEATURE_X8)"}
"""``pixel_format`` beyond the pixel formats of CDMA."""


@dataclass(frozen=True)
class TensorWords:
    """An input or output of the network: (C, H, W), or (N, C, H, W) of a batch."""

    name: str
    shape: tuple[int, ...]
    form: str

    def in_words(self) -> str:
        """Such as ``data 3 x 32 x 32, int8, feature cube in atoms of 8``."""
        return f"{self.name} {' x '.join(map(str, self.shape))}, {self.form}"


@dataclass(frozen=True)
class LoadableHead:
    """What a compiled network is.

    Attributes
    ----------
    builds
        The builds that it may be for; empty when nothing tells.
    evidence
        What tells the build.
    descriptors
        Version and layout of the descriptors.
    operations
        How many of each unit, by its name.
    layers
        How many layers they are.
    cpu
        What the CPU does behind the hardware.
    profile, profile_evidence
        The compiler's ``--profile`` that it looks like, and why; empty when nothing tells.
    mode
        Its ``--quantizationMode``, a key of :data:`MODES`.
    not_run
        What this project does not run, a line each.
    notes
        What was decided while the file was read, and what the runtime gets wrong of the outputs.
    """

    file: str
    builds: tuple[str, ...]
    evidence: str
    container: str
    descriptors: tuple[str, ...]
    operations: dict[str, int]
    layers: int
    cpu: tuple[str, ...]
    inputs: tuple[TensorWords, ...]
    outputs: tuple[TensorWords, ...]
    takes_images: bool
    memory: MemoryUse
    profile: str
    profile_evidence: str
    mode: str
    not_run: tuple[str, ...]
    notes: tuple[str, ...]


def head_of(loadable: Loadable, layers: Sequence[LoadableLayer], locations: Sequence[TensorLocation]) -> LoadableHead:
    """What a compiled network is; ``locations`` of its layers' outputs."""
    profile, evidence = _profile(layers, locations)
    operations = [operation for task in loadable.hardware_tasks for operation in task.operations]
    inputs = [bound.tensor for bound in loadable.inputs]
    return LoadableHead(
        file=str(loadable.path),
        builds=loadable.build.names,
        evidence=loadable.build.evidence,
        container=".".join(map(str, loadable.container.version)),
        descriptors=tuple(
            dict.fromkeys(
                f"{'.'.join(map(str, task.version))} ({task.layout.value})" for task in loadable.hardware_tasks
            )
        ),
        operations=dict(Counter(operation.type.name for operation in operations)),
        layers=len(layers),
        cpu=tuple(_cpu_words(loadable)),
        inputs=tuple(map(_tensor, inputs)),
        outputs=tuple(_tensor(bound.tensor) for bound in loadable.outputs),
        takes_images=any(tensor.data_type == INT8_TYPE and tensor.c in IMAGE_CHANNELS for tensor in inputs),
        memory=memory_use(loadable, locations),
        profile=profile,
        profile_evidence=evidence,
        mode=_mode(layers),
        not_run=unsupported(loadable),
        notes=(*loadable.notes, *_scrambled(loadable)),
    )


MODES = {
    "": "?",
    "per-filter": "per-filter: one weight scale for each output channel",
    "per-kernel": "per-kernel, which in the compiler's words is one weight scale for a whole layer",
}
"""The compiler's ``--quantizationMode`` in words."""

IMAGE_CHANNELS = (1, 3, 4)


def head_sentences(head: LoadableHead) -> Iterator[str]:
    """What a stranger should know of the file, a sentence or two each."""
    builds = " or ".join(head.builds) or "an unknown build"
    yield (
        f"This is a network compiled for {builds}: {head.evidence}. Container version {head.container}, "
        f"descriptors {' and '.join(head.descriptors) or 'none'}."
    )
    counts = ", ".join(f"{count} {unit}" for unit, count in head.operations.items()) or "none"
    total = sum(head.operations.values())
    then = f"; then {', '.join(head.cpu)} on the CPU" if head.cpu else ""
    yield f"The hardware carries out {_count(total, 'operation')} ({counts}) in {_count(head.layers, 'layer')}{then}."
    for what, tensors in (("Input", head.inputs), ("Output", head.outputs)):
        for tensor in tensors:
            yield f"{what} {tensor.in_words()}."
    if head.takes_images:
        yield f"Of an image {WHAT_PIXELS_BECOME}."
    memory = head.memory
    yield (
        f"Memory: {memory.stored:,} bytes of weights and operands in {memory.stored_allocated:,}, "
        f"{memory.pool:,} for tensors between layers, {memory.inputs:,} input, {memory.outputs:,} output; "
        f"{memory.total:,} together."
    )
    if head.profile:
        yield f"It looks like --profile {head.profile}: {head.profile_evidence}."
    if head.mode:
        yield f"It looks like --quantizationMode {MODES[head.mode]}."
    for what in head.not_run:
        yield f"This project does not run it: {'it ' if what.startswith('is ') else ''}{what}."
    for note in head.notes:
        yield f"Note: {note}."


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _tensor(tensor: TensorDescriptor) -> TensorWords:
    shape = (tensor.c, tensor.h, tensor.w)
    pixels = {code: name for name, code in find_register(PIXEL_REGISTER).fields[PIXEL_FIELD].enum.items()}
    form = FORMATS.get(tensor.pixel_format)
    if form is None:
        known = pixels.get(tensor.pixel_format)
        form = f"pixels {known.removeprefix('T_')}" if known else f"unknown pixel_format {tensor.pixel_format}"
    kind = DATA_TYPES.get(tensor.data_type, f"unknown data_type {tensor.data_type}")
    return TensorWords(tensor.name, shape if tensor.n == 1 else (tensor.n, *shape), f"{kind}, {form}")


PIXEL_REGISTER, PIXEL_FIELD = "CDMA.D_DATAIN_FORMAT", "PIXEL_FORMAT"


def _scrambled(loadable: Loadable) -> Iterator[str]:
    """Outputs that NVIDIA's runtime does not find where the hardware puts them."""
    if NV_SMALL.name not in loadable.build.names:
        return
    for bound in loadable.outputs:
        if bound.tensor.pixel_format != FEATURE:
            continue
        with suppress(BenchError):  # a tensor that the runtime does not take is told as not run
            if BoundTensor(bound).layout.scrambled:
                yield (
                    f"NVIDIA's runtime fetches {bound.tensor.name} in atoms of 32 as its format says, the hardware "
                    f"writes atoms of {NV_SMALL.memory_atom}: output.dimg is scrambled, with elements missing and "
                    "repeated; nvdla-int8 dump puts it right as far as that goes"
                )


def _cpu_words(loadable: Loadable) -> Iterator[str]:
    for task in loadable.cpu_tasks:
        for one in task.operations:
            if isinstance(one.operation, CpuSoftmax):
                step = one.operation.output_scale
                yield f"softmax (a step of its input is {one.operation.input_scale:g}; shares below {step:g} become 0)"
            else:
                operation = one.operation
                yield f"power ({operation.shift:g} + {operation.scale:g} x)^{operation.power:g}"


def _profile(layers: Sequence[LoadableLayer], locations: Sequence[TensorLocation]) -> tuple[str, str]:
    """Which profile of the open compiler the layers look like, and why; only what is behind convolutions tells."""
    if not any(layer.convolution is not None for layer in layers):
        return "", ""
    apart = sum(_is_apart(layer, layers) for layer in layers)
    if not apart:
        return "fast-math", "bias, batch normalisation and ReLU are part of their convolutions"
    shared = any(
        one.memory == "pool" and one.overlaps(other)
        for index, one in enumerate(locations)
        for other in locations[index + 1 :]
    )
    alone = (
        f"{_count(apart, 'layer')} of SDP alone {'does' if apart == 1 else 'do'} what fast-math makes part of others"
    )
    if shared:
        return "default or performance", f"{alone}, and tensors share memory"
    return "basic", f"{alone}, and every tensor has memory of its own"


def _is_apart(layer: LoadableLayer, layers: Sequence[LoadableLayer]) -> bool:
    """A layer of SDP behind a convolution that has its operands in registers or per kernel: fast-math fuses it."""
    if layer.operation.type.name != "SDP" or layer.convolution is not None:
        return False
    steps = [step for step in (layer.x1, layer.x2) if step is not None]
    if not steps or any(step.per_element is not None for step in steps):
        return False
    return any(isinstance(source, int) and layers[source].convolution is not None for source in layer.inputs)


def _mode(layers: Sequence[LoadableLayer]) -> str:
    """Which ``--quantizationMode`` the multipliers look like; empty without convolutions."""
    convolutions = [layer for layer in layers if layer.convolution is not None]
    if not convolutions:
        return ""
    per_filter = any(_multiplies_per_kernel(step) for layer in convolutions for step in (layer.x1, layer.x2))
    return "per-filter" if per_filter else "per-kernel"


def _multiplies_per_kernel(step: SdpStep | None) -> bool:
    return step is not None and step.mul is not None and step.mul.size > 1
