"""All that is wrong with a compiled network, as far as its file, and a network and table beside it, show."""

from collections.abc import Iterator

from nvdla_int8.explain.compiler_faults.biases import shifted_biases, wrong_biases
from nvdla_int8.explain.compiler_faults.constants import constants
from nvdla_int8.explain.compiler_faults.copies import copies
from nvdla_int8.explain.compiler_faults.factors import wrong_factors
from nvdla_int8.explain.compiler_faults.overlaps import overlaps
from nvdla_int8.explain.compiler_faults.scales import scale_faults
from nvdla_int8.explain.compiler_faults.undecided import undecided
from nvdla_int8.explain.compiler_faults.weights import other_network, unfilled_groups, wrong_weights
from nvdla_int8.explain.compiler_faults.whole_file import other_build, passed_over, unknown_units
from nvdla_int8.explain.findings import FaultKind, Finding
from nvdla_int8.explain.network_match import NetworkMatch
from nvdla_int8.explain.scale_trace import trace_scales
from nvdla_int8.loadable.layers import loadable_layers
from nvdla_int8.loadable.loadable import Loadable

OF_GROUPS = frozenset(
    (
        FaultKind.GROUPED_WEIGHTS,
        FaultKind.BIAS,
        FaultKind.BIAS_SHIFT,
        FaultKind.FACTOR,
        FaultKind.DEAD_CHANNEL,
        FaultKind.CONSTANT,
    )
)
"""What one grouped convolution shows: its later weights are unfilled, its operands interleaved with zeros."""


def find_faults(loadable: Loadable, match: NetworkMatch | None = None) -> tuple[Finding, ...]:
    """The faults of a compiled network, those of the whole file first, then by layer.

    Parameters
    ----------
    loadable
        The file.
    match
        The network that it was compiled from, and its table, if they are there: with them more is seen.

    Raises
    ------
    BenchError
        As of ``loadable_layers``, and of weights that the file does not hold.
    """
    found = list(other_build(loadable)) or _causes(list(_found(loadable, match)))
    return tuple(sorted(found, key=lambda finding: -1 if finding.layer is None else finding.layer))


def _found(loadable: Loadable, match: NetworkMatch | None) -> Iterator[Finding]:
    layers = loadable_layers(loadable)
    if match is not None and (strange := other_network(match)) is not None:
        yield strange
        match = None
    scales = trace_scales(match) if match is not None else None
    yield from unknown_units(loadable, layers)
    yield from copies(layers, match)
    overwritten = tuple(overlaps(loadable, layers, match))
    yield from overwritten
    if match is None:
        yield from unfilled_groups(layers)
    if match is None or match.table is None:
        damaged = {finding.layer for finding in overwritten}
        yield from (finding for finding in undecided(layers, scales) if finding.layer not in damaged)
    yield from shifted_biases(layers, match, scales)
    yield from constants(layers, match, scales)
    if match is None or scales is None:
        return
    if match.table is not None:
        yield from passed_over(match)
    yield from wrong_weights(match, scales)
    yield from wrong_biases(match, scales)
    yield from scale_faults(match, scales)
    yield from wrong_factors(match, scales)


def _causes(found: list[Finding]) -> list[Finding]:
    """The findings without what only follows from a grouped convolution's, of which each layer keeps one."""
    grouped = {finding.layer: finding for finding in reversed(found) if finding.kind is FaultKind.GROUPED_WEIGHTS}
    return [
        finding
        for finding in found
        if finding.layer not in grouped or finding is grouped[finding.layer] or finding.kind not in OF_GROUPS
    ]
