"""Places where the compiler is known to go wrong and the file alone does not tell whether it did.

Scales are not in the file. With the network, and its table, :mod:`scales` decides each of these.
"""

from collections.abc import Iterator, Sequence

from nvdla_int8.explain.compiler_faults.scales import CONCAT_ADVICE, POOLING_ADVICE, PROFILE_ADVICE, SUM_ADVICE
from nvdla_int8.explain.compiler_faults.words import joined
from nvdla_int8.explain.findings import FaultKind, Finding, Severity
from nvdla_int8.explain.scale_trace import LayerScales
from nvdla_int8.loadable.descriptors import PdpOperation
from nvdla_int8.loadable.layers import LoadableLayer
from nvdla_int8.stages.pooling import PoolingMethod

DECIDE = "explain with --weights MODEL, and --table TABLE if it is there, decides it"


def undecided(layers: Sequence[LoadableLayer], scales: Sequence[LayerScales] | None) -> Iterator[Finding]:
    """What neither the file nor, of a network without a table, its integers tell; ``scales`` are those that they do."""
    for finding in _questions(layers):
        if scales is None or finding.layer is None or not _told(finding.kind, finding.layer, layers, scales):
            yield finding


def _told(kind: FaultKind, place: int, layers: Sequence[LoadableLayer], scales: Sequence[LayerScales]) -> bool:
    """Whether the scales that a question is about are known; whether a sum's operand saturates only a table tells."""
    known = [*scales[place].read]
    if kind is FaultKind.SUM_SCALE:
        return False
    if kind is FaultKind.PRODUCER_SCALE:
        known.append(scales[place].addend_read)
    if kind is FaultKind.POOLING_SCALE:
        taken = [scales[reader].taken for reader, layer in enumerate(layers) if place in layer.sources]
        known += taken or [None]
    return all(scale is not None for scale in known)


def _questions(layers: Sequence[LoadableLayer]) -> Iterator[Finding]:
    """Sums of tensors that a layer of their own wrote, concatenations, averages that another layer reads."""
    yield from _sums(layers)
    for place, layer in enumerate(layers):
        writers = [origin for origin in layer.sources if isinstance(origin, int)]
        if len(writers) > 1:
            yield Finding(
                FaultKind.CONCATENATION,
                place,
                f"{layer.name} reads a concatenation: are its parts in one scale?",
                f"{joined(layers[writer].name for writer in writers)} write side by side; nothing rescales them",
                f"{DECIDE}. If they differ, {CONCAT_ADVICE}",
                Severity.OPEN,
            )
        if _averages(layer):
            yield Finding(
                FaultKind.POOLING_SCALE,
                place,
                f"{layer.name} averages: is its output taken in its input's scale?",
                "PDP cannot rescale; the compiler computes what follows with the pooling's own entry of the table",
                f"{DECIDE}. If the entries differ, {POOLING_ADVICE}",
                Severity.OPEN,
            )


def _sums(layers: Sequence[LoadableLayer]) -> Iterator[Finding]:
    """Operands that a ReLU of its own wrote: so the profiles basic, default and performance compile."""
    found = [
        (place, writer)
        for place, layer in enumerate(layers)
        if layer.addends
        for writer in layer.inputs
        if isinstance(writer, int) and _is_bare_relu(layers[writer])
    ]
    if not found:
        yield from _forced(layers)
        return
    place, writer = found[0]
    sums = {one for one, _ in found}
    count = f"{len(sums)} sums take" if len(sums) > 1 else f"{layers[place].name} sums"
    yield Finding(
        FaultKind.PRODUCER_SCALE,
        place,
        f"{count} tensors that a ReLU layer wrote: is their scale the other operand's?",
        f"the file was compiled with --profile basic, default or performance; {layers[place].name} is the first such "
        f"sum. The compiler gives one operand the other's scale, and the layer that writes it, {layers[writer].name}, "
        "keeps the old one. Residual networks compiled so give nearly the same output for every image, unless the "
        "table has one scale for both operands",
        f"{DECIDE}. If they differ, {PROFILE_ADVICE}",
        Severity.OPEN,
    )


def _forced(layers: Sequence[LoadableLayer]) -> Iterator[Finding]:
    """Sums of a fused network: one operand has the other's scale."""
    sums = [place for place, layer in enumerate(layers) if layer.addends]
    if sums:
        count = f"{len(sums)} sums take" if len(sums) > 1 else f"{layers[sums[0]].name} takes"
        yield Finding(
            FaultKind.SUM_SCALE,
            sums[0],
            f"{count} both operands in one scale: does one of them saturate?",
            "the compiler forces one operand to the other's scale; if its range is larger, large values are cut off",
            f"{DECIDE}. If the entries differ, {SUM_ADVICE}",
            Severity.OPEN,
        )


def _is_bare_relu(layer: LoadableLayer) -> bool:
    steps = [step for step in (layer.x1, layer.x2) if step is not None]
    return layer.sdp is not None and layer.convolution is None and not layer.addends and any(one.relu for one in steps)


def _averages(layer: LoadableLayer) -> bool:
    operation = layer.operation.operation
    return isinstance(operation, PdpOperation) and operation.pool_mode == PoolingMethod.AVERAGE
